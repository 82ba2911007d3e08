//! A view of the binary on an overlay file system without an upper layer, mounted nowhere.
//!
//! Such a file system can only be read, whoever remounts it with whatever flags: to write, the kernel would have to copy
//! the file up, and there is nowhere to copy to. A bind mount would not do: its read-only flag can be cleared from
//! inside a container that may mount. Nothing is copied, so that this costs a fraction of a sealed copy in memory.

use std::ffi::{CStr, CString};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, fstatfs};
use nix::sys::statvfs::{FsFlags, fstatvfs};

/// An overlay needs two lower layers when it has no upper one; this one stays empty.
const EMPTY: &str = "/run/sevorix/empty";

/// The binary as it is seen through the overlay.
pub fn view(binary: &Path) -> io::Result<OwnedFd> {
    let (Some(folder), Some(name)) = (binary.parent(), binary.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let layers = [folder.as_os_str().as_bytes(), EMPTY.as_bytes()].join(&b':');
    if layers.iter().any(|byte| matches!(byte, b'\\' | b','))
        || layers.iter().filter(|byte| **byte == b':').count() > 1
    {
        // these separate layers and options; a folder that has one in its name gets a copy in memory
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o711)
        .create(EMPTY)?;
    let context = system_call(
        libc::SYS_fsopen,
        [
            c"overlay".as_ptr() as u64,
            u64::from(libc::FSOPEN_CLOEXEC),
            0,
            0,
            0,
        ],
    )?;
    configure(
        &context,
        libc::FSCONFIG_SET_STRING,
        Some((c"lowerdir", &CString::new(layers)?)),
    )?;
    configure(&context, libc::FSCONFIG_CMD_CREATE, None)?;
    let attributes = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    let mount = system_call(
        libc::SYS_fsmount,
        [
            raw(&context),
            u64::from(libc::FSMOUNT_CLOEXEC),
            attributes,
            0,
            0,
        ],
    )?;
    Ok(openat(
        &mount,
        name,
        OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW,
        Mode::empty(),
    )?)
}

/// Whether this process runs from such a view: a read-only overlay whose root holds the binary.
pub fn is_view(binary: &File) -> bool {
    let is_overlay =
        fstatfs(binary).is_ok_and(|found| found.filesystem_type() == OVERLAYFS_SUPER_MAGIC);
    let is_read_only =
        fstatvfs(binary).is_ok_and(|found| found.flags().contains(FsFlags::ST_RDONLY));
    // a file of the host's own read-only overlay lies deeper than at the root of it
    let is_at_root = std::fs::read_link("/proc/self/exe")
        .is_ok_and(|path| path.parent() == Some(Path::new("/")));
    is_overlay && is_read_only && is_at_root
}

fn configure(context: &OwnedFd, command: u32, setting: Option<(&CStr, &CStr)>) -> io::Result<()> {
    let (key, value) = setting.map_or((0, 0), |(key, value)| {
        (key.as_ptr() as u64, value.as_ptr() as u64)
    });
    let arguments = [raw(context), u64::from(command), key, value, 0];
    // SAFETY: key and value are NUL-terminated strings that outlive the call, or null where the command takes none.
    let result = unsafe {
        libc::syscall(
            libc::SYS_fsconfig,
            arguments[0],
            arguments[1],
            arguments[2],
            arguments[3],
            arguments[4],
        )
    };
    Ok(Errno::result(result).map(drop)?)
}

fn raw(fd: &OwnedFd) -> u64 {
    u64::from(fd.as_raw_fd().cast_unsigned())
}

/// One that gives a new descriptor.
fn system_call(number: libc::c_long, [a, b, c, d, e]: [u64; 5]) -> io::Result<OwnedFd> {
    // SAFETY: the callers pass numbers, descriptors they own, and constant strings only.
    let result = Errno::result(unsafe { libc::syscall(number, a, b, c, d, e) })?;
    let fd = RawFd::try_from(result).map_err(io::Error::other)?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
