//! `sevorix verdict test` before the shipped service, before a wrong one, and before nobody.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use sevorix_verdict::Trust;

fn tested(socket: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sevorix"));
    command
        .args(["verdict", "test", "--socket"])
        .arg(socket)
        .args(more);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("run");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn the_shipped_service_passes_with_a_line_for_each_case() {
    let folder = tempfile::tempdir().expect("tempdir");
    let socket = folder.path().join("slm.sock");
    let ours = Trust {
        user: Some(nix::unistd::geteuid().as_raw()),
    };
    let path = socket.clone();
    std::thread::spawn(move || sevorix_jury::listen(&path, ours));
    let listens = (0..3000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        UnixStream::connect(&socket).is_ok()
    });
    assert!(listens);
    let (status, told, _) = tested(&socket, &["--patience", "30000"]);
    assert_eq!(status, Some(0), "{told}");
    assert!(
        told.starts_with("✓ hello is answered with hello\n"),
        "{told}"
    );
    let last: Vec<&str> = told.lines().rev().take(2).collect();
    assert!(
        last[0].starts_with("all ") && last[0].ends_with("this service speaks sevorix.verdict"),
        "{told}"
    );
    assert!(
        last[1].starts_with("allow quorum in ") && last[1].ends_with(" ms (1 juror)"),
        "{told}"
    );
    let (status, told, _) = tested(&socket, &["--patience", "30000", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(status, Some(0));
    assert_eq!(
        (&told["schema"], &told["conforms"]),
        (&"sevorix.verdict/1".into(), &true.into())
    );
}

#[test]
fn a_wrong_service_is_a_finding_and_nobody_is_none() {
    let folder = tempfile::tempdir().expect("tempdir");
    let socket = folder.path().join("slm.sock");
    let listener = UnixListener::bind(&socket).expect("bound");
    // hangs up on everybody
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let (status, told, _) = tested(&socket, &[]);
    assert_eq!(status, Some(1), "{told}");
    // whether that is seen in writing or in reading is a race between the two
    let finding = told
        .lines()
        .find(|line| line.contains("an ask is answered"));
    assert!(
        finding.is_some_and(|line| line.starts_with("✗ an ask is answered: it ")),
        "{told}"
    );
    let (status, told, error) = tested(&folder.path().join("none"), &[]);
    assert_eq!((status, told.as_str()), (Some(3), ""));
    assert!(
        error.contains("none") && error.contains("hint: "),
        "{error}"
    );
}

#[test]
fn other_words_are_a_wrong_command_line() {
    let status = Command::new(env!("CARGO_BIN_EXE_sevorix"))
        .args(["verdict", "trial"])
        .output();
    assert_eq!(status.expect("run").status.code(), Some(2));
}
