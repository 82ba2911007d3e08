//! The kernel's side of a held system call: who waits, for what, and how the wait ends.
//!
//! A notifying filter stops the calling thread until whoever has the filter's descriptor answers. Everything here that
//! talks to the kernel about that is in this folder, so that the monitor itself needs no unsafe code.

mod child;
mod in_flight;
mod pass;

pub use child::{Child, fork};
pub use in_flight::{InFlight, Received};
pub use pass::{pass, receive};

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::process::ProcessId;

/// A filter's descriptor: calls of every process behind the filter arrive here.
#[derive(Debug)]
pub struct Listener(OwnedFd);

/// One call that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// The kernel's, of this wait.
    pub id: u64,
    /// The thread, in our own pid namespace.
    pub tid: i32,
    /// AUDIT_ARCH_*: by which of the machine's ways into the kernel it came.
    pub arch: u32,
    pub call: i32,
    pub args: [u64; 6],
}

/// What there is to do with a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Waiting,
    Nothing,
    /// The last process behind the filter is gone.
    Ended,
}

impl Listener {
    pub fn new(descriptor: OwnedFd) -> Self {
        let listener = Self(descriptor);
        // whoever answers and whoever waits take turns: better on one processor; kernels before 6.6 don't know it
        // SAFETY: takes an integer by value.
        let _ = unsafe {
            libc::ioctl(
                listener.0.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS,
                SYNC_WAKE_UP,
            )
        };
        listener
    }

    /// To be asked before each call is received: receiving would wait, whatever the descriptor's flags say.
    pub fn readiness(&self) -> nix::Result<Readiness> {
        let mut watched = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        poll(&mut watched, PollTimeout::ZERO)?;
        let events = watched[0].revents().unwrap_or(PollFlags::empty());
        Ok(if events.contains(PollFlags::POLLIN) {
            Readiness::Waiting
        } else if events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR) {
            Readiness::Ended
        } else {
            Readiness::Nothing
        })
    }

    /// Whether the thread still waits: what was read of it before is its own then, and not a later owner's of its number.
    pub fn is_alive(&self, notice: &Notice) -> bool {
        // SAFETY: the kernel reads the number during the call.
        let answer = unsafe {
            libc::ioctl(
                self.0.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_ID_VALID,
                &raw const notice.id,
            )
        };
        answer == 0
    }

    /// The call goes on, as if there were no filter: the kernel decides it.
    pub fn go_on(&self, notice: &Notice) -> nix::Result<()> {
        let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or_default();
        self.answer(notice, 0, flags)
    }

    /// The call fails, and has done nothing.
    pub fn refuse(&self, notice: &Notice, errno: Errno) -> nix::Result<()> {
        self.answer(notice, -(errno as i32), 0)
    }

    /// A thread that has been killed meanwhile needs no answer.
    fn answer(&self, notice: &Notice, error: i32, flags: u32) -> nix::Result<()> {
        let answer = libc::seccomp_notif_resp {
            id: notice.id,
            val: 0,
            error,
            flags,
        };
        // SAFETY: the kernel reads one answer, which lives until the call returns.
        let result = unsafe {
            libc::ioctl(
                self.0.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_SEND,
                &raw const answer,
            )
        };
        match Errno::result(result) {
            Err(Errno::ENOENT) | Ok(_) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<&libc::seccomp_notif> for Notice {
    fn from(notif: &libc::seccomp_notif) -> Self {
        Self {
            id: notif.id,
            // the kernel's own type for it is signed
            tid: notif.pid.cast_signed(),
            arch: notif.data.arch,
            call: notif.data.nr,
            args: notif.data.args,
        }
    }
}

/// A descriptor of another process, as it has it now.
pub fn take_descriptor(process: ProcessId, number: RawFd) -> nix::Result<OwnedFd> {
    crate::notify::take_descriptor(&process.open()?, number)
}

const SYNC_WAKE_UP: libc::c_ulong = 1;
