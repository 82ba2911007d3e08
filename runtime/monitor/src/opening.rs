//! What an open would open, or make.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};
use sevorix_policy::{Act, Components, Judgement, Policy, judge};

use crate::call::Open;
use crate::thread::{self, Thread};

/// The file, or the folder that it would be made in.
#[derive(Debug)]
pub struct Opening {
    pub file: OwnedFd,
    /// Of the file, whether it is there or not.
    pub path: Components,
    pub what: What,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Open { read: bool, write: bool },
    Create { name: OsString },
}

impl Opening {
    /// An errno where the kernel will find a reason of its own to refuse, or asks nobody.
    pub fn of(thread: Thread, open: &Open) -> nix::Result<Self> {
        let path = thread.read_path(open.path)?;
        let flag = |flag: i32| open.flags & u64::from(flag.cast_unsigned()) != 0;
        // an O_PATH descriptor opens nothing; a file without a name is no rule's
        if flag(libc::O_PATH) || open.flags & NAMELESS == NAMELESS {
            return Err(Errno::EOPNOTSUPP);
        }
        let is_new = flag(libc::O_CREAT) && flag(libc::O_EXCL);
        let follow = !flag(libc::O_NOFOLLOW) && !is_new;
        match thread.find(open.from, &path, follow) {
            Ok(_) if is_new => Err(Errno::EEXIST),
            Ok(file) => Self::existing(file, open.flags),
            Err(Errno::ENOENT) if flag(libc::O_CREAT) => Self::new(thread, open, &path),
            Err(errno) => Err(errno),
        }
    }

    fn existing(file: OwnedFd, flags: u64) -> nix::Result<Self> {
        let kind = SFlag::from_bits_truncate(fstat(&file)?.st_mode) & SFlag::S_IFMT;
        if kind == SFlag::S_IFLNK {
            return Err(Errno::ELOOP);
        }
        Ok(Self {
            path: thread::place(&file)?,
            file,
            what: What::accesses(flags),
        })
    }

    fn new(thread: Thread, open: &Open, path: &[u8]) -> nix::Result<Self> {
        let cut = path.iter().rposition(|byte| *byte == b'/');
        let (folder, name) = match cut {
            Some(0) => (&b"/"[..], &path[1..]),
            Some(cut) => (&path[..cut], &path[cut + 1..]),
            None => (&b"."[..], path),
        };
        if name.is_empty() || name == b"." || name == b".." {
            return Err(Errno::EISDIR);
        }
        let file = thread.find(open.from, folder, true)?;
        let mut path = thread::place(&file)?;
        path.push(name.into());
        let name = OsString::from_vec(name.to_vec());
        Ok(Self {
            file,
            path,
            what: What::Create { name },
        })
    }

    pub fn judge(&self, policy: &Policy) -> Judgement {
        let path = self.path.clone();
        let act = match &self.what {
            What::Open { read, write } => Act::Open {
                path,
                read: *read,
                write: *write,
            },
            What::Create { .. } => Act::Create { path },
        };
        judge(policy, &act)
    }
}

impl What {
    fn accesses(flags: u64) -> Self {
        let truncates = flags & u64::from(libc::O_TRUNC.cast_unsigned()) != 0;
        let (read, write) = match flags & u64::from(libc::O_ACCMODE.cast_unsigned()) {
            READ_ONLY => (true, false),
            WRITE_ONLY => (false, true),
            // reading and writing, or neither, which takes the right to both
            _ => (true, true),
        };
        Self::Open {
            read,
            write: write || truncates,
        }
    }
}

const READ_ONLY: u64 = libc::O_RDONLY as u64;
const WRITE_ONLY: u64 = libc::O_WRONLY as u64;
const NAMELESS: u64 = libc::O_TMPFILE as u64;

/// As paths are written in reports.
pub fn shown(path: &Components) -> String {
    let parts = path.iter().map(|part| format!("/{}", part.escape_ascii()));
    let shown: String = parts.collect();
    if shown.is_empty() { "/".into() } else { shown }
}

/// As the agent would write it.
pub fn bytes(path: &Components) -> Vec<u8> {
    path.iter()
        .flat_map(|part| [b"/", &part[..]].concat())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_say_what_is_done_to_a_file() {
        let told = |flags: i32| match What::accesses(u64::from(flags.cast_unsigned())) {
            What::Open { read, write } => (read, write),
            What::Create { .. } => panic!("nothing is made"),
        };
        for (flags, wanted) in [
            (libc::O_RDONLY, (true, false)),
            (libc::O_WRONLY, (false, true)),
            (libc::O_RDWR, (true, true)),
            (libc::O_ACCMODE, (true, true)),
            (libc::O_RDONLY | libc::O_TRUNC, (true, true)),
            (
                libc::O_WRONLY | libc::O_APPEND | libc::O_CLOEXEC,
                (false, true),
            ),
        ] {
            assert_eq!(told(flags), wanted, "{flags:#o}");
        }
    }
}
