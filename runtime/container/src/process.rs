//! Processes by pid *and* start time, signalled through pidfds.
//!
//! A pid may have been given to somebody else since it was stored; a verb that trusts it alone kills a stranger.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// A process that can't be confused with a later one of the same pid.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub struct ProcessId {
    pub pid: i32,
    /// field 22 of /proc/<pid>/stat
    pub start_time: u64,
}

impl ProcessId {
    pub fn of(pid: Pid) -> nix::Result<Self> {
        let stat = Stat::read(pid.as_raw()).ok_or(Errno::ESRCH)?;
        Ok(Self {
            pid: pid.as_raw(),
            start_time: stat.start_time,
        })
    }

    pub fn pid(self) -> Pid {
        Pid::from_raw(self.pid)
    }

    /// Still there, and not a zombie that only waits to be reaped.
    pub fn is_alive(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.start_time == self.start_time && !stat.ended)
    }

    /// A pidfd of exactly this process.
    pub fn open(self) -> nix::Result<OwnedFd> {
        let fd = pidfd_open(self.pid())?;
        // the descriptor was opened by pid: only now that it pins the process does the start time prove who it is
        if self.is_alive() {
            Ok(fd)
        } else {
            Err(Errno::ESRCH)
        }
    }

    pub fn signal(self, signal: i32) -> nix::Result<()> {
        pidfd_signal(&self.open()?, signal)
    }

    /// Waits for its end; false when it is still there after `limit`.
    pub fn wait_for_end(self, limit: Duration) -> bool {
        let Ok(fd) = self.open() else { return true };
        let mut watched = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut watched, timeout) {
                Err(Errno::EINTR) => {}
                ended => return ended.is_ok_and(|ready| ready > 0),
            }
        }
    }
}

pub fn pidfd_open(pid: Pid) -> nix::Result<OwnedFd> {
    // SAFETY: plain system call without pointers.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) })?;
    let fd = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub fn pidfd_signal(process: &OwnedFd, signal: i32) -> nix::Result<()> {
    // SAFETY: plain system call on a descriptor that is open until it returns; no memory is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            process.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    Errno::result(result).map(drop)
}

struct Stat {
    ended: bool,
    start_time: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(line: &str) -> Option<Self> {
        // the command in parentheses may itself hold spaces and parentheses: the last one ends it
        let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
        let ended = matches!(fields.next()?, "Z" | "X" | "x");
        let start_time = fields.nth(18)?.parse().ok()?;
        Some(Self { ended, start_time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_parentheses_does_not_shift_the_fields() {
        let line = "7 (a) R (b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 0 0";
        let stat = Stat::parse(line).expect("a line of /proc/pid/stat");
        assert!(!stat.ended);
        assert_eq!(stat.start_time, 4242);
    }

    #[test]
    fn a_reused_pid_is_somebody_else() {
        let me = ProcessId::of(Pid::this()).expect("own process");
        assert!(me.is_alive());
        let earlier = ProcessId {
            start_time: me.start_time - 1,
            ..me
        };
        assert!(!earlier.is_alive());
        assert_eq!(earlier.signal(0), Err(Errno::ESRCH));
    }

    #[test]
    fn an_ended_child_is_seen_before_it_is_reaped() {
        let mut child = std::process::Command::new("/bin/cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat");
        let id = ProcessId::of(Pid::from_raw(child.id().cast_signed())).expect("child");
        assert!(!id.wait_for_end(Duration::from_millis(1)));
        drop(child.stdin.take());
        assert!(id.wait_for_end(Duration::from_secs(10)));
        assert!(!id.is_alive());
        child.wait().expect("reaped");
    }
}
