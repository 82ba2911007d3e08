//! A process outside of every container that puts the tree back in order after what an agent was allowed to do to it: the
//! agent itself might not be allowed the way back.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use nix::unistd::{ForkResult, fork};

use crate::Result;

/// Asked through pipes, of which no policy speaks.
pub struct Outside {
    asks: PipeWriter,
    answers: PipeReader,
}

/// What was done, and is to be undone.
#[derive(Debug, Clone, Copy)]
pub enum Done<'a> {
    MadeFolder(&'a Path),
    MadeName(&'a Path),
    Moved { from: &'a Path, to: &'a Path },
}

impl Outside {
    pub fn start() -> Result<Self> {
        let (asked, asks) = io::pipe()?;
        let (answers, answer) = io::pipe()?;
        // SAFETY: this program has one thread.
        if let ForkResult::Parent { .. } = unsafe { fork() }? {
            return Ok(Self { asks, answers });
        }
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        drop((asks, answers));
        let served = serve(BufReader::new(asked), answer);
        std::process::exit(i32::from(served.is_err()));
    }

    pub fn undo(&mut self, done: Done<'_>) -> io::Result<()> {
        let (kind, one, two) = match done {
            Done::MadeFolder(path) => (b'd', path, path),
            Done::MadeName(path) => (b'n', path, path),
            Done::Moved { from, to } => (b'm', to, from),
        };
        let mut word = vec![kind];
        for path in [one, two] {
            word.extend(path.as_os_str().as_bytes());
            word.push(0);
        }
        self.asks.write_all(&word)?;
        let mut errno = [0; 4];
        self.answers.read_exact(&mut errno)?;
        match i32::from_ne_bytes(errno) {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

fn serve(mut asked: impl BufRead, mut answer: PipeWriter) -> io::Result<()> {
    let mut kind = [0];
    while asked.read(&mut kind)? == 1 {
        let (one, two) = (path(&mut asked)?, path(&mut asked)?);
        let done = match kind[0] {
            b'd' => std::fs::remove_dir(one),
            b'n' => std::fs::remove_file(one),
            _ => std::fs::rename(one, two),
        };
        let errno = done.map_or_else(|error| error.raw_os_error().unwrap_or(libc::EIO), |()| 0);
        answer.write_all(&errno.to_ne_bytes())?;
    }
    Ok(())
}

fn path(from: &mut impl BufRead) -> io::Result<PathBuf> {
    let mut bytes = Vec::new();
    from.read_until(0, &mut bytes)?;
    bytes.pop();
    Ok(OsString::from_vec(bytes).into())
}
