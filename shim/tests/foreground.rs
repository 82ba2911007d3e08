//! A payload in the foreground, without a container around it: its end, its signals, its terminal.

#![expect(
    clippy::zombie_processes,
    reason = "it is Foreground::wait that collects them"
)]

use std::io::{IoSlice, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, raise};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::termios::tcgetattr;
use nix::unistd::{Pid, dup2_stdin, dup2_stdout};
use sevorix::console::Waiting;
use sevorix::foreground::Foreground;

fn main() {
    end_after(Duration::from_secs(60));
    the_payloads_end_is_ours();
    an_end_before_we_wait_is_seen();
    signals_reach_the_payload();
    what_we_start_has_no_signal_blocked();
    a_payload_that_stops_and_goes_on_has_not_ended();
    a_terminal_is_passed_through_and_given_back();
    println!("test result: ok. 6 passed");
}

/// A signal that gets lost would leave us waiting for ever.
fn end_after(limit: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        eprintln!("a payload has not ended within {limit:?}");
        std::process::exit(1);
    });
}

fn the_payloads_end_is_ours() {
    for (script, status) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("kill -9 $$", 137),
        ("kill -35 $$", 163),
    ] {
        let foreground = Foreground::begin().expect("begun");
        let payload = shell(script, Stdio::null());
        assert_eq!(
            foreground.wait(pid(&payload), None).expect("waited"),
            status,
            "{script}"
        );
    }
}

fn an_end_before_we_wait_is_seen() {
    let foreground = Foreground::begin().expect("begun");
    let mut payload = shell("exit 4", Stdio::piped());
    let mut output = Vec::new();
    // its output ends with it
    payload
        .stdout
        .take()
        .expect("piped")
        .read_to_end(&mut output)
        .expect("read");
    assert_eq!(foreground.wait(pid(&payload), None).expect("waited"), 4);
}

fn signals_reach_the_payload() {
    let foreground = Foreground::begin().expect("begun");
    let mut payload = shell(
        "trap 'exit 9' TERM; echo up; while :; do read -r line; done",
        Stdio::piped(),
    );
    let mut up = [0; 3];
    payload
        .stdout
        .as_mut()
        .expect("piped")
        .read_exact(&mut up)
        .expect("read");
    // what is not for it, and what is
    for signal in [
        Signal::SIGURG,
        Signal::SIGWINCH,
        Signal::SIGPIPE,
        Signal::SIGTERM,
    ] {
        raise(signal).expect("sent");
    }
    assert_eq!(foreground.wait(pid(&payload), None).expect("waited"), 9);
}

/// As hooks do; a shell can't unblock what it began with.
fn what_we_start_has_no_signal_blocked() {
    let foreground = Foreground::begin().expect("begun");
    let script = "grep -Eq '^SigBlk:.*[1-9a-f]' /proc/self/status && exit 1; kill -TERM $$";
    let hook = shell(script, Stdio::null());
    let terminated = 128 + libc::SIGTERM;
    let status = foreground.wait(pid(&hook), None).expect("waited");
    assert_eq!(i32::from(status), terminated);
}

fn a_payload_that_stops_and_goes_on_has_not_ended() {
    let foreground = Foreground::begin().expect("begun");
    let script = "(while ! grep -q 'State:.T' /proc/$$/status; do :; done; kill -CONT $$) & kill -STOP $$; exit 6";
    let payload = shell(script, Stdio::null());
    assert_eq!(foreground.wait(pid(&payload), None).expect("waited"), 6);
}

fn a_terminal_is_passed_through_and_given_back() {
    let size = Winsize {
        ws_row: 40,
        ws_col: 120,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let host = openpty(Some(&size), None).expect("pty");
    let inside = openpty(None, None).expect("pty");
    let our_input = nix::unistd::dup(std::io::stdin()).expect("copied");
    let our_output = nix::unistd::dup(std::io::stdout()).expect("copied");
    dup2_stdin(&host.slave).expect("replaced");
    dup2_stdout(&host.slave).expect("replaced");
    let before = tcgetattr(&host.slave).expect("settings");

    let foreground = Foreground::begin().expect("begun");
    let (ours, theirs) = Waiting::new().expect("socket pair");
    send(&theirs, &inside.master);
    let script = "read -r line; echo \"got $line\"; stty size; seq 1 5000; exit 7";
    let payload = on_terminal(script, inside.slave);
    let console = ours.open().expect("received");
    assert_ne!(tcgetattr(&host.slave).expect("settings"), before);
    std::fs::File::from(host.master.try_clone().expect("copied"))
        .write_all(b"hello\n")
        .expect("typed");
    let reader = std::thread::spawn(move || read_until_quiet(host.master));
    let status = foreground
        .wait(pid(&payload), Some(console))
        .expect("waited");
    let after = tcgetattr(&host.slave).expect("settings");
    dup2_stdin(our_input).expect("restored");
    dup2_stdout(our_output).expect("restored");
    drop(host.slave);

    let shown = reader.join().expect("read");
    assert_eq!(status, 7);
    assert_eq!(after, before);
    assert!(shown.contains("got hello\r\n40 120\r\n"), "{shown:?}");
    assert!(shown.ends_with("4999\r\n5000\r\n"), "{shown:?}");
}

fn shell(script: &str, output: Stdio) -> Child {
    Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::null())
        .stdout(output)
        .spawn()
        .expect("sh")
}

fn on_terminal(script: &str, terminal: OwnedFd) -> Child {
    let streams = || Stdio::from(terminal.try_clone().expect("copied"));
    Command::new("sh")
        .args(["-c", script])
        .stdin(streams())
        .stdout(streams())
        .spawn()
        .expect("sh")
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().expect("a pid"))
}

fn send(socket: &OwnedFd, master: &OwnedFd) {
    let rights = [master.as_raw_fd()];
    let text = [IoSlice::new(b"/dev/ptmx")];
    sendmsg::<()>(
        socket.as_raw_fd(),
        &text,
        &[ControlMessage::ScmRights(&rights)],
        MsgFlags::empty(),
        None,
    )
    .expect("sent");
}

/// All that is written to a terminal until nobody has it open.
fn read_until_quiet(master: OwnedFd) -> String {
    let mut shown = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = nix::unistd::read(&master, &mut bytes) {
        shown.extend_from_slice(&bytes[..count]);
    }
    String::from_utf8_lossy(&shown).into_owned()
}
