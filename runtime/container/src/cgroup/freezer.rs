//! Stopping every process of a container at once, without a signal that it could see.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Cgroup, CgroupError, folder};

/// A process in the middle of an uninterruptible wait freezes late.
const PATIENCE: Duration = Duration::from_secs(10);

impl Cgroup {
    pub fn freeze(&self) -> Result<(), CgroupError> {
        let Some(folder) = self.unified_folder().filter(|_| self.is_unified()) else {
            return self.await_legacy_state("FROZEN", "freeze");
        };
        folder::set(folder, "cgroup.freeze", "1")?;
        await_event(folder, "frozen 1", "freeze").inspect_err(|_| {
            // half frozen is worse than running, and the error already says what happened
            let _ = folder::set(folder, "cgroup.freeze", "0");
        })
    }

    /// On v2 the processes go on as soon as nothing above them is frozen either, which is not for us to wait for.
    pub fn thaw(&self) -> Result<(), CgroupError> {
        match self.unified_folder().filter(|_| self.is_unified()) {
            Some(folder) => folder::set(folder, "cgroup.freeze", "0"),
            None => self.await_legacy_state("THAWED", "thaw"),
        }
    }

    /// False for one that does not exist.
    pub fn is_frozen(&self) -> Result<bool, CgroupError> {
        let (folder, file, frozen) = if self.is_unified() {
            (self.unified_folder(), "cgroup.freeze", "1")
        } else {
            (self.legacy_folder("freezer"), "freezer.state", "FROZEN")
        };
        let Some(folder) = folder else {
            return Ok(false);
        };
        Ok(
            folder::read_if_present(&folder.join(file))?
                .is_some_and(|state| state.trim() == frozen),
        )
    }

    /// v1 can stick in FREEZING while new processes appear; writing the state again makes it look again.
    fn await_legacy_state(&self, state: &str, action: &'static str) -> Result<(), CgroupError> {
        let Some(folder) = self.legacy_folder("freezer") else {
            let reason = "this host has no freezer controller".into();
            return Err(CgroupError::Resource {
                resource: "freezer".into(),
                reason,
            });
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            folder::set(folder, "freezer.state", state)?;
            if folder::read_file(&folder.join("freezer.state"))?.trim() == state {
                return Ok(());
            }
            if Instant::now() > deadline {
                folder::set(folder, "freezer.state", "THAWED")?;
                return Err(CgroupError::Timeout {
                    action,
                    path: folder.into(),
                });
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Waits until `cgroup.events` has this line; the kernel wakes its readers at every change. A cgroup that vanishes has
/// nothing left to wait for.
fn await_event(folder: &Path, line: &str, action: &'static str) -> Result<(), CgroupError> {
    let path = folder.join("cgroup.events");
    let failed = |source| CgroupError::io("read", &path, source);
    let mut file = match File::open(&path) {
        Err(source) if folder::is_gone(&source) => return Ok(()),
        file => file.map_err(failed)?,
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut text = String::new();
        match file.rewind().and_then(|()| file.read_to_string(&mut text)) {
            Err(source) if folder::is_gone(&source) => return Ok(()),
            result => result.map_err(failed)?,
        };
        if text.lines().any(|found| found == line) {
            return Ok(());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(CgroupError::Timeout {
                action,
                path: folder.into(),
            });
        }
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(
            &mut [PollFd::new(file.as_fd(), PollFlags::POLLPRI)],
            timeout,
        ) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(source) => return Err(failed(source.into())),
        }
    }
}
