//! A process that acts and may become another program: what came of it is its exit status.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use sevorix_bpf::floor::Thread;

use crate::Result;
use crate::agent::Outcome;

/// Runs `act` in a child. `place` puts the child where it belongs before it acts.
pub fn run(
    place: impl FnOnce(Pid) -> Result<()>,
    act: impl FnOnce() -> io::Result<()>,
) -> Result<Outcome> {
    let (mut go_here, go) = io::pipe()?;
    // SAFETY: this program has one thread.
    let child = match unsafe { fork() }? {
        ForkResult::Child => {
            drop(go);
            // the end of the pipe is the word to go
            let _ = go_here.read(&mut [0]);
            let errno = act().err().map(|error| error.raw_os_error().unwrap_or(255));
            std::process::exit(errno.unwrap_or(0));
        }
        ForkResult::Parent { child } => child,
    };
    let placed = place(child);
    drop(go);
    let status = waitpid(child, None)?;
    placed?;
    match status {
        WaitStatus::Exited(_, 0) => Ok(Outcome::Done),
        WaitStatus::Exited(_, errno) => Ok(Outcome::Refused(Errno::from_raw(errno))),
        WaitStatus::Signaled(_, Signal::SIGKILL, _) => Ok(Outcome::Killed),
        status => Err(format!("the acting process ended with {status:?}").into()),
    }
}

/// As the kernel tells one with a number from the next.
pub fn thread(pid: Pid) -> Result<Thread> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(") ").next().ok_or("no name in stat")?;
    let started = after_name.split(' ').nth(19).ok_or("no start in stat")?;
    Ok(Thread {
        tid: pid.as_raw(),
        started: started.parse()?,
    })
}

/// The file itself, not its content.
pub fn by_path(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .custom_flags(libc::O_PATH)
        .open(path)
}
