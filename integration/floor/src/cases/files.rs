//! Opening, cutting and changing files that exist.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::{Case, allowed, denied, expect};
use crate::agent::Outcome;

pub fn all() -> Vec<Case> {
    vec![
        allowed("open for reading", |root| {
            File::open(root.join("free/file")).map(drop)
        }),
        denied("open for reading a denied file", |root| {
            File::open(root.join("free/secret/file")).map(drop)
        }),
        denied("open what no rule names", |root| {
            File::open(root.join("other/file")).map(drop)
        }),
        allowed("open for writing", |root| writing(&root.join("free/file"))),
        denied("open for writing a file that may be read", |root| {
            writing(&root.join("free/frozen/file"))
        }),
        allowed("open for reading a file that may not be written", |root| {
            File::open(root.join("free/frozen/file")).map(drop)
        }),
        denied("F20 cut on open", |root| {
            OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_TRUNC)
                .open(root.join("free/frozen/file"))
                .map(drop)
        }),
        allowed("list a folder", |root| {
            fs::read_dir(root.join("free/plain")).map(drop)
        }),
        denied("list a denied folder", |root| {
            fs::read_dir(root.join("free/secret")).map(drop)
        }),
        denied("children only: a child", |root| {
            writing(&root.join("free/flat/file"))
        }),
        allowed("children only: what lies deeper", |root| {
            writing(&root.join("free/flat/deep/file"))
        }),
        denied("F1 through a symbolic link", |root| {
            File::open(root.join("free/link-to-secret")).map(drop)
        }),
        allowed("F1 through a harmless symbolic link", |root| {
            File::open(root.join("free/link-to-file")).map(drop)
        }),
        denied("F1 with dots in the path", |root| {
            File::open(root.join("free/plain/../secret/./file")).map(drop)
        }),
        denied("F6 from the folder itself", |root| {
            std::env::set_current_dir(root.join("free/secret"))?;
            File::open("file").map(drop)
        }),
        denied("F13 reopen what was opened by path only", |root| {
            let path = OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_PATH)
                .open(root.join("free/secret/file"))?;
            File::open(format!("/proc/self/fd/{}", path.as_raw_fd())).map(drop)
        }),
        allowed("F13 reopen a harmless file", |root| {
            let path = OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_PATH)
                .open(root.join("free/file"))?;
            File::open(format!("/proc/self/fd/{}", path.as_raw_fd())).map(drop)
        }),
        denied("a name, wherever it lies", |root| {
            File::open(root.join("free/.env")).map(drop)
        }),
        denied("an ending, wherever it lies", |root| {
            File::open(root.join("free/a.pem")).map(drop)
        }),
        allowed("an ending of something else", |root| {
            File::open(root.join("free/a.pem.txt")).map(drop)
        }),
        allowed("a name that only ends alike", |root| {
            File::open(root.join("free/xpem")).map(drop)
        }),
        allowed("a name that may be written", |root| {
            writing(&root.join("free/.env"))
        }),
        allowed("a rule on trial", |root| {
            writing(&root.join("free/trial/file"))
        }),
        denied("ask without a verdict", |root| {
            File::open(root.join("free/held")).map(drop)
        }),
        expect("kill", Outcome::Killed, |root| {
            File::open(root.join("free/fatal")).map(drop)
        }),
        denied("again, from memory", |root| {
            for _ in 0..3 {
                File::open(root.join("free/file"))?;
            }
            let _ = File::open(root.join("free/secret/file"));
            File::open(root.join("free/secret/file")).map(drop)
        }),
        denied("F20 truncate", |root| {
            nix_truncate(&root.join("free/frozen/file"))
        }),
        allowed("F20 truncate a free file", |root| {
            nix_truncate(&root.join("free/file"))
        }),
        denied("F21 mode", |root| {
            fs::set_permissions(root.join("free/frozen/file"), Permissions::from_mode(0o600))
        }),
        allowed("F21 mode of a free file", |root| {
            fs::set_permissions(root.join("free/file"), Permissions::from_mode(0o600))
        }),
        denied("F21 owner", |root| {
            std::os::unix::fs::chown(root.join("free/frozen/file"), Some(7), None)
        }),
        allowed("F21 owner of a free file", |root| {
            std::os::unix::fs::chown(root.join("free/file"), Some(0), None)
        }),
        denied("F21 times", |root| {
            // the hook is asked before the access rights of the descriptor are
            let file = OpenOptions::new()
                .read(true)
                .open(root.join("free/frozen/file"))?;
            file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        }),
        denied("F21 extended attribute", |root| {
            xattr(&root.join("free/frozen/file"), true)
        }),
        allowed("F21 extended attribute of a free file", |root| {
            xattr(&root.join("free/plain/file"), true)?;
            xattr(&root.join("free/plain/file"), false)
        }),
        denied("F21 removed extended attribute", |root| {
            xattr(&root.join("free/frozen/file"), false)
        }),
        denied("R2 write to a cgroup", |_| {
            writing(Path::new("/sys/fs/cgroup/cgroup.procs"))
        }),
        denied("F22 write to the kernel's settings", |_| {
            writing(Path::new("/proc/sys/kernel/core_pattern"))
        }),
        allowed("write to one's own process", |_| {
            writing(Path::new("/proc/self/comm"))
        }),
        allowed("read about a process", |_| {
            File::open("/proc/self/status").map(drop)
        }),
        denied("R11 look at the pins", |_| {
            fs::read_dir("/sys/fs/bpf").map(drop)
        }),
        denied("F22 open debugfs", |_| {
            File::open("/sys/kernel/debug/sched/debug")
                .or_else(|_| File::open("/sys/kernel/debug/sleep_time"))
                .map(drop)
        }),
        allowed("a pipe through proc", |_| {
            let (read, _write) = io::pipe()?;
            File::open(format!("/proc/self/fd/{}", read.as_raw_fd())).map(drop)
        }),
        allowed("a file in memory", |_| {
            let file = memfd()?;
            File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).map(drop)
        }),
        denied("R10 a file system that is not the container's", |_| {
            File::open("/run/lock").map(drop)
        }),
        denied("F25 a descriptor from outside", |root| {
            receive(&root.join("free/secret/file"))
        }),
        allowed("F25 a harmless descriptor from outside", |root| {
            receive(&root.join("free/file"))
        }),
        denied("F15 too deep", |root| {
            let deep = root.join("free/plain/".to_string() + &"d/".repeat(70));
            fs::create_dir_all(&deep)
        }),
        allowed("F15 deep, but not too deep", |root| {
            fs::create_dir_all(root.join("free/plain/".to_string() + &"e/".repeat(50)))
        }),
        allowed("F15 the longest name", |root| {
            File::create(root.join("free/plain").join("n".repeat(255))).map(drop)
        }),
    ]
}

fn writing(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path).map(drop)
}

fn nix_truncate(path: &Path) -> io::Result<()> {
    nix::unistd::truncate(path, 3).map_err(io::Error::from)
}

fn xattr(path: &Path, set: bool) -> io::Result<()> {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: C strings and a value of the given length, all of which are only read.
    let answer = unsafe {
        match set {
            true => libc::setxattr(
                path.as_ptr(),
                c"user.floor".as_ptr(),
                c"x".as_ptr().cast(),
                1,
                0,
            ),
            false => libc::removexattr(path.as_ptr(), c"user.floor".as_ptr()),
        }
    };
    match answer {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

pub fn memfd() -> io::Result<File> {
    // SAFETY: a C string and flags; the descriptor that comes back is ours alone.
    unsafe {
        match libc::memfd_create(c"floor".as_ptr(), libc::MFD_CLOEXEC) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(File::from_raw_fd(fd)),
        }
    }
}

/// A descriptor that the parent opened: it can't come from this process, which may not open it.
fn receive(path: &Path) -> io::Result<()> {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
    use std::os::unix::net::UnixStream;
    let stream = UnixStream::connect(crate::agent::OUTSIDE)?;
    io::Write::write_all(&mut &stream, path.as_os_str().as_encoded_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut byte = [0];
    let mut buffer = [IoSliceMut::new(&mut byte)];
    let mut space = nix::cmsg_space!(i32);
    let message = recvmsg::<()>(
        stream.as_raw_fd(),
        &mut buffer,
        Some(&mut space),
        MsgFlags::empty(),
    )?;
    // a refused descriptor is left out, and the message told to be cut
    let received = message.cmsgs().ok().and_then(|mut parts| {
        parts.find_map(|part| match part {
            ControlMessageOwned::ScmRights(files) => files.first().copied(),
            _ => None,
        })
    });
    received
        .map(drop)
        .ok_or_else(|| io::Error::from_raw_os_error(libc::EACCES))
}
