//! Stands in for a payload in the foreground: what is sent to us reaches it, and we end as it ends.
//!
//! Signals are caught before the payload exists and noted in a pipe, so that none is lost between its start and our
//! waiting for it. They are not blocked, because hooks, which libcontainer starts, would begin with the same ones
//! blocked; what is caught is as usual again in every program we start.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::unistd::{Pid, pipe2, read};

use crate::console::Console;
use crate::error::{Context, Result};

/// Our signals, noted as they come.
#[derive(Debug)]
pub struct Foreground {
    noted: OwnedFd,
    _notes: OwnedFd,
}

/// Where the handler notes signals, and whose handler it is: a child has it too until it starts a program.
static NOTES: AtomicI32 = AtomicI32::new(NOWHERE);
static OURSELVES: AtomicI32 = AtomicI32::new(0);
const NOWHERE: i32 = -1;

impl Foreground {
    /// To be called before the payload exists.
    pub fn begin() -> Result<Self> {
        let (noted, notes) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
            .during(|| "open a pipe for signals".into())?;
        OURSELVES.store(Pid::this().as_raw(), Ordering::Relaxed);
        NOTES.store(notes.as_raw_fd(), Ordering::Relaxed);
        (1..=HIGHEST)
            .filter(|number| !LEFT_ALONE.contains(number))
            .try_for_each(catch)
            .during(|| "catch signals".into())?;
        // whoever started us may have blocked some
        SigSet::empty()
            .thread_set_mask()
            .during(|| "unblock signals".into())?;
        Ok(Self {
            noted,
            _notes: notes,
        })
    }

    /// Orphans of the container's become our children and are reaped here.
    pub fn adopt_orphans(&self) -> Result<()> {
        Ok(nix::sys::prctl::set_child_subreaper(true).during(|| "become a subreaper".into())?)
    }

    /// Returns the payload's exit status as a shell has it: 128 and the signal's number when one ended it.
    pub fn wait(self, payload: Pid, mut console: Option<Console>) -> Result<u8> {
        // not before: it would interrupt what waits for other children
        catch(libc::SIGCHLD).during(|| "catch signals".into())?;
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
        polled.push(PollFd::new(self.noted.as_fd(), PollFlags::POLLIN));
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
        let mut numbers = [0; 64];
        let count = match read(&self.noted, &mut numbers) {
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            other => other.during(|| "read a signal".into())?,
        };
        for number in &numbers[..count] {
            match i32::from(*number) {
                libc::SIGCHLD | libc::SIGURG => {}
                libc::SIGWINCH => console.into_iter().for_each(Console::follow_size),
                // the payload may have ended meanwhile, which is seen next
                number => drop(send(payload, number)),
            }
        }
        Ok(())
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        NOTES.store(NOWHERE, Ordering::Relaxed);
    }
}

/// By number, because nix has no names for real-time signals.
fn catch(number: i32) -> nix::Result<()> {
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = note;
    // SAFETY: all-zero is a sigaction without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    // SAFETY: the handler makes only calls that are allowed at any moment; `action` lives until the call returns.
    match Errno::result(unsafe { libc::sigaction(number, &raw const action, std::ptr::null_mut()) })
    {
        // two that the C library keeps to itself
        Err(Errno::EINVAL) => Ok(()),
        other => other.map(drop),
    }
}

extern "C" fn note(number: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let before = Errno::last_raw();
    // SAFETY: getpid has no preconditions, and the kernel gives every handler a siginfo that is filled in.
    let (ourselves, sender) = unsafe { (libc::getpid(), (*info).si_pid()) };
    let is_for_us = OURSELVES.load(Ordering::Relaxed) == ourselves;
    // a write of our own to a closed pipe says nothing to the payload
    let is_our_pipe = number == libc::SIGPIPE && sender == ourselves;
    if is_for_us && !is_our_pipe {
        let byte = number.to_le_bytes()[0];
        // SAFETY: writes one byte that lives until the call returns; nothing is lost but the note if the pipe is full.
        unsafe {
            libc::write(NOTES.load(Ordering::Relaxed), (&raw const byte).cast(), 1);
        }
    }
    Errno::set_raw(before);
}

/// By number as well.
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
            Err(errno) => Err(errno).during(|| "wait for the payload".into())?,
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

/// What can't be caught, what would be our own fault, what stops us when we use a terminal that is somebody else's (caught,
/// it would be sent again for ever), and the end of children as long as nobody waits for the payload.
const LEFT_ALONE: [i32; 11] = [
    libc::SIGKILL,
    libc::SIGSTOP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGCHLD,
];
const HIGHEST: i32 = 64;
