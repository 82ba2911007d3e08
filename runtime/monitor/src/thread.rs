//! A thread that waits: its memory, and what /proc says of it.
//!
//! All of it may change under our eyes, by its siblings. Nothing here decides alone: the kernel compares what we make of
//! it with what it has copied itself.

use std::fs::{self, File};
use std::io::{IoSliceMut, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::Mode;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use sevorix_container::ProcessId;

/// One thread of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thread {
    pub tid: i32,
    /// Field 22 of its stat.
    pub started: u64,
}

const PAGE: u64 = 4096;
/// PATH_MAX
const LONGEST_PATH: usize = 4096;

impl Thread {
    pub fn of(tid: i32) -> nix::Result<Self> {
        let id = ProcessId::of(Pid::from_raw(tid))?;
        Ok(Self {
            tid,
            started: id.start_time,
        })
    }

    pub fn proc(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.tid))
    }

    /// Fewer bytes than asked for where its memory ends.
    pub fn read(self, address: u64, length: usize) -> nix::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let base = usize::try_from(address).map_err(|_| Errno::EFAULT)?;
        let remote = [RemoteIoVec { base, len: length }];
        let count = process_vm_readv(
            Pid::from_raw(self.tid),
            &mut [IoSliceMut::new(&mut bytes)],
            &remote,
        )?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Exactly that many.
    pub fn read_whole(self, address: u64, length: usize) -> nix::Result<Vec<u8>> {
        let bytes = self.read(address, length)?;
        if bytes.len() == length {
            Ok(bytes)
        } else {
            Err(Errno::EFAULT)
        }
    }

    /// Up to its zero; `E2BIG` when that is farther away than `most`.
    pub fn read_text(self, mut address: u64, most: usize) -> nix::Result<Vec<u8>> {
        let mut text = Vec::new();
        while text.len() <= most {
            // a page at a time: the next one may not be there, and not be needed
            let to_edge = usize::try_from(PAGE - address % PAGE).unwrap_or(1);
            let piece = self.read(address, to_edge)?;
            if piece.is_empty() {
                return Err(Errno::EFAULT);
            }
            if let Some(end) = piece.iter().position(|byte| *byte == 0) {
                text.extend_from_slice(&piece[..end]);
                return if text.len() <= most {
                    Ok(text)
                } else {
                    Err(Errno::E2BIG)
                };
            }
            address = address
                .checked_add(piece.len() as u64)
                .ok_or(Errno::EFAULT)?;
            text.extend(piece);
        }
        Err(Errno::E2BIG)
    }

    pub fn read_path(self, address: u64) -> nix::Result<Vec<u8>> {
        let path = self.read_text(address, LONGEST_PATH - 1);
        path.map_err(|errno| match errno {
            Errno::E2BIG => Errno::ENAMETOOLONG,
            errno => errno,
        })
    }

    /// Texts behind a list of pointers that a null pointer ends, up to so many bytes with their zeros. No list at all is
    /// an empty one, as the kernel has it.
    pub fn read_texts(self, mut list: u64, most: usize) -> nix::Result<Vec<Vec<u8>>> {
        let mut texts = Vec::new();
        let mut left = most;
        while list != 0 {
            let pointer = self.read_whole(list, size_of::<u64>())?;
            let pointer = pointer
                .first_chunk()
                .map_or(0, |bytes| u64::from_ne_bytes(*bytes));
            if pointer == 0 {
                break;
            }
            let text = self.read_text(pointer, left)?;
            left = left.checked_sub(text.len() + 1).ok_or(Errno::E2BIG)?;
            texts.push(text);
            list = list
                .checked_add(size_of::<u64>() as u64)
                .ok_or(Errno::EFAULT)?;
        }
        Ok(texts)
    }

    /// What a path of the thread's leads to, by its own root and folder. `from`: a descriptor instead of the folder.
    pub fn find(self, from: Option<i32>, path: &[u8], follow: bool) -> nix::Result<OwnedFd> {
        // /proc's links to oneself would be ours here, not the thread's
        if let Some(own) = self.own_proc(path) {
            return open(&own, follow);
        }
        let relative = (!path.starts_with(b"/")).then(|| match from {
            Some(number) => self.proc(&format!("fd/{number}")),
            None => self.proc("cwd"),
        });
        let Some(folder) = relative else {
            return self.find_from_root(path, follow);
        };
        let beneath = File::open_folder(&folder)?;
        let how = how(
            ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS,
            follow,
        );
        match openat2(&beneath, path, how) {
            // upwards, or by a link that starts at the root
            Err(Errno::EXDEV) => {
                let inside = self.inside(&fs::read_link(&folder).map_err(errno)?)?;
                self.find_from_root(&[&inside, &b"/"[..], path].concat(), follow)
            }
            found => found,
        }
    }

    fn find_from_root(self, path: &[u8], follow: bool) -> nix::Result<OwnedFd> {
        let root = File::open_folder(&self.proc("root"))?;
        let flags = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        openat2(&root, path, how(flags, follow))
    }

    /// A path of the mount namespace as one below the thread's root, which chroot may have moved.
    fn inside(self, path: &std::path::Path) -> nix::Result<Vec<u8>> {
        use std::os::unix::ffi::OsStrExt;
        let root = fs::read_link(self.proc("root")).map_err(errno)?;
        let inside = path.strip_prefix(&root).map_err(|_| Errno::EXDEV)?;
        Ok([b"/", inside.as_os_str().as_bytes()].concat())
    }

    fn own_proc(self, path: &[u8]) -> Option<PathBuf> {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let links = [&b"/proc/self/"[..], b"/proc/thread-self/", b"/dev/fd/"];
        let (link, rest) = links
            .iter()
            .find_map(|link| Some((*link, path.strip_prefix(*link)?)))?;
        // its files only: what else may be there is a path like any other
        let fd = match link {
            b"/dev/fd/" => Some(rest),
            _ => rest.strip_prefix(b"fd/"),
        };
        let name = match fd {
            Some(number) if number.iter().all(u8::is_ascii_digit) && !number.is_empty() => {
                format!("fd/{}", OsStr::from_bytes(number).to_str()?)
            }
            None if rest == b"exe" => "exe".into(),
            _ => return None,
        };
        Some(self.proc(&name))
    }

    /// What a descriptor of its is open on.
    pub fn descriptor(self, number: i32) -> nix::Result<OwnedFd> {
        open(&self.proc(&format!("fd/{number}")), true)
    }

    /// Its process, whose descriptors it uses.
    pub fn process(self) -> nix::Result<ProcessId> {
        let status = self.status()?;
        let tgid = field(&status, "Tgid:").and_then(|text| text.trim().parse().ok());
        ProcessId::of(Pid::from_raw(tgid.ok_or(Errno::ESRCH)?))
    }

    pub fn status(self) -> nix::Result<String> {
        fs::read_to_string(self.proc("status")).map_err(errno)
    }
}

/// A line of /proc/PID/status.
pub fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name))
}

fn open(path: &std::path::Path, follow: bool) -> nix::Result<OwnedFd> {
    nix::fcntl::open(path, flags(follow), Mode::empty())
}

fn how(resolve: ResolveFlag, follow: bool) -> OpenHow {
    OpenHow::new().flags(flags(follow)).resolve(resolve)
}

fn flags(follow: bool) -> OFlag {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    if follow {
        flags
    } else {
        flags | OFlag::O_NOFOLLOW
    }
}

trait OpenFolder {
    fn open_folder(path: &std::path::Path) -> nix::Result<OwnedFd>;
}

impl OpenFolder for File {
    fn open_folder(path: &std::path::Path) -> nix::Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        nix::fcntl::open(path, flags, Mode::empty())
    }
}

fn errno(error: std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// The beginning of a regular file that is held open by its path only. Whoever has a lease on it is not waited for.
pub fn head(file: &OwnedFd, length: usize) -> nix::Result<Vec<u8>> {
    let again = format!("/proc/self/fd/{}", file.as_raw_fd());
    let mut bytes = Vec::with_capacity(length);
    let opened = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(again)
        .map_err(errno)?;
    opened
        .take(length as u64)
        .read_to_end(&mut bytes)
        .map_err(errno)?;
    Ok(bytes)
}

/// Where a file lies in the container's own tree.
pub fn place(file: &OwnedFd) -> nix::Result<sevorix_policy::Components> {
    use std::os::unix::ffi::OsStrExt;
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let path = fs::read_link(link).map_err(errno)?;
    let parts = path.as_os_str().as_bytes().split(|byte| *byte == b'/');
    Ok(parts
        .filter(|part| !part.is_empty())
        .map(Into::into)
        .collect())
}

/// AT_EMPTY_PATH names the descriptor itself.
pub fn names_itself(path: &[u8], flags: u64) -> bool {
    path.is_empty() && flags & u64::from(AtFlags::AT_EMPTY_PATH.bits().cast_unsigned()) != 0
}
