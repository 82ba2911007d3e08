//! Waits for what happens to a container: its end, or its running out of memory.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::unistd::Pid;
use sevorix_container::cgroup::Cgroup;
use sevorix_container::pidfd_open;

use crate::error::{Context, Result};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Happening {
    End,
    OutOfMemory,
    /// nothing else, until the time that was given
    Time,
}

#[derive(Debug)]
pub struct Watch {
    init: OwnedFd,
    memory: Memory,
}

impl Watch {
    pub fn start(init: Pid, cgroup: &Cgroup) -> Result<Self> {
        Ok(Self {
            init: pidfd_open(init).during(|| "watch the container's init".into())?,
            memory: Memory::watch(cgroup)?,
        })
    }

    pub fn wait_until(&mut self, end: Instant) -> Result<Happening> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut polled = [
                PollFd::new(self.init.as_fd(), PollFlags::POLLIN),
                self.memory.interest(),
            ];
            match poll(&mut polled, timeout) {
                Err(Errno::EINTR) => continue,
                other => other.during(|| "wait for events".into())?,
            };
            let [ended, pressed] = polled.map(|entry| entry.any().unwrap_or(true));
            // whoever ends for want of memory does both at once: the reason is told first
            if pressed && self.memory.has_run_out()? {
                return Ok(Happening::OutOfMemory);
            }
            if ended {
                return Ok(Happening::End);
            }
            if left.is_zero() {
                return Ok(Happening::Time);
            }
        }
    }
}

/// The memory controller's own word of it, in either version of cgroups.
#[derive(Debug)]
enum Memory {
    Unified {
        changes: Inotify,
        events: PathBuf,
        kills: u64,
    },
    /// an event descriptor, which also tells of the cgroup's removal
    Legacy { event: EventFd, control: PathBuf },
}

impl Memory {
    fn watch(cgroup: &Cgroup) -> Result<Self> {
        let unified = cgroup
            .unified_folder()
            .map(|folder| folder.join("memory.events"));
        match unified.filter(|events| events.exists()) {
            Some(events) => Self::watch_unified(events),
            None => Self::watch_legacy(
                &Path::new(LEGACY_ROOT)
                    .join(cgroup.path().strip_prefix("/").unwrap_or(cgroup.path())),
            ),
        }
    }

    fn watch_unified(events: PathBuf) -> Result<Self> {
        let changes =
            Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).on("watch", &events)?;
        changes
            .add_watch(&events, AddWatchFlags::IN_MODIFY)
            .on("watch", &events)?;
        let kills = kills_in(&std::fs::read_to_string(&events).on("read", &events)?);
        Ok(Self::Unified {
            changes,
            events,
            kills,
        })
    }

    fn watch_legacy(folder: &Path) -> Result<Self> {
        let control = folder.join("memory.oom_control");
        let file = File::open(&control).on("open", &control)?;
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .on("watch", &control)?;
        let registration = folder.join("cgroup.event_control");
        let line = format!("{} {}", event.as_raw_fd(), file.as_raw_fd());
        std::fs::write(&registration, line).on("write", &registration)?;
        Ok(Self::Legacy { event, control })
    }

    fn interest(&self) -> PollFd<'_> {
        let fd = match self {
            Self::Unified { changes, .. } => changes.as_fd(),
            Self::Legacy { event, .. } => event.as_fd(),
        };
        PollFd::new(fd, PollFlags::POLLIN)
    }

    /// Takes the news; whether it was somebody's end.
    fn has_run_out(&mut self) -> Result<bool> {
        match self {
            Self::Legacy { event, control } => {
                event.read().on("read events of", control)?;
                Ok(control.exists())
            }
            Self::Unified {
                changes,
                events,
                kills,
            } => {
                changes.read_events().on("read events of", events)?;
                let now = match std::fs::read_to_string(&*events) {
                    // removed: the container's end is told by its init
                    Err(_) if !events.exists() => return Ok(false),
                    other => kills_in(&other.on("read", events)?),
                };
                Ok(std::mem::replace(kills, now) < now)
            }
        }
    }
}

fn kills_in(events: &str) -> u64 {
    let count = events
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

const LEGACY_ROOT: &str = "/sys/fs/cgroup/memory";
