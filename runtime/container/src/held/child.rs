//! A child process that goes on in our own code.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, getpid, getppid};

use crate::error::Context;
use crate::process::{pidfd_open, pidfd_signal};
use crate::{Error, Result};

/// A child that ends with its parent, at the latest.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    handle: OwnedFd,
}

/// Runs `work` in a child, which ends with the status that it returns.
pub fn fork(work: impl FnOnce() -> i32) -> Result<Child> {
    if threads() != Some(1) {
        return Err(Error::Process(
            "a process with several threads can't go on in a child".into(),
        ));
    }
    let parent = getpid();
    // SAFETY: this process has one thread, so the child may go on in any code; it never returns from here.
    match unsafe { nix::unistd::fork() }.during(|| "fork".into())? {
        ForkResult::Parent { child } => {
            let handle = pidfd_open(child).during(|| "open a pidfd".into())?;
            Ok(Child { pid: child, handle })
        }
        ForkResult::Child => {
            let bound = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
            // it may have died before that was said
            if bound.is_err() || getppid() != parent {
                std::process::exit(1);
            }
            std::process::exit(work())
        }
    }
}

fn threads() -> Option<usize> {
    std::fs::read_dir("/proc/self/task")
        .ok()
        .map(Iterator::count)
}

impl Child {
    pub fn pid(&self) -> Pid {
        self.pid
    }

    pub fn kill(&self) -> nix::Result<()> {
        match pidfd_signal(&self.handle, libc::SIGKILL) {
            Err(Errno::ESRCH) => Ok(()),
            other => other,
        }
    }

    /// Takes it in; to be called when its handle is readable.
    pub fn reap(self) {
        let _ = waitpid(self.pid, None);
    }
}

/// Readable once it has ended.
impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}
