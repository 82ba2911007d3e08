//! What libcontainer 0.7 leaves undone about mounts, done inside the container before the user's identity is final.
//!
//! It parses propagation flags and never applies them, passes `tmpcopyup` on to the kernel (which refuses it), forgets
//! that `/dev` may be asked for read-only, makes read-only paths nosuid, nodev and noexec as well, and does not make the
//! working directory.

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::fchownat;

use crate::error::{errno_text, os_text};

/// Steps in the order they are made.
#[derive(Debug, Clone, Default)]
pub struct Finish {
    /// tmpfs mounts that start with what the image has at that place
    pub copy_up: Vec<PathBuf>,
    /// (target, link): the other names of v1 cgroup hierarchies
    pub links: Vec<(PathBuf, PathBuf)>,
    /// the working directory, made when the image has none
    pub working_directory: PathBuf,
    pub propagation: Vec<Propagation>,
    /// mounts that become read-only once they are filled
    pub read_only_mounts: Vec<PathBuf>,
    /// files and folders of any mount that are to be read-only where they exist
    pub read_only_paths: Vec<PathBuf>,
}

#[derive(Debug, Clone)]
pub struct Propagation {
    pub path: PathBuf,
    pub kind: u64,
    pub recursive: bool,
}

impl Finish {
    /// A mount at `place` covers whatever was planned there or below.
    pub fn forget_below(&mut self, place: &Path) {
        self.propagation
            .retain(|mount| !mount.path.starts_with(place));
        self.copy_up.retain(|path| !path.starts_with(place));
        self.read_only_mounts
            .retain(|path| path == Path::new("/") || !path.starts_with(place));
    }

    pub fn run(&self) -> Result<(), String> {
        for path in &self.copy_up {
            copy_up(path)
                .map_err(|error| format!("copy up to {}: {}", path.display(), os_text(&error)))?;
        }
        for (target, link) in &self.links {
            std::os::unix::fs::symlink(target, link)
                .map_err(|error| format!("link {}: {}", link.display(), os_text(&error)))?;
        }
        // an unreachable place shows when it is entered, with the text engines know
        let _ = create_as_root(&self.working_directory);
        for mount in &self.propagation {
            change_mount(&mount.path, mount.recursive, 0, mount.kind)
                .map_err(|errno| explain("propagation of", &mount.path, errno))?;
        }
        for path in &self.read_only_mounts {
            change_mount(path, false, libc::MOUNT_ATTR_RDONLY, 0)
                .map_err(|errno| explain("read-only", path, errno))?;
        }
        for path in &self.read_only_paths {
            cover_read_only(path)
                .map_err(|errno| format!("can't make {path:?} read-only: {}", errno_text(errno)))?;
        }
        Ok(())
    }
}

fn explain(what: &str, path: &Path, errno: Errno) -> String {
    format!(
        "error mounting: {what} {}: {}",
        path.display(),
        errno_text(errno)
    )
}

/// What lies at `path` once more, mounted over itself: read-only, and for the rest with the flags it had.
fn cover_read_only(path: &Path) -> nix::Result<()> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let place = match openat2(nix::fcntl::AT_FDCWD, path, how) {
        Err(Errno::ENOENT) => return Ok(()),
        other => other?,
    };
    let cover = clone_mount(place.as_fd(), c"", libc::AT_RECURSIVE)?;
    // what is mounted further down keeps its own say, as with runc
    set_attributes(cover.as_fd(), c"", 0, libc::MOUNT_ATTR_RDONLY, 0)?;
    attach(&cover, &place)
}

fn change_mount(path: &Path, recursive: bool, set: u64, propagation: u64) -> nix::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let flags = if recursive { libc::AT_RECURSIVE } else { 0 };
    set_attributes(nix::fcntl::AT_FDCWD, &path, flags, set, propagation)
}

/// An empty path means the mount that `folder` itself is.
fn set_attributes(
    folder: BorrowedFd<'_>,
    path: &CStr,
    flags: i32,
    set: u64,
    propagation: u64,
) -> nix::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: set,
        attr_clr: 0,
        propagation,
        userns_fd: 0,
    };
    // SAFETY: path and attributes live until the call returns; the kernel only reads them, as many bytes as we say.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            folder.as_raw_fd(),
            path.as_ptr(),
            flags | libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of_val(&attributes),
        )
    };
    Errno::result(result).map(drop)
}

/// A mount like the one at `path`, attached nowhere yet; an empty path means `folder` itself.
pub fn clone_mount(folder: BorrowedFd<'_>, path: &CStr, flags: i32) -> nix::Result<OwnedFd> {
    let flags = flags | libc::AT_EMPTY_PATH;
    // SAFETY: the path is a NUL-terminated string that outlives the call.
    let fd = Errno::result(unsafe {
        libc::syscall(
            libc::SYS_open_tree,
            folder.as_raw_fd(),
            path.as_ptr(),
            flags.cast_unsigned() | libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC,
        )
    })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub fn attach(mount: &OwnedFd, place: &OwnedFd) -> nix::Result<()> {
    // SAFETY: both paths are NUL-terminated constants.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            c"".as_ptr(),
            place.as_raw_fd(),
            c"".as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH,
        )
    };
    Errno::result(result).map(drop)
}

/// `mkdir -p`, root's even when we already carry the payload's uid. Never through /proc/self/fd or its like: what a
/// careless caller left open may be a folder of the host.
fn create_as_root(path: &Path) -> nix::Result<()> {
    let mut folder = open_folder(None, Path::new("/"))?;
    for name in path.components().skip(1) {
        let name = Path::new(name.as_os_str());
        folder = match open_folder(Some(&folder), name) {
            Err(Errno::ENOENT) => {
                mkdirat(&folder, name, Mode::from_bits_truncate(0o755))?;
                fchownat(
                    &folder,
                    name,
                    Some(0.into()),
                    Some(0.into()),
                    AtFlags::AT_SYMLINK_NOFOLLOW,
                )?;
                open_folder(Some(&folder), name)?
            }
            other => other?,
        };
    }
    Ok(())
}

fn open_folder(parent: Option<&OwnedFd>, name: &Path) -> nix::Result<OwnedFd> {
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
    match parent {
        Some(parent) => openat2(parent, name, how),
        None => openat2(nix::fcntl::AT_FDCWD, name, how),
    }
}

/// Copies what the root file system has below `path` into the mount that covers it.
fn copy_up(path: &Path) -> io::Result<()> {
    // a clone of the root mount alone shows what its sub-mounts cover
    let root = clone_mount(nix::fcntl::AT_FDCWD, c"/", 0)?;
    let relative = path.strip_prefix("/").unwrap_or(path);
    let source = Path::new("/proc/self/fd")
        .join(root.as_raw_fd().to_string())
        .join(relative);
    if source.is_dir() {
        copy_tree(&source, path)
    } else {
        Ok(())
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let metadata = entry.metadata()?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            fs::create_dir(&target)?;
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target)?;
        } else if kind.is_fifo() {
            nix::unistd::mkfifo(
                &target,
                nix::sys::stat::Mode::from_bits_truncate(metadata.mode()),
            )?;
        } else {
            // devices and sockets of an image have no meaning in a tmpfs
            continue;
        }
        std::os::unix::fs::lchown(&target, Some(metadata.uid()), Some(metadata.gid()))?;
        if !kind.is_symlink() {
            fs::set_permissions(&target, fs::Permissions::from_mode(metadata.mode()))?;
        }
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_copied_with_its_modes_and_links() {
        let from = tempfile::tempdir().expect("tempdir");
        let to = tempfile::tempdir().expect("tempdir");
        fs::create_dir(from.path().join("d")).expect("made");
        fs::write(from.path().join("d/f"), "text").expect("written");
        fs::set_permissions(from.path().join("d/f"), fs::Permissions::from_mode(0o4751))
            .expect("mode");
        std::os::unix::fs::symlink("d/f", from.path().join("l")).expect("linked");
        copy_tree(from.path(), to.path()).expect("copied");
        assert_eq!(fs::read(to.path().join("l")).expect("read"), b"text");
        assert_eq!(
            fs::metadata(to.path().join("d/f")).expect("stat").mode() & 0o7777,
            0o4751
        );
        assert_eq!(
            fs::read_link(to.path().join("l")).expect("link"),
            Path::new("d/f")
        );
    }
}
