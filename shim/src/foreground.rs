//! Stands in for a payload in the foreground: what is sent to us reaches it, and we end as it ends.
//!
//! Signals are blocked before the payload exists and read from a descriptor, so that none is lost between its start
//! and our waiting for it.

use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::unistd::Pid;

use crate::console::Console;
use crate::error::{Context, Result};

/// Our signals, held back.
#[derive(Debug)]
pub struct Foreground {
    signals: SignalFd,
}

/// Faults of our own: blocked, they would kill us all the same.
const FAULTS: [Signal; 6] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGSYS,
];

impl Foreground {
    /// To be called before the payload exists.
    pub fn begin() -> Result<Self> {
        let mut held = SigSet::all();
        FAULTS.into_iter().for_each(|fault| held.remove(fault));
        held.thread_block().during(|| "block signals".into())?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let signals =
            SignalFd::with_flags(&held, flags).during(|| "open a signal descriptor".into())?;
        Ok(Self { signals })
    }

    /// Orphans of the container's become our children and are reaped here.
    pub fn adopt_orphans(&self) -> Result<()> {
        nix::sys::prctl::set_child_subreaper(true).during(|| "become a subreaper".into())
    }

    /// Returns the payload's exit status as a shell has it: 128 and the signal's number when one ended it.
    pub fn wait(self, payload: Pid, mut console: Option<Console>) -> Result<u8> {
        loop {
            if let Some(status) = reap(payload)? {
                if let Some(console) = &mut console {
                    console.drain();
                }
                return Ok(status);
            }
            self.serve(payload, console.as_mut())?;
        }
    }

    /// Waits for something to do, and does it.
    fn serve(&self, payload: Pid, console: Option<&mut Console>) -> Result<()> {
        let streams = console
            .as_deref()
            .map(Console::interests)
            .unwrap_or_default();
        let (names, mut polled): (Vec<_>, Vec<_>) = streams.into_iter().unzip();
        polled.push(PollFd::new(self.signals.as_fd(), PollFlags::POLLIN));
        match poll(&mut polled, PollTimeout::NONE) {
            Err(Errno::EINTR) => return Ok(()),
            other => other.during(|| "wait for the payload".into())?,
        };
        let ready: Vec<bool> = polled
            .iter()
            .map(|entry| entry.any().unwrap_or(true))
            .collect();
        if let Some(console) = console {
            names
                .into_iter()
                .zip(&ready)
                .filter(|(_, ready)| **ready)
                .for_each(|(stream, _)| console.serve(stream));
            self.forward(payload, Some(console))
        } else {
            self.forward(payload, None)
        }
    }

    fn forward(&self, payload: Pid, console: Option<&Console>) -> Result<()> {
        while let Some(info) = self
            .signals
            .read_signal()
            .during(|| "read a signal".into())?
        {
            match i32::try_from(info.ssi_signo).unwrap_or_default() {
                libc::SIGCHLD | libc::SIGURG => {}
                libc::SIGWINCH => console.into_iter().for_each(Console::follow_size),
                // a write of our own to a closed pipe says nothing to the payload
                libc::SIGPIPE if is_our_own(&info) => {}
                // the payload may have ended meanwhile, which is seen next
                number => drop(send(payload, number)),
            }
        }
        Ok(())
    }
}

fn is_our_own(info: &siginfo) -> bool {
    i32::try_from(info.ssi_pid) == Ok(Pid::this().as_raw())
}

/// By number, because nix has no names for real-time signals.
fn send(payload: Pid, number: i32) -> nix::Result<()> {
    // SAFETY: kill touches no memory of ours.
    Errno::result(unsafe { libc::kill(payload.as_raw(), number) }).map(drop)
}

/// Collects every child that has ended; the payload's status if it is among them.
fn reap(payload: Pid) -> Result<Option<u8>> {
    let mut status = None;
    loop {
        let mut raw = 0;
        // SAFETY: waitpid writes one number, which lives until it returns. nix's own refuses real-time signals.
        match Errno::result(unsafe { libc::waitpid(-1, &raw mut raw, libc::WNOHANG) }) {
            Ok(0) => return Ok(status),
            Ok(pid) if pid == payload.as_raw() => status = Some(as_shell_status(raw)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) if status.is_some() => return Ok(status),
            Err(errno) => return Err(errno).during(|| "wait for the payload".into()),
        }
    }
}

fn as_shell_status(raw: i32) -> u8 {
    let status = if libc::WIFSIGNALED(raw) {
        128 + libc::WTERMSIG(raw)
    } else {
        libc::WEXITSTATUS(raw)
    };
    u8::try_from(status).unwrap_or(u8::MAX)
}
