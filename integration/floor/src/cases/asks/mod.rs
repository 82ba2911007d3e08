//! What a policy asks about, with and without a grant, and with one for something else.

mod acts;
mod agent;

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sevorix_bpf::floor::{Destination, Enforcer, Grant, Tag, Thread};

use super::{DENIED, report};
use crate::agent::Outcome;
use crate::stage::{self, ROOTS, Stage};
use crate::{Result, told};
use acts::Act;

const POLICY: &str = r#"
version = 1
[exec]
default  = "deny"
writable = "allow"
rules = [
  { path = "ROOT/bin/**",         action = "allow" },
  { path = "ROOT/bin/good",       action = "ask" },
  { path = "ROOT/bin/good-script", action = "ask" },
  { path = "ROOT/bin/gone",       action = "ask" },
  { path = "/usr/lib/**",         action = "allow" },
  { path = "/lib64/**",           action = "allow" },
]
[file]
default = "allow"
rules = [
  { path = "ROOT/free/plain/**",  access = "rw",  action = "ask" },
  { path = "ROOT/free/plain/new", access = "c",   action = "ask" },
]
[net]
default = "ask"
"#;

const LASTS: Duration = Duration::from_secs(60);

/// Who is to have the grant.
#[derive(Debug, Clone, Copy)]
enum Whose {
    TheActors,
    /// The actor's number, and another time of start.
    AnEarlierOnes,
    Anothers,
}

struct Case {
    name: &'static str,
    given: Given,
    whose: Whose,
    lasts: Duration,
    act: Act,
    expected: Outcome,
}

/// What is granted, by its path where it is a file.
#[derive(Debug, Clone)]
enum Given {
    Nothing,
    Exec(Vec<&'static str>, Vec<u8>),
    Open(&'static str, bool, bool),
    Create(&'static str, &'static str),
    Tcp(u16),
    Udp(u16),
}

pub fn run(enforcer: &Enforcer, filter: &str) -> Result<usize> {
    let mut failures = 0;
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let ports = [server.local_addr()?.port(), datagrams.local_addr()?.port()];
    for root in ROOTS {
        stage::set_up()?;
        let image = stage::compiled(&POLICY.replace("ROOT", root))?;
        let stage = Stage::new(enforcer, root, &image)?;
        for case in acts::cases(root, ports) {
            if case.name.contains(filter) {
                let outcome = case.try_out(enforcer, &stage, Path::new(root))?;
                failures += report("asked", root, case.name, outcome, case.expected);
            }
        }
        stage.end()?;
    }
    Ok(failures)
}

impl Case {
    fn try_out(&self, enforcer: &Enforcer, stage: &Stage<'_>, root: &Path) -> Result<Outcome> {
        // a file's number is worth something as long as somebody has it open
        let files = self.given.files(root)?;
        let tags = files.iter().map(|file| enforcer.tag(file.as_fd()));
        let tags: Vec<Tag> = tags.collect::<std::result::Result<_, _>>().map_err(told)?;
        let place = |pid: nix::unistd::Pid| {
            stage.cgroup.take(pid)?;
            enforcer
                .label(pid.as_raw(), stage.container, false)
                .map_err(told)?;
            let Some(grant) = self.given.grant(&tags) else {
                return Ok(());
            };
            let thread = self.whose.thread(pid)?;
            enforcer
                .grant(stage.container, thread, &grant.as_grant(), self.lasts)
                .map_err(told)
        };
        let outcome = agent::run(place, || self.act.act(root));
        enforcer.revoke_all(stage.container).map_err(told)?;
        outcome
    }
}

impl Whose {
    fn thread(self, pid: nix::unistd::Pid) -> Result<Thread> {
        let thread = agent::thread(pid)?;
        Ok(match self {
            Self::TheActors => thread,
            Self::AnEarlierOnes => Thread {
                started: thread.started - 1,
                ..thread
            },
            Self::Anothers => agent::thread(nix::unistd::Pid::this())?,
        })
    }
}

/// A grant with what it borrows.
enum Owned {
    Exec(Vec<Tag>, Vec<u8>),
    Open(Tag, bool, bool),
    Create(Tag, &'static str),
    Reach([Destination; 1]),
}

impl Given {
    fn files(&self, root: &Path) -> Result<Vec<std::fs::File>> {
        let paths: Vec<PathBuf> = match self {
            Self::Exec(programs, _) => programs.iter().map(|path| root.join(path)).collect(),
            Self::Open(path, ..) | Self::Create(path, _) => vec![root.join(path)],
            Self::Nothing | Self::Tcp(_) | Self::Udp(_) => Vec::new(),
        };
        let open = |path: &PathBuf| agent::by_path(path);
        Ok(paths.iter().map(open).collect::<std::io::Result<_>>()?)
    }

    fn grant(&self, tags: &[Tag]) -> Option<Owned> {
        let to = |port, protocol| {
            let address = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
            Owned::Reach([Destination {
                address,
                port,
                protocol,
            }])
        };
        Some(match self {
            Self::Nothing => return None,
            Self::Exec(_, line) => Owned::Exec(tags.to_vec(), line.clone()),
            Self::Open(_, read, write) => Owned::Open(tags[0], *read, *write),
            Self::Create(_, name) => Owned::Create(tags[0], name),
            Self::Tcp(port) => to(*port, 6),
            Self::Udp(port) => to(*port, 17),
        })
    }
}

impl Owned {
    fn as_grant(&self) -> Grant<'_> {
        match self {
            Self::Exec(programs, line) => Grant::Exec {
                programs,
                line,
                words: u32::try_from(line.iter().filter(|byte| **byte == 0).count())
                    .unwrap_or(u32::MAX),
            },
            Self::Open(file, read, write) => Grant::Open {
                file: *file,
                read: *read,
                write: *write,
            },
            Self::Create(folder, name) => Grant::Create {
                folder: *folder,
                name: name.as_ref(),
            },
            Self::Reach(to) => Grant::Reach(to),
        }
    }
}
