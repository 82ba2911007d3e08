//! Hands the descriptor of a notifying seccomp filter to its listener.
//!
//! Once the filter is on, any system call of the filtered process may wait for that very listener, so the process can
//! make none to pass the descriptor on. A courier outside takes it with pidfd_getfd instead; the two talk through a
//! shared page, which needs no system call at all.

use std::ffi::c_void;
use std::io::{IoSlice, IoSliceMut};
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, setsockopt, socketpair, sockopt,
};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

use crate::error::{Context, errno_text};
use crate::process::pidfd_open;
use crate::seccomp::Filter;
use crate::{Error, Result};

const PATIENCE: Duration = Duration::from_secs(10);
const NOT_YET: i32 = -1;
const PENDING: i32 = 0;
const DELIVERED: i32 = 1;
const FAILED: i32 = 2;

/// The page that both sides see.
#[derive(Debug)]
struct Page {
    descriptor: AtomicI32,
    outcome: AtomicI32,
}

/// The filtered process's side.
#[derive(Debug, Clone)]
pub struct Handover {
    page: &'static Page,
    wake: RawFd,
}

/// The runtime's side: a child that waits for the descriptor.
#[derive(Debug)]
pub struct Courier {
    child: Pid,
    wake: Option<OwnedFd>,
}

impl Courier {
    /// `describe` makes the message for the listener once the process's pid is known.
    pub fn send(listener: &Path, describe: impl Fn(Pid) -> Vec<u8>) -> Result<(Self, Handover)> {
        let stream = UnixStream::connect(listener).on("connect to seccomp listener", listener)?;
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC,
        )
        .during(|| "open a socket pair".into())?;
        setsockopt(&ours, sockopt::PassCred, &true).during(|| "ask for credentials".into())?;
        let page = shared_page()?;
        // SAFETY: the runtime has one thread, so the child may go on in any code; it never returns.
        match unsafe { fork() }.during(|| "fork the seccomp courier".into())? {
            ForkResult::Parent { child } => {
                let handover = Handover {
                    page,
                    wake: theirs.as_raw_fd(),
                };
                Ok((
                    Self {
                        child,
                        wake: Some(theirs),
                    },
                    handover,
                ))
            }
            ForkResult::Child => {
                drop(theirs);
                let outcome = if deliver(&ours, &stream, page, describe).is_ok() {
                    DELIVERED
                } else {
                    FAILED
                };
                page.outcome.store(outcome, Ordering::Release);
                std::process::exit(0)
            }
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        // without a container to wait for, the end of the socket ends the courier
        self.wake = None;
        let _ = waitpid(self.child, None);
    }
}

impl Handover {
    pub fn is_done(&self) -> bool {
        self.page.outcome.load(Ordering::Acquire) == DELIVERED
    }

    pub fn load(&self, filter: &Filter) -> Result<(), String> {
        let announce = [IoSlice::new(b"!")];
        sendmsg::<()>(self.wake, &announce, &[], MsgFlags::empty(), None)
            .map_err(|errno| format!("wake the seccomp courier: {}", errno_text(errno)))?;
        let descriptor = filter
            .load()
            .map_err(|errno| format!("load seccomp filter: {}", errno_text(errno)))?;
        let Some(descriptor) = descriptor else {
            return Err("seccomp filter without a listener".into());
        };
        self.page
            .descriptor
            .store(descriptor.as_raw_fd(), Ordering::Release);
        let deadline = Instant::now() + PATIENCE;
        // no system call may be made here, sleeping included: reading the clock is none
        loop {
            match self.page.outcome.load(Ordering::Acquire) {
                PENDING if Instant::now() < deadline => std::hint::spin_loop(),
                DELIVERED => return Ok(()),
                _ => return Err("the seccomp listener did not take the descriptor".into()),
            }
        }
    }
}

fn shared_page() -> Result<&'static Page> {
    // SAFETY: the page is zeroed, aligned, larger than Page and never unmapped; all access is atomic.
    let page: &'static Page = unsafe { shared_memory(size_of::<Page>())?.cast().as_ref() };
    page.descriptor.store(NOT_YET, Ordering::Relaxed);
    Ok(page)
}

/// Zeroed pages that every child forked from now on sees, too. They stay mapped.
pub(crate) fn shared_memory(size: usize) -> Result<NonNull<c_void>> {
    let size = NonZeroUsize::new(size).ok_or(Error::Process("no memory to share".into()))?;
    // SAFETY: a new anonymous mapping aliases nothing.
    let memory = unsafe {
        mmap_anonymous(
            None,
            size,
            ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
            MapFlags::MAP_SHARED,
        )
    };
    memory.during(|| "map memory to share with a child".into())
}

fn deliver(
    wake: &OwnedFd,
    listener: &UnixStream,
    page: &Page,
    describe: impl Fn(Pid) -> Vec<u8>,
) -> nix::Result<()> {
    let pid = sender_of(wake)?;
    let process = pidfd_open(pid)?;
    let deadline = Instant::now() + PATIENCE;
    let number = loop {
        match page.descriptor.load(Ordering::Acquire) {
            NOT_YET if Instant::now() < deadline => std::thread::yield_now(),
            NOT_YET => return Err(Errno::ETIMEDOUT),
            number => break number,
        }
    };
    let descriptor = take_descriptor(&process, number)?;
    let message = describe(pid);
    let rights = [descriptor.as_raw_fd()];
    sendmsg::<()>(
        listener.as_raw_fd(),
        &[IoSlice::new(&message)],
        &[ControlMessage::ScmRights(&rights)],
        MsgFlags::empty(),
        None,
    )
    .map(drop)
}

/// The kernel's word on who woke us, in our own pid namespace.
fn sender_of(wake: &OwnedFd) -> nix::Result<Pid> {
    let mut byte = [0];
    let mut buffers = [IoSliceMut::new(&mut byte)];
    let mut space = nix::cmsg_space!(libc::ucred);
    let message = recvmsg::<()>(
        wake.as_raw_fd(),
        &mut buffers,
        Some(&mut space),
        MsgFlags::empty(),
    )?;
    let credentials = message.cmsgs()?.find_map(|item| match item {
        ControlMessageOwned::ScmCredentials(credentials) => Some(Pid::from_raw(credentials.pid())),
        _ => None,
    });
    credentials.ok_or(Errno::EPIPE)
}

pub fn take_descriptor(process: &OwnedFd, number: RawFd) -> nix::Result<OwnedFd> {
    // SAFETY: plain system call without pointers.
    let fd = Errno::result(unsafe {
        libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0)
    })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
