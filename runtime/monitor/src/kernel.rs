//! The kernel's side of a real container.

use std::cell::OnceCell;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use sevorix_bpf::floor::{self, Container, Destination, Enforcer, Grant, Tag};
use sevorix_container::floor::Decided;
use sevorix_container::monitor::Watched;
use sevorix_policy::Protocol;

use crate::execution::Execution;
use crate::floor::{Floor, Permit};
use crate::opening::What;
use crate::reach::Goal;
use crate::thread::Thread;
use crate::{Error, Result};

/// The floor's tables and the container's list of events.
#[derive(Debug)]
pub struct Kernel {
    watched: Rc<Watched>,
    /// opened when it is first needed: the container has its place only after its monitor has started
    tables: OnceCell<(Enforcer, Container)>,
    began: OnceCell<Duration>,
}

impl Kernel {
    pub fn new(watched: Rc<Watched>) -> Self {
        Self {
            watched,
            tables: OnceCell::new(),
            began: OnceCell::new(),
        }
    }

    fn tables(&self) -> Result<&(Enforcer, Container)> {
        if let Some(tables) = self.tables.get() {
            return Ok(tables);
        }
        let container = self.watched.place()?.ok_or(Error::NoPlace)?;
        let enforcer = Enforcer::loaded()?.ok_or(Error::NoPlace)?;
        Ok(self.tables.get_or_init(|| (enforcer, container)))
    }
}

impl Floor for Kernel {
    fn grant(&self, thread: Thread, permit: &Permit<'_>, lasts: Duration) -> Result<()> {
        let (enforcer, container) = self.tables()?;
        let give = |grant: &Grant<'_>| enforcer.grant(*container, thread.into(), grant, lasts);
        match permit {
            Permit::Exec(execution) => {
                let programs = tags(enforcer, execution)?;
                let line = execution.line.bytes();
                let words = u32::try_from(execution.line.words().len()).unwrap_or(u32::MAX);
                give(&Grant::Exec {
                    programs: &programs,
                    line: &line,
                    words,
                })?;
            }
            Permit::Reach(goals) => {
                let goals: Vec<Destination> = goals.iter().map(Into::into).collect();
                give(&Grant::Reach(&goals))?;
            }
            Permit::File(opening) => {
                let file = enforcer.tag(opening.file.as_fd())?;
                match &opening.what {
                    What::Open { read, write } => give(&Grant::Open {
                        file,
                        read: *read,
                        write: *write,
                    })?,
                    What::Create { name } => give(&Grant::Create { folder: file, name })?,
                }
            }
        }
        Ok(())
    }

    /// One that can't be taken back ends soon by itself.
    fn revoke(&self, thread: Thread) {
        if let Some((enforcer, _)) = self.tables.get() {
            let _ = enforcer.revoke(thread.into());
        }
    }

    fn tell(&self, told: &Decided) {
        self.watched.tell(told);
    }

    fn may_have_written(&self, changed: Duration) -> bool {
        changed >= *self.began.get_or_init(|| self.watched.began())
    }
}

fn tags(enforcer: &Enforcer, execution: &Execution) -> Result<Vec<Tag>> {
    let programs = execution.programs.iter();
    let tags = programs.map(|program| enforcer.tag(program.file.as_fd()));
    Ok(tags.collect::<Result<_, _>>()?)
}

impl From<Thread> for floor::Thread {
    fn from(thread: Thread) -> Self {
        Self {
            tid: thread.tid,
            started: thread.started,
        }
    }
}

impl From<&Goal> for Destination {
    fn from(goal: &Goal) -> Self {
        let address = match goal.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        let protocol = match goal.protocol {
            Protocol::Tcp => libc::IPPROTO_TCP,
            Protocol::Udp => libc::IPPROTO_UDP,
        };
        Self {
            address,
            port: goal.address.port,
            protocol: u16::try_from(protocol).unwrap_or_default(),
        }
    }
}
