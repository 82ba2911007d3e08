//! A process that acts, and what came of it.

use std::fmt;
use std::fs;
use std::io::{self, IoSlice, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use crate::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Refused(Errno),
    Killed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Refused(errno) => write!(f, "{errno:?}"),
            Self::Killed => f.write_str("killed"),
        }
    }
}

/// Runs `act` in a child. `place` puts the child where it belongs before it acts.
pub fn run(
    place: impl FnOnce(Pid) -> Result<()>,
    act: impl FnOnce() -> io::Result<()>,
) -> Result<Outcome> {
    let (go_here, go) = io::pipe()?;
    let (told, tell) = io::pipe()?;
    // SAFETY: this program has one thread.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop((go, told));
            child(go_here, tell, act)
        }
        ForkResult::Parent { child } => {
            drop((go_here, tell));
            let placed = place(child);
            drop(go);
            let outcome = outcome_of(child, told)?;
            placed.map(|()| outcome)
        }
    }
}

fn child(mut go: PipeReader, mut tell: PipeWriter, act: impl FnOnce() -> io::Result<()>) -> ! {
    // the end of the pipe is the word to go
    let _ = go.read(&mut [0]);
    let errno = match act() {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(-1),
    };
    let told = tell.write_all(&errno.to_ne_bytes());
    std::process::exit(i32::from(told.is_err()));
}

fn outcome_of(child: Pid, mut told: PipeReader) -> Result<Outcome> {
    let mut errno = [0; 4];
    let read = told.read_exact(&mut errno);
    match waitpid(child, None)? {
        WaitStatus::Signaled(_, Signal::SIGKILL, _) => return Ok(Outcome::Killed),
        WaitStatus::Exited(_, 0) => {}
        status => return Err(format!("the acting process ended with {status:?}").into()),
    }
    read?;
    Ok(match i32::from_ne_bytes(errno) {
        0 => Outcome::Done,
        errno => Outcome::Refused(Errno::from_raw(errno)),
    })
}

/// A cgroup of the v2 hierarchy, removed in the end.
pub struct Cgroup {
    pub path: std::path::PathBuf,
}

impl Cgroup {
    pub fn new(path: &str) -> Result<Self> {
        let path = Path::new("/sys/fs/cgroup").join(path);
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    pub fn take(&self, pid: Pid) -> Result<()> {
        Ok(fs::write(self.path.join("cgroup.procs"), pid.to_string())?)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.path) {
            eprintln!("sevorix-floor: {} stays: {error}", self.path.display());
        }
    }
}

/// Where a process outside hands over descriptors of whatever file it is asked for.
pub const OUTSIDE: &str = "/var/floor-outside";

/// That process. It ends with us.
pub fn outside() -> Result<()> {
    let _ = fs::remove_file(OUTSIDE);
    let listener = UnixListener::bind(OUTSIDE)?;
    // SAFETY: this program has one thread.
    if let ForkResult::Parent { .. } = unsafe { fork() }? {
        return Ok(());
    }
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    for stream in listener.incoming() {
        hand_over(stream?)?;
    }
    std::process::exit(0);
}

fn hand_over(mut stream: UnixStream) -> Result<()> {
    let mut path = Vec::new();
    stream.read_to_end(&mut path)?;
    let file = fs::File::open(std::ffi::OsString::from_vec(path))?;
    let files = [file.as_raw_fd()];
    let message = [ControlMessage::ScmRights(&files)];
    sendmsg::<()>(
        stream.as_raw_fd(),
        &[IoSlice::new(&[0])],
        &message,
        MsgFlags::empty(),
        None,
    )?;
    Ok(())
}
