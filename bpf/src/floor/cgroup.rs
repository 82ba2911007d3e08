//! Cgroups as the programs know them: by the id of the folder in the v2 hierarchy, and by how deep it lies.

use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::{BpfError, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cgroup {
    pub id: u64,
    /// 0 is the root.
    pub level: u32,
}

impl Cgroup {
    /// The folder of a cgroup, below the mount of the v2 hierarchy.
    pub fn at(path: &Path) -> Result<Self> {
        let root = cgroup_hierarchy()?;
        let read = || BpfError::io(format!("look at the cgroup {}", path.display()));
        let real = path.canonicalize().map_err(read())?;
        let below = real.strip_prefix(&root).map_err(|_| BpfError::Host {
            lack: format!(
                "{} is no cgroup of the v2 hierarchy at {}",
                path.display(),
                root.display()
            ),
            fix: "give the container a cgroup of the unified hierarchy".into(),
        })?;
        let level = below.components().count();
        let id = fs::metadata(&real).map_err(read())?.ino();
        Ok(Self {
            id,
            level: u32::try_from(level).unwrap_or(u32::MAX),
        })
    }
}

/// Where cgroup v2 is mounted: /sys/fs/cgroup, or beside v1 somewhere below. It is looked for once.
pub fn cgroup_hierarchy() -> Result<PathBuf> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let found = look_for_hierarchy()?;
    Ok(FOUND.get_or_init(|| found).clone())
}

fn look_for_hierarchy() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")
        .map_err(BpfError::io("read /proc/self/mountinfo"))?;
    let of_v2 = |line: &str| {
        let (mount, file_system) = line.split_once(" - ")?;
        let point = mount.split(' ').nth(4)?;
        file_system
            .starts_with("cgroup2 ")
            .then(|| PathBuf::from(point))
    };
    mounts.lines().find_map(of_v2).ok_or_else(|| BpfError::Host {
        lack: "there is no cgroup v2 hierarchy".into(),
        fix: "boot with systemd.unified_cgroup_hierarchy=1, or mount it: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified".into(),
    })
}

/// Tells which cgroups still exist, by their id.
#[derive(Debug)]
pub(super) struct Living {
    hierarchy: OwnedFd,
}

impl Living {
    pub fn new() -> Result<Self> {
        let path = cgroup_hierarchy()?;
        let folder = File::open(&path).map_err(BpfError::io(format!("open {}", path.display())))?;
        Ok(Self {
            hierarchy: folder.into(),
        })
    }

    pub fn has(&self, id: u64) -> Result<bool> {
        match self.open(id) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ESTALE | libc::ENOENT)) => {
                Ok(false)
            }
            Err(source) => Err(BpfError::io(format!(
                "look for the cgroup with the id {id}"
            ))(source)),
        }
    }

    fn open(&self, id: u64) -> io::Result<OwnedFd> {
        /// `struct file_handle` with a kernfs id in it.
        #[repr(C)]
        struct Handle {
            bytes: u32,
            kind: i32,
            id: [u8; 8],
        }
        const FILEID_KERNFS: i32 = 0xfe;
        let mut handle = Handle {
            bytes: 8,
            kind: FILEID_KERNFS,
            id: id.to_ne_bytes(),
        };
        // SAFETY: the handle is a `struct file_handle` with as many bytes behind its head as it says; it is only read.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_open_by_handle_at,
                self.hierarchy.as_raw_fd(),
                std::ptr::from_mut(&mut handle),
                libc::O_PATH | libc::O_CLOEXEC,
            )
        };
        match RawFd::try_from(answer) {
            // SAFETY: the kernel has just opened it for us and nobody else owns it.
            Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

pub(super) fn c_string(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|error| BpfError::io(format!("use the path {}", path.display()))(error.into()))
}

pub(super) fn magic_of(path: &CStr) -> io::Result<i64> {
    // SAFETY: all zero is a valid `statfs`.
    let mut answer: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path is a C string, and the kernel writes one `statfs`.
    match unsafe { libc::statfs(path.as_ptr(), &mut answer) } {
        0 => Ok(answer.f_type),
        _ => Err(io::Error::last_os_error()),
    }
}
