//! The proof that what was loaded is enforced: a process that must be refused everything, and is asked whether it was.
//!
//! With `bpf` missing from the kernel's list of LSMs, or with a kernel that skips a program, load, attach and pin all
//! succeed.

use std::ffi::c_int;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::load::Lock;
use super::pins::{Maps, set};
use super::skeleton::types;
use super::{Container, cgroup, register};
use crate::{BpfError, Result};

/// What is tried, and the bit by which the child says that it was not refused.
const ATTEMPTS: [(c_int, &str); 3] = [(1, "open a file"), (2, "execute a program"), (4, "connect")];

pub(super) fn must_sing(lock: &Lock, maps: &Maps) -> Result<()> {
    let cage = Cage::new()?;
    let caged = lock_up(maps, &cage)?;
    let answer = cage.try_everything();
    register::release(lock, maps, caged)?;
    // its only process is gone: as if there had never been a container
    set(&maps.gate, &0_u32, &types::gate::default())?;
    let escaped = answer?;
    match ATTEMPTS.iter().find(|(bit, _)| escaped & bit != 0) {
        None => Ok(()),
        Some((_, what)) => Err(BpfError::Host {
            lack: format!("the kernel took the programs, but lets a process that is denied everything {what}"),
            fix: "boot with `bpf` in the list of lsm=, on a kernel 6.1.y that is not older than 6.1.70".into(),
        }),
    }
}

/// A container without a policy and without mounts: nothing is allowed.
fn lock_up(maps: &Maps, cage: &Cage) -> Result<Container> {
    let cgroup = cgroup::Cgroup::at(&cage.path)?;
    let (slot, old) = register::free_slot(maps)?;
    let caged = types::container {
        cgroup_id: cgroup.id,
        generation: old.generation,
        ..Default::default()
    };
    set(&maps.containers, &slot, &caged)?;
    set(&maps.cgroups, &cgroup.id, &slot)?;
    register::set_gate(maps, Some(cgroup))?;
    Ok(Container {
        slot,
        generation: old.generation,
    })
}

/// A cgroup of its own, removed in the end.
struct Cage {
    path: PathBuf,
}

impl Cage {
    fn new() -> Result<Self> {
        let path = cgroup::hierarchy()?.join(format!("sevorix-canary-{}", std::process::id()));
        fs::create_dir(&path)
            .map_err(BpfError::io(format!("make the cgroup {}", path.display())))?;
        Ok(Self { path })
    }

    /// The bits of what was not refused.
    fn try_everything(&self) -> Result<c_int> {
        let program = cgroup::c_string(Path::new("/proc/self/exe"))?;
        let failed = || BpfError::io("run the process that tries the floor");
        let [wait, go] = pipe().map_err(failed())?;
        // SAFETY: the child calls nothing but system calls until it ends itself, so it does not matter what other threads
        // of ours hold.
        let child = match unsafe { libc::fork() } {
            -1 => return Err(failed()(std::io::Error::last_os_error())),
            // SAFETY: this is the child.
            0 => unsafe { in_cage(wait, go, &program) },
            child => child,
        };
        close(wait);
        let moved = self.take(child);
        close(go);
        let status = status_of(child).map_err(failed())?;
        moved?;
        if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) < 1 << ATTEMPTS.len() {
            return Ok(libc::WEXITSTATUS(status));
        }
        Err(failed()(std::io::Error::other(format!(
            "it ended with the status {status:#x}"
        ))))
    }

    fn take(&self, process: libc::pid_t) -> Result<()> {
        let path = self.path.join("cgroup.procs");
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|mut file| write!(file, "{process}"))
            .map_err(BpfError::io(format!("write to {}", path.display())))
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        // its only process has been waited for; what can't be removed is empty and in nobody's way
        let _ = fs::remove_dir(&self.path);
    }
}

/// Waits for the cgroup, tries, tells by its exit status.
///
/// # Safety
/// To be called in a child after fork: it makes system calls only, and does not return.
unsafe fn in_cage(wait: c_int, go: c_int, program: &std::ffi::CStr) -> ! {
    let mut byte = 0_u8;
    // 127.0.0.1:9, which a connection of datagrams needs no answer from
    let nowhere = libc::sockaddr_in {
        sin_family: libc::sa_family_t::try_from(libc::AF_INET).unwrap_or_default(),
        sin_port: 9_u16.to_be(),
        sin_addr: libc::in_addr {
            s_addr: 0x7f00_0001_u32.to_be(),
        },
        sin_zero: [0; 8],
    };
    let arguments = [program.as_ptr(), std::ptr::null()];
    // SAFETY: descriptors of our own, C strings and arrays that end in a null pointer, all of which outlive the calls. The
    // parent's end of the pipe closes when we are in the cgroup.
    unsafe {
        libc::close(go);
        libc::read(wait, std::ptr::from_mut(&mut byte).cast(), 1);
        let mut escaped = 0;
        if libc::open(c"/".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) >= 0 {
            escaped |= ATTEMPTS[0].0;
        }
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_in>()).unwrap_or_default();
        let connected = libc::connect(socket, std::ptr::from_ref(&nowhere).cast(), length);
        if connected == 0 || *libc::__errno_location() != libc::EPERM {
            escaped |= ATTEMPTS[2].0;
        }
        // a program that is executed ends with a status of its own, which is none of ours
        libc::execve(
            program.as_ptr(),
            arguments.as_ptr(),
            arguments[1..].as_ptr(),
        );
        if *libc::__errno_location() != libc::EACCES {
            escaped |= ATTEMPTS[1].0;
        }
        libc::_exit(escaped)
    }
}

fn pipe() -> std::io::Result<[c_int; 2]> {
    let mut ends = [-1; 2];
    // SAFETY: the kernel writes two descriptors into the array.
    match unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } {
        0 => Ok(ends),
        _ => Err(std::io::Error::last_os_error()),
    }
}

fn close(end: c_int) {
    // SAFETY: our own end of the pipe, used no more.
    unsafe { libc::close(end) };
}

fn status_of(child: libc::pid_t) -> std::io::Result<c_int> {
    let mut status = 0;
    loop {
        // SAFETY: our own child; the kernel writes one integer.
        match unsafe { libc::waitpid(child, &mut status, 0) } {
            pid if pid == child => return Ok(status),
            _ => {
                let error = std::io::Error::last_os_error();
                if error.kind() != std::io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}
