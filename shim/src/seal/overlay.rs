//! The binary as an overlay of read-only layers shows it: nothing is copied, a sixtieth of the work.
//!
//! Such a file can't be written by anybody: an overlay without an upper layer is a read-only file system, and the
//! kernel refuses to make it anything else. The mount is in no namespace and goes with the last process that uses it;
//! what could be reached from the file is the file. A read-only bind mount would not do: its superblock is the host's.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, fstatfs};

use super::{OURSELVES, answer};

/// Whether `binary`, which is being executed, is on a read-only overlay.
pub fn holds(binary: &File) -> bool {
    let is_overlay =
        fstatfs(binary).is_ok_and(|found| found.filesystem_type() == OVERLAYFS_SUPER_MAGIC);
    // a program that runs is busy before a read-only mount is looked at, but not before a read-only file system is
    let write = || File::options().write(true).open(OURSELVES);
    is_overlay && write().is_err_and(|error| error.raw_os_error() == Some(libc::EROFS))
}

/// The running binary on an overlay of its own.
pub fn show(binary: &File) -> io::Result<OwnedFd> {
    let path = std::fs::read_link(OURSELVES)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let image = open_on_overlay(folder, Path::new(name))?;
    // the path may lead to another file by now, as it does while the runtime is being upgraded
    if is_same(&fstat(&image)?, binary)? {
        Ok(image)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

fn open_on_overlay(folder: &Path, name: &Path) -> io::Result<OwnedFd> {
    let folder = open(
        folder,
        OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )?;
    let context = fsopen()?;
    // by descriptor, so that no letter of the path has to be escaped
    configure(
        &context,
        &format!("/proc/self/fd/{}:{SECOND_LAYER}", folder.as_raw_fd()),
    )?;
    let mount = fsmount(&context)?;
    Ok(openat(
        &mount,
        name,
        OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
        Mode::empty(),
    )?)
}

/// An overlay shows its layers' inode numbers, under a device number of its own.
fn is_same(shown: &FileStat, binary: &File) -> io::Result<bool> {
    let real = binary.metadata()?;
    let times = (shown.st_mtime, shown.st_mtime_nsec) == (real.mtime(), real.mtime_nsec());
    Ok(times && (shown.st_ino, u64::try_from(shown.st_size)) == (real.ino(), Ok(real.size())))
}

/// An overlay wants two layers; nothing is looked up in this one.
const SECOND_LAYER: &str = "/run";

fn fsopen() -> nix::Result<OwnedFd> {
    // SAFETY: the call reads a NUL-terminated string.
    descriptor(unsafe { libc::syscall(libc::SYS_fsopen, c"overlay".as_ptr(), FSOPEN_CLOEXEC) })
}

fn configure(context: &OwnedFd, layers: &str) -> io::Result<()> {
    let layers = CString::new(layers)?;
    let none = std::ptr::null::<libc::c_char>();
    let call = |command: libc::c_int, key: *const libc::c_char, value: *const libc::c_char| {
        // SAFETY: key and value are null, or NUL-terminated strings that outlive the call.
        answer(unsafe {
            libc::syscall(
                libc::SYS_fsconfig,
                context.as_raw_fd(),
                command,
                key,
                value,
                0,
            )
        })
    };
    let done = call(FSCONFIG_SET_STRING, c"lowerdir".as_ptr(), layers.as_ptr())
        // or inode numbers would get a prefix
        .and_then(|_| call(FSCONFIG_SET_STRING, c"xino".as_ptr(), c"off".as_ptr()))
        .and_then(|_| call(FSCONFIG_CMD_CREATE, none, none));
    done.map(drop).map_err(|errno| complaint(context, errno))
}

/// The kernel's own words say more than the number does.
fn complaint(context: &OwnedFd, errno: Errno) -> io::Error {
    let mut words = vec![0; 256];
    match nix::unistd::read(context, &mut words) {
        Ok(count) => io::Error::other(String::from_utf8_lossy(&words[..count]).trim().to_string()),
        Err(_) => errno.into(),
    }
}

fn fsmount(context: &OwnedFd) -> nix::Result<OwnedFd> {
    let attributes = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOSUID;
    // SAFETY: the call takes numbers.
    descriptor(unsafe {
        libc::syscall(
            libc::SYS_fsmount,
            context.as_raw_fd(),
            FSMOUNT_CLOEXEC,
            attributes,
        )
    })
}

fn descriptor(result: libc::c_long) -> nix::Result<OwnedFd> {
    let number = RawFd::try_from(answer(result)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

const FSOPEN_CLOEXEC: libc::c_uint = 1;
const FSMOUNT_CLOEXEC: libc::c_uint = 1;
const FSCONFIG_SET_STRING: libc::c_int = 1;
const FSCONFIG_CMD_CREATE: libc::c_int = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_overlays_is_not_taken_for_sealed() {
        assert!(!holds(&File::open("/proc/self/status").expect("proc")));
    }

    #[test]
    fn another_file_under_the_same_name_is_noticed() {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("runtime");
        std::fs::write(&path, "old").expect("written");
        let old = File::open(&path).expect("readable");
        let stat = |path: &Path| nix::sys::stat::stat(path).expect("there");
        assert!(is_same(&stat(&path), &old).expect("compared"));
        std::fs::write(folder.path().join("new"), "new").expect("written");
        std::fs::rename(folder.path().join("new"), &path).expect("renamed");
        assert!(!is_same(&stat(&path), &old).expect("compared"));
    }
}
