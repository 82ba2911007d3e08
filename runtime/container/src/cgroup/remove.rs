//! The end of a cgroup.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{Cgroup, CgroupError, folder};

/// A killed process leaves its cgroup only once it has given back everything, which takes long for much memory.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to happen to processes that are still inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    Yes,
    No,
}

impl Cgroup {
    /// Removes the cgroup with everything below it; one that is gone already is no error.
    pub fn remove(&self, kill: Kill) -> Result<(), CgroupError> {
        // as it mostly is: empty
        if self.unit.is_none() && self.remove_folders()? {
            return Ok(());
        }
        if kill == Kill::Yes {
            self.signal_all(libc::SIGKILL)?;
        }
        // to stop a unit is to kill what is inside
        if kill == Kill::Yes || self.pids()?.is_empty() {
            self.stop_unit()?;
        }
        let patience = if kill == Kill::Yes {
            PATIENCE
        } else {
            Duration::from_secs(1)
        };
        self.folders()
            .try_for_each(|folder| remove_tree(folder, patience))
    }

    /// False when one of them is in use.
    fn remove_folders(&self) -> Result<bool, CgroupError> {
        let mut all_gone = true;
        for folder in self.folders() {
            all_gone &= remove_folder(folder)?;
        }
        Ok(all_gone)
    }
}

fn remove_tree(folder: &Path, patience: Duration) -> Result<(), CgroupError> {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_micros(500);
    loop {
        // what is inside may still make folders until it is dead, so each round looks again
        let mut all_gone = true;
        for below in folder::tree(folder)?.iter().rev() {
            all_gone &= remove_folder(below)?;
        }
        if all_gone {
            return Ok(());
        }
        if Instant::now() > deadline {
            let busy = io::Error::from_raw_os_error(libc::EBUSY);
            return Err(CgroupError::io("remove", folder, busy));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// False while something is inside.
fn remove_folder(folder: &Path) -> Result<bool, CgroupError> {
    match fs::remove_dir(folder) {
        Ok(()) => Ok(true),
        Err(source) if folder::is_gone(&source) => Ok(true),
        Err(source) if source.raw_os_error() == Some(libc::EBUSY) => Ok(false),
        Err(source) => Err(CgroupError::io("remove", folder, source)),
    }
}
