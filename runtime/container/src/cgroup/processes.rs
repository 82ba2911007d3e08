//! The processes of a container, wherever in its cgroup they are.

use std::collections::BTreeSet;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::{Cgroup, CgroupError, folder};

impl Cgroup {
    /// Ends with an error when somebody else uses this cgroup: everything in it will be frozen, limited and killed
    /// with the container.
    pub fn refuse_strangers(&self) -> Result<(), CgroupError> {
        match self.pids()?.len() {
            0 if self.is_frozen()? => Err(CgroupError::Frozen),
            0 => Ok(()),
            count => Err(CgroupError::NotEmpty { count }),
        }
    }

    /// Every process in the cgroup and below, in ascending order.
    pub fn pids(&self) -> Result<Vec<Pid>, CgroupError> {
        let mut pids = BTreeSet::new();
        for folder in self.folders() {
            pids.extend(pids_below(folder)?);
        }
        Ok(pids.into_iter().collect())
    }

    /// Sends a signal to every process at once: none can fork away from it.
    pub fn signal_all(&self, signal: i32) -> Result<(), CgroupError> {
        if signal == libc::SIGKILL && self.kill_at_once()? {
            return Ok(());
        }
        if self.pids()?.is_empty() {
            return Ok(());
        }
        let was_frozen = self.is_frozen()?;
        // those that can't be frozen (in an uninterruptible wait, on a host without the freezer) still get the signal
        let freezing = if was_frozen { Ok(()) } else { self.freeze() };
        let sent = self
            .pids()?
            .into_iter()
            .try_for_each(|pid| send(pid, signal));
        // a killed process has to run once more to die; any other signal waits until the container is resumed
        if freezing.is_ok() && (!was_frozen || signal == libc::SIGKILL) {
            match self.thaw() {
                Err(error) if matches!(error.errno(), Some(libc::ENOENT | libc::ENODEV)) => {}
                result => result?,
            }
        }
        sent
    }

    /// `cgroup.kill` exists since 5.14 and works on frozen cgroups too. On hybrid hosts the v1 freezer would keep the
    /// killed from dying.
    fn kill_at_once(&self) -> Result<bool, CgroupError> {
        let (true, Some(folder)) = (self.is_unified(), self.unified_folder()) else {
            return Ok(false);
        };
        match folder::set(folder, "cgroup.kill", "1") {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.errno(), Some(libc::ENOENT | libc::ENODEV)) => {
                Ok(!folder.exists())
            }
            Err(error) => Err(error),
        }
    }
}

pub(super) fn pids_below(folder: &Path) -> Result<Vec<Pid>, CgroupError> {
    let mut pids = folder::processes(folder)?;
    for below in folder::tree(folder)?.iter().skip(1) {
        pids.extend(folder::processes(below)?);
    }
    Ok(pids)
}

/// libc's kill, as nix's enum of signals has no real-time ones.
fn send(pid: Pid, signal: i32) -> Result<(), CgroupError> {
    // SAFETY: two numbers, no memory.
    match Errno::result(unsafe { libc::kill(pid.as_raw(), signal) }) {
        Ok(_) | Err(Errno::ESRCH) => Ok(()),
        Err(source) => Err(CgroupError::io("signal", format!("process {pid}"), source)),
    }
}
