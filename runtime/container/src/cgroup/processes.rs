//! The processes of a container, wherever in its cgroup they are.

use std::collections::BTreeSet;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::{Cgroup, CgroupError, folder};
use crate::process::{pidfd_open, pidfd_signal};

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
        let sent = signal_each(|| self.pids(), signal);
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

/// A process is held by its pidfd before it is looked for once more: whoever is still inside then is the one that is
/// held, not a stranger who got the number of one that has ended.
fn signal_each(
    inside: impl Fn() -> Result<Vec<Pid>, CgroupError>,
    signal: i32,
) -> Result<(), CgroupError> {
    for pids in inside()?.chunks(HELD_AT_ONCE) {
        let mut held = Vec::with_capacity(pids.len());
        for pid in pids {
            held.extend(unless_ended(*pid, pidfd_open(*pid))?.map(|fd| (*pid, fd)));
        }
        let still_inside = inside()?;
        for (pid, fd) in held.iter().filter(|(pid, _)| still_inside.contains(pid)) {
            unless_ended(*pid, pidfd_signal(fd, signal))?;
        }
    }
    Ok(())
}

fn unless_ended<T>(pid: Pid, result: nix::Result<T>) -> Result<Option<T>, CgroupError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno::ESRCH) => Ok(None),
        Err(source) => Err(CgroupError::io("signal", format!("process {pid}"), source)),
    }
}

/// Well below the number of descriptors a process may have.
const HELD_AT_ONCE: usize = 256;

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command};

    use super::*;

    fn sleeper() -> (Child, Pid) {
        let child = Command::new("sleep").arg("1000").spawn().expect("sleep");
        let pid = Pid::from_raw(child.id().try_into().expect("a pid"));
        (child, pid)
    }

    #[test]
    fn who_is_no_longer_inside_is_left_alone() {
        let ((mut stranger, number), (mut member, other)) = (sleeper(), sleeper());
        let looks = Cell::new(0);
        let inside = || {
            looks.set(looks.get() + 1);
            Ok(if looks.get() == 1 {
                vec![number, other]
            } else {
                vec![other]
            })
        };
        signal_each(inside, libc::SIGTERM).expect("sent");
        assert_eq!(member.wait().expect("ended").signal(), Some(libc::SIGTERM));
        // still there to be ended by another signal, which it could not be after the first
        signal_each(|| Ok(vec![number]), libc::SIGKILL).expect("sent");
        assert_eq!(
            stranger.wait().expect("ended").signal(),
            Some(libc::SIGKILL)
        );
    }
}
