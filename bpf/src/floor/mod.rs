//! The floor: what the kernel enforces for every container, whoever else is alive.
//!
//! The first caller after a boot loads the programs ([`load`]); everybody after that opens the pinned maps and writes a
//! container into them. Whatever is written here is read by the programs in `src/bpf`; `abi.h` is what both agree on.

mod beginning;
mod bytes;
mod canary;
mod cgroup;
mod degraded;
mod earlier;
mod events;
mod grants;
mod hash;
mod load;
mod mounts;
mod network;
mod pins;
mod programs;
mod register;
mod skeleton;
mod tables;

pub use cgroup::cgroup_hierarchy;
pub use degraded::hold_network;
pub use events::{Event, Operation, Outcome, Reason};
pub use grants::{
    DESTINATIONS_MOST, Destination, Grant, LINE_MOST_ASKED, PROGRAMS_MOST, Tag, Thread,
};
pub use mounts::{Mount, mountinfo_of};
pub use pins::pin_file_system;
pub use programs::ProgramFacts;
pub use register::{Container, Registration};

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use libbpf_rs::{MapCore, MapFlags};

use self::load::Lock;
use self::pins::{Maps, Opened};
use self::skeleton::types;
use crate::{BpfError, Result};

/// The floor of this release: containers of another one are not in its tables.
pub const NAME: &str = env!("SEVORIX_FLOOR");

/// What the programs of this boot were loaded with.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Boot {
    /// Of the hashes.
    secret: u64,
    next_epoch: u64,
    /// Slots from here on have never been anybody's: they need not be looked at.
    containers_end: u32,
    policies_end: u32,
}

/// The hold on the kernel's side.
#[derive(Debug)]
pub struct Enforcer {
    maps: Maps,
}

impl Enforcer {
    /// Loads the floor if this boot has none yet. It is not there, or it holds: the last step before it counts as loaded
    /// is a process that it must refuse everything.
    pub fn ensure_loaded() -> Result<Self> {
        let lock = Lock::take()?;
        let maps = load::ensure(&lock)?;
        Ok(Self { maps })
    }

    /// The floor as somebody has loaded it; `None`: nobody has since boot.
    pub fn loaded() -> Result<Option<Self>> {
        let maps = pins::is_ready().then(Maps::pinned);
        Ok(maps.map(|maps| Self { maps }))
    }

    /// Whether this boot has a floor of this release: whatever it needs of the host was there, then.
    pub fn is_loaded() -> bool {
        pins::is_ready()
    }

    /// Puts a container under its policy.
    pub fn register(&self, registration: &Registration<'_>) -> Result<Container> {
        let lock = Lock::take()?;
        register::register(&lock, &self.maps, registration)
    }

    /// Makes a process one of the container. `setup`: it is our own, and the agent only from its next exec on.
    pub fn label(&self, pid: libc::pid_t, container: Container, setup: bool) -> Result<()> {
        label(&self.maps, pid, container, setup)
    }

    /// Ends a registration. Processes that are still there are refused everything from now on.
    pub fn release(&self, container: Container) -> Result<()> {
        let lock = Lock::take()?;
        register::release(&lock, &self.maps, container)
    }

    /// Releases the containers whose cgroup is gone, and what a crash left. How many containers there were.
    pub fn sweep(&self) -> Result<usize> {
        let lock = Lock::take()?;
        register::sweep(&lock, &self.maps)
    }

    /// For this long the container's allowed operations are reported, too; zero ends it. `false`: it is no more.
    pub fn report_allowed(&self, container: Container, time: std::time::Duration) -> Result<bool> {
        let lock = Lock::take()?;
        register::report_allowed(&lock, &self.maps, container, time)
    }

    /// The programs that hold, and what the verifier said of each.
    pub fn programs(&self) -> Result<Vec<ProgramFacts>> {
        programs::all()
    }

    /// How often each operation had each outcome.
    pub fn counts(&self, container: Container) -> Result<Vec<(Operation, Outcome, u64)>> {
        events::counts(&self.maps, container.slot)
    }

    /// How many events of this boot found no room.
    pub fn lost_events(&self) -> Result<u64> {
        events::lost(&self.maps)
    }

    /// Returns when there are events, at the latest after this time. They stay.
    pub fn wait_for_events(&self, wait: std::time::Duration) -> Result<()> {
        events::wait(&self.maps, wait)
    }

    /// Hands over what was reported since the last call, of all containers. Two must not ask at a time.
    pub fn read_events(
        &self,
        wait: std::time::Duration,
        mut take: impl FnMut(Event),
    ) -> Result<()> {
        events::read(&self.maps, wait, &mut take)
    }
}

/// Removes the floors of other releases that nobody is under any more. How many there were.
pub fn sweep_earlier() -> Result<usize> {
    earlier::sweep(&Lock::take()?)
}

fn label(maps: &Maps, pid: libc::pid_t, container: Container, setup: bool) -> Result<()> {
    const SETUP: u32 = 1;
    let task = pidfd(pid).map_err(BpfError::io(format!("open the process {pid}")))?;
    let agent = types::agent {
        label: types::label {
            slot: container.slot,
            generation: container.generation,
            flags: if setup { SETUP } else { 0 },
            reserved: 0,
        },
        ..Default::default()
    };
    let key = task.as_raw_fd().to_ne_bytes();
    maps.agents
        .opened()?
        .update(&key, bytes::bytes(&agent), MapFlags::ANY)
        .map_err(BpfError::floor(format!("label the process {pid}")))
}

fn pidfd(pid: libc::pid_t) -> std::io::Result<OwnedFd> {
    // SAFETY: takes two integers.
    let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match RawFd::try_from(answer) {
        // SAFETY: the kernel has just opened it for us and nobody else owns it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(std::io::Error::last_os_error()),
    }
}
