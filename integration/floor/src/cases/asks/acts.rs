//! The acts, and which grant lets which of them through.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;

use super::{Case, DENIED, Given, LASTS, Whose};
use crate::agent::Outcome;

/// What a process tries.
#[derive(Debug, Clone)]
pub enum Act {
    /// This program with these words, the first of which is its name.
    Exec(&'static str, Vec<String>),
    ExecInThread(&'static str, Vec<String>),
    MapAsCode(&'static str),
    Read(&'static str),
    ReadTwice(&'static str),
    ReadAndWrite(&'static str),
    /// What stands at the path is another file by the time it is opened.
    ReadSwapped(&'static str, &'static str),
    Create(&'static str),
    CreateTwice(&'static str, &'static str),
    Connect(u16),
    ConnectTwice(u16),
    Send(u16),
    SendTwice(u16),
    /// A connected socket sends as often as it likes.
    ConnectAndSend(u16),
}

impl Act {
    pub fn act(&self, root: &Path) -> io::Result<()> {
        let any = (Ipv4Addr::UNSPECIFIED, 0);
        let here = |port| (Ipv4Addr::LOCALHOST, port);
        let make = |name: &str| {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .open(root.join(name))
        };
        match self {
            Self::Exec(program, words) => exec(&root.join(program), words),
            Self::ExecInThread(program, words) => std::thread::scope(|scope| {
                let thread = scope.spawn(|| exec(&root.join(program), words));
                thread.join().expect("a thread that returns an error")
            }),
            Self::MapAsCode(program) => {
                super::super::code::map_file(&root.join(program), libc::PROT_READ | libc::PROT_EXEC)
            }
            Self::Read(file) => File::open(root.join(file)).map(drop),
            Self::ReadTwice(file) => (0..2).try_for_each(|_| File::open(root.join(file)).map(drop)),
            Self::ReadAndWrite(file) => OpenOptions::new()
                .read(true)
                .write(true)
                .open(root.join(file))
                .map(drop),
            Self::ReadSwapped(file, other) => {
                nix::fcntl::renameat2(
                    nix::fcntl::AT_FDCWD,
                    &root.join(other),
                    nix::fcntl::AT_FDCWD,
                    &root.join(file),
                    nix::fcntl::RenameFlags::RENAME_EXCHANGE,
                )?;
                File::open(root.join(file)).map(drop)
            }
            Self::Create(name) => make(name).map(drop),
            Self::CreateTwice(first, second) => make(first).and_then(|_| make(second)).map(drop),
            Self::Connect(port) => TcpStream::connect(here(*port)).map(drop),
            Self::ConnectTwice(port) => {
                (0..2).try_for_each(|_| TcpStream::connect(here(*port)).map(drop))
            }
            Self::Send(port) => UdpSocket::bind(any)?.send_to(b"x", here(*port)).map(drop),
            Self::SendTwice(port) => {
                let socket = UdpSocket::bind(any)?;
                (0..2).try_for_each(|_| socket.send_to(b"x", here(*port)).map(drop))
            }
            Self::ConnectAndSend(port) => {
                let socket = UdpSocket::bind(any)?;
                socket.connect(here(*port))?;
                (0..3).try_for_each(|_| socket.send(b"x").map(drop))
            }
        }
    }
}

/// Comes back only with an error.
fn exec(program: &Path, words: &[String]) -> io::Result<()> {
    let null = File::options().write(true).open("/dev/null")?;
    // SAFETY: both descriptors are open.
    unsafe { libc::dup2(null.as_raw_fd(), libc::STDERR_FILENO) };
    let (name, rest) = words.split_first().expect("a name");
    Err(Command::new(program)
        .arg0(name)
        .args(rest)
        .env_clear()
        .exec())
}

fn line(words: &[String]) -> Vec<u8> {
    words
        .iter()
        .flat_map(|word| [word.as_bytes(), b"\0"].concat())
        .collect()
}

/// The exit status of a shell that may not execute something.
const SHELL_WAS_REFUSED: Outcome = Outcome::Refused(Errno::ENOKEY);
/// The exit status of a busybox that ran under a name that says nothing to it.
const RAN_WITHOUT_APPLET: Outcome = Outcome::Refused(Errno::EKEYEXPIRED);
const REFUSED: Outcome = Outcome::Refused(Errno::EPERM);

pub fn cases(root: &str, [tcp, udp]: [u16; 2]) -> Vec<Case> {
    let mut cases = programs(root);
    cases.extend(files());
    cases.extend(destinations(tcp, udp));
    cases
}

fn case(name: &'static str, given: Given, act: Act, expected: Outcome) -> Case {
    Case {
        name,
        given,
        whose: Whose::TheActors,
        lasts: LASTS,
        act,
        expected,
    }
}

fn programs(root: &str) -> Vec<Case> {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_string())
            .collect::<Vec<_>>()
    };
    let good = "bin/good";
    let yes = words(&["true"]);
    let run = |words: &[String]| Act::Exec(good, words.to_vec());
    let to = |words: &[String]| Given::Exec(vec![good], line(words));
    let long = words(&["true", &"x".repeat(20_000), "end"]);
    let other_long = words(&["true", &"x".repeat(20_000), "eNd"]);
    let again = words(&["sh", "-c", &format!("exec {root}/{good} true")]);
    let script = format!("{root}/bin/good-script");
    let script_line = words(&[&format!("{root}/{good}"), "true", &script, "a"]);
    let of_script = |programs| Given::Exec(programs, line(&script_line));
    let run_script = Act::Exec("bin/good-script", words(&["anything", "a"]));
    let later = |whose, lasts| Case {
        whose,
        lasts,
        ..case(
            "ask: exec by a grant that is not its own",
            to(&yes),
            run(&yes),
            DENIED,
        )
    };
    vec![
        case(
            "ask: exec without a grant",
            Given::Nothing,
            run(&yes),
            DENIED,
        ),
        case("ask: exec with a grant", to(&yes), run(&yes), Outcome::Done),
        case(
            "ask: exec in a second thread",
            to(&yes),
            Act::ExecInThread(good, yes.clone()),
            DENIED,
        ),
        case(
            "ask: exec with another line",
            to(&yes),
            run(&words(&["echo"])),
            Outcome::Killed,
        ),
        case(
            "ask: exec with a word more",
            to(&yes),
            run(&words(&["true", "x"])),
            Outcome::Killed,
        ),
        case(
            "ask: exec with a word less",
            to(&words(&["true", "x"])),
            run(&yes),
            Outcome::Killed,
        ),
        case(
            "ask: exec with a long line",
            to(&long),
            run(&long),
            Outcome::Done,
        ),
        case(
            "ask: exec with a long line that differs",
            to(&long),
            run(&other_long),
            Outcome::Killed,
        ),
        case(
            "ask: exec of another file",
            Given::Exec(vec!["bin/gone"], line(&yes)),
            run(&yes),
            DENIED,
        ),
        case(
            "ask: exec by a grant to open",
            Given::Open(good, true, true),
            run(&yes),
            DENIED,
        ),
        case(
            "ask: exec once more by the same grant",
            to(&again),
            run(&again),
            SHELL_WAS_REFUSED,
        ),
        case(
            "ask: a script and its interpreter",
            of_script(vec!["bin/good-script", good]),
            run_script.clone(),
            RAN_WITHOUT_APPLET,
        ),
        case(
            "ask: a script without its interpreter",
            of_script(vec!["bin/good-script"]),
            run_script,
            DENIED,
        ),
        case(
            "ask: map what may be executed",
            to(&yes),
            Act::MapAsCode(good),
            DENIED,
        ),
        later(Whose::TheActors, Duration::ZERO),
        later(Whose::AnEarlierOnes, LASTS),
        later(Whose::Anothers, LASTS),
    ]
}

fn files() -> Vec<Case> {
    let file = "free/plain/file";
    let new = "free/plain/new";
    let open = |read, write| Given::Open(file, read, write);
    let create = || Given::Create("free/plain", "new");
    vec![
        case(
            "ask: open without a grant",
            Given::Nothing,
            Act::Read(file),
            DENIED,
        ),
        case(
            "ask: open with a grant",
            open(true, false),
            Act::Read(file),
            Outcome::Done,
        ),
        case(
            "ask: open twice with a grant",
            open(true, false),
            Act::ReadTwice(file),
            DENIED,
        ),
        case(
            "ask: open for more than was granted",
            open(true, false),
            Act::ReadAndWrite(file),
            DENIED,
        ),
        case(
            "ask: open for all that was granted",
            open(true, true),
            Act::ReadAndWrite(file),
            Outcome::Done,
        ),
        case(
            "ask: open what was put in its place",
            Given::Open("free/plain/file", true, false),
            Act::ReadSwapped("free/plain/file", "free/plain/second"),
            DENIED,
        ),
        case(
            "ask: create without a grant",
            Given::Nothing,
            Act::Create(new),
            DENIED,
        ),
        case(
            "ask: create another name",
            create(),
            Act::Create("free/plain/other"),
            DENIED,
        ),
        case(
            "ask: create in another folder",
            Given::Create("free", "new"),
            Act::Create(new),
            DENIED,
        ),
        case(
            "ask: create with a grant",
            create(),
            Act::Create(new),
            Outcome::Done,
        ),
        case(
            "ask: create two with one grant",
            Given::Create("free/plain", "newer"),
            Act::CreateTwice("free/plain/newer", "free/plain/newest"),
            DENIED,
        ),
    ]
}

fn destinations(tcp: u16, udp: u16) -> Vec<Case> {
    vec![
        case(
            "ask: connect without a grant",
            Given::Nothing,
            Act::Connect(tcp),
            REFUSED,
        ),
        case(
            "ask: connect with a grant",
            Given::Tcp(tcp),
            Act::Connect(tcp),
            Outcome::Done,
        ),
        case(
            "ask: connect twice with a grant",
            Given::Tcp(tcp),
            Act::ConnectTwice(tcp),
            REFUSED,
        ),
        case(
            "ask: connect to another port",
            Given::Tcp(udp),
            Act::Connect(tcp),
            REFUSED,
        ),
        case(
            "ask: connect by another protocol",
            Given::Udp(tcp),
            Act::Connect(tcp),
            REFUSED,
        ),
        case(
            "ask: send without a grant",
            Given::Nothing,
            Act::Send(udp),
            REFUSED,
        ),
        case(
            "ask: send with a grant",
            Given::Udp(udp),
            Act::Send(udp),
            Outcome::Done,
        ),
        case(
            "ask: send twice with a grant",
            Given::Udp(udp),
            Act::SendTwice(udp),
            REFUSED,
        ),
        case(
            "ask: connect, and send as often as one likes",
            Given::Udp(udp),
            Act::ConnectAndSend(udp),
            Outcome::Done,
        ),
    ]
}
