//! System calls that no safe wrapper makes, each so that it would really work if it were let through.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a register takes whatever a number's bits are"
)]

use std::ffi::CString;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU8;

use libc::{c_char, c_int, c_long, c_void};
use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, mprotect};
use nix::unistd::{ForkResult, Pid};

type Result<T> = nix::Result<T>;

const PAGE: usize = 4096;
const AT_HERE: usize = libc::AT_FDCWD as usize;

/// Runs `act` in a child whose status it returns.
pub fn fork(act: impl FnOnce() -> i32) -> Result<Pid> {
    // SAFETY: the program has one thread when it forks, so the child may do as it likes.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let status = act();
            // SAFETY: always; what the parent has buffered is the parent's to write.
            unsafe { libc::_exit(status) }
        }
    }
}

/// execve(2) whose last word others may change while the kernel reads it.
pub fn become_program_with(program: &str, words: &[&str], last: &'static [AtomicU8]) -> Result<()> {
    let program = terminated(program);
    let words: Vec<CString> = words.iter().map(|word| terminated(word)).collect();
    let last: *const c_char = last.as_ptr().cast();
    let mut pointers: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
    pointers.extend([last, std::ptr::null()]);
    let nothing = [std::ptr::null()];
    // SAFETY: the words are terminated, as is the list of them, and all live through the call.
    Errno::result(unsafe { libc::execve(program.as_ptr(), pointers.as_ptr(), nothing.as_ptr()) })
        .map(drop)
}

/// One page of a file.
pub fn map(file: BorrowedFd, protection: ProtFlags, flags: MapFlags) -> Result<Page> {
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing of ours.
    let page = unsafe { mmap(None, PAGE_SIZE, protection, flags, file, 0) };
    page.map(Page)
}

/// One page of nothing.
pub fn map_anonymous(protection: ProtFlags) -> Result<Page> {
    // SAFETY: as in `map`.
    let page = unsafe { mmap_anonymous(None, PAGE_SIZE, protection, MapFlags::MAP_PRIVATE) };
    page.map(Page)
}

/// Memory that nothing but its protection is ever looked at.
#[derive(Debug)]
pub struct Page(NonNull<c_void>);

impl Page {
    pub fn protect(&self, protection: ProtFlags) -> Result<()> {
        // SAFETY: the page is a mapping of its own, and nobody holds a reference into it.
        unsafe { mprotect(self.0, PAGE, protection) }
    }
}

/// A child by clone(2) with these flags; with CLONE_VM it must only do what is safe on a shared memory.
pub fn clone_and_open(flags: c_int, path: &str) -> Result<Pid> {
    let path = terminated(path);
    let mut stack = vec![0u8; 64 * 1024];
    let act = || -> isize {
        // SAFETY: the path is terminated and lives until the parent has waited; open(2) shares nothing else.
        match unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) } {
            -1 => Errno::last_raw() as isize,
            _ => 0,
        }
    };
    // SAFETY: CLONE_VFORK keeps this thread waiting until the child is gone, so its stack and memory are its alone.
    unsafe {
        nix::sched::clone(
            Box::new(act),
            &mut stack,
            nix::sched::CloneFlags::from_bits_retain(flags | libc::CLONE_VFORK),
            Some(libc::SIGCHLD),
        )
    }
}

pub fn open_with(path: &str, resolve: u64) -> Result<OwnedFd> {
    let path = terminated(path);
    // SAFETY: all-zero is a valid open_how.
    let mut how: libc::open_how = unsafe { zeroed() };
    how.resolve = resolve;
    let size = size_of::<libc::open_how>();
    // SAFETY: path and structure live through the call.
    unsafe {
        descriptor(
            libc::SYS_openat2,
            &[AT_HERE, address(&path.as_ptr()), pointer(&how), size],
        )
    }
}

/// A file by the handle that name_to_handle_at(2) gives for it.
pub fn open_by_handle(path: &str) -> Result<OwnedFd> {
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        data: [u8; 128],
    }
    let mut handle = Handle {
        bytes: 128,
        kind: 0,
        data: [0; 128],
    };
    let mut mount: c_int = 0;
    let path = terminated(path);
    let name = address(&path.as_ptr());
    let into = std::ptr::from_mut(&mut handle) as usize;
    let mount = std::ptr::from_mut(&mut mount) as usize;
    // SAFETY: the handle has room for as many bytes as it says.
    unsafe {
        call(
            libc::SYS_name_to_handle_at,
            &[AT_HERE, name, into, mount, 0],
        )
    }?;
    // SAFETY: the kernel has filled the handle.
    unsafe {
        descriptor(
            libc::SYS_open_by_handle_at,
            &[AT_HERE, into, libc::O_RDONLY as usize],
        )
    }
}

/// A detached copy of a folder's tree of mounts.
pub fn open_tree(path: &str) -> Result<OwnedFd> {
    const CLONE: usize = 1;
    let path = terminated(path);
    // SAFETY: the path lives through the call.
    unsafe {
        descriptor(
            libc::SYS_open_tree,
            &[AT_HERE, address(&path.as_ptr()), CLONE],
        )
    }
}

/// A new file system of this kind, mounted nowhere.
pub fn new_filesystem(kind: &str) -> Result<OwnedFd> {
    const CREATE: usize = 6;
    let kind = terminated(kind);
    // SAFETY: the name lives through the call.
    let made = unsafe { descriptor(libc::SYS_fsopen, &[address(&kind.as_ptr()), 0]) }?;
    let number = made.as_raw_fd() as usize;
    // SAFETY: numbers only.
    unsafe { call(libc::SYS_fsconfig, &[number, CREATE, 0, 0, 0]) }?;
    // SAFETY: numbers only.
    unsafe { descriptor(libc::SYS_fsmount, &[number, 0, 0]) }
}

pub fn exchange(one: &str, other: &str) -> Result<()> {
    let (one, other) = (terminated(one), terminated(other));
    let (from, to) = (address(&one.as_ptr()), address(&other.as_ptr()));
    let flags = libc::RENAME_EXCHANGE as usize;
    // SAFETY: both paths live through the call.
    unsafe { call(libc::SYS_renameat2, &[AT_HERE, from, AT_HERE, to, flags]) }.map(drop)
}

pub fn set_attribute(path: &str, name: &str) -> Result<()> {
    let (path, name) = (terminated(path), terminated(name));
    // SAFETY: strings and the one byte of value live through the call.
    Errno::result(unsafe {
        libc::setxattr(path.as_ptr(), name.as_ptr(), c"x".as_ptr().cast(), 1, 0)
    })
    .map(drop)
}

/// FS_IOC_GETFLAGS and the same flags back by FS_IOC_SETFLAGS.
pub fn set_flags(file: BorrowedFd) -> Result<()> {
    const GET: libc::Ioctl = 0x8008_6601;
    const SET: libc::Ioctl = 0x4008_6602;
    let mut flags: c_long = 0;
    // SAFETY: both take a pointer to an int, and a long has room for it.
    Errno::result(unsafe { libc::ioctl(file.as_raw_fd(), GET, &mut flags) })?;
    // SAFETY: as above.
    Errno::result(unsafe { libc::ioctl(file.as_raw_fd(), SET, &flags) }).map(drop)
}

/// Types a letter into a terminal as if from its keyboard.
pub fn type_into(terminal: BorrowedFd) -> Result<()> {
    let letter = b'x';
    // SAFETY: the ioctl reads one byte.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSTI, &letter) }).map(drop)
}

pub fn window_size(terminal: BorrowedFd) -> Result<()> {
    // SAFETY: all-zero is a valid winsize.
    let mut size: libc::winsize = unsafe { zeroed() };
    // SAFETY: the ioctl writes one winsize.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &mut size) })
        .map(drop)
}

pub fn socket(family: c_int, kind: c_int, protocol: c_int) -> Result<OwnedFd> {
    // SAFETY: numbers only.
    unsafe {
        descriptor(
            libc::SYS_socket,
            &[family as usize, kind as usize, protocol as usize],
        )
    }
}

/// One byte to this address, whose family field says `family`.
pub fn send_as(
    socket: BorrowedFd,
    family: c_int,
    to: std::net::SocketAddrV4,
    flags: c_int,
) -> Result<()> {
    // SAFETY: all-zero is a valid sockaddr_in.
    let mut name: libc::sockaddr_in = unsafe { zeroed() };
    name.sin_family = family as libc::sa_family_t;
    name.sin_port = to.port().to_be();
    name.sin_addr.s_addr = u32::from(*to.ip()).to_be();
    let length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    let name = std::ptr::from_ref(&name).cast();
    // SAFETY: the byte and the address live through the call.
    Errno::result(unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            c"x".as_ptr().cast(),
            1,
            flags,
            name,
            length,
        )
    })
    .map(drop)
}

pub fn set_option(socket: BorrowedFd, level: c_int, option: c_int, value: &[u8]) -> Result<()> {
    let length = value.len() as libc::socklen_t;
    let from = value.as_ptr().cast();
    // SAFETY: the value lives through the call.
    Errno::result(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, from, length) })
        .map(drop)
}

pub fn io_uring() -> Result<OwnedFd> {
    let parameters = [0u32; 30];
    // SAFETY: the kernel writes one io_uring_params, which is 120 bytes.
    unsafe { descriptor(libc::SYS_io_uring_setup, &[1, pointer(&parameters)]) }
}

/// An array of one element.
pub fn bpf_map() -> Result<OwnedFd> {
    const ARRAY: u32 = 2;
    let attributes = [ARRAY, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: the attributes are as long as said.
    unsafe {
        descriptor(
            libc::SYS_bpf,
            &[0, pointer(&attributes), size_of_val(&attributes)],
        )
    }
}

/// What is pinned there.
pub fn bpf_pin(path: &str) -> Result<OwnedFd> {
    const GET: usize = 7;
    let path = terminated(path);
    let attributes = [path.as_ptr() as u64, 0];
    // SAFETY: the attributes name a path that lives through the call.
    unsafe {
        descriptor(
            libc::SYS_bpf,
            &[GET, pointer(&attributes), size_of_val(&attributes)],
        )
    }
}

/// Counts this very task's time.
pub fn perf_event() -> Result<OwnedFd> {
    const SOFTWARE: u32 = 1;
    const SIZE: usize = 64;
    let mut attributes = [0u32; SIZE / 4];
    attributes[0] = SOFTWARE;
    attributes[1] = SIZE as u32;
    let nobody = usize::MAX;
    // SAFETY: the attributes are as long as they say.
    unsafe {
        descriptor(
            libc::SYS_perf_event_open,
            &[pointer(&attributes), 0, nobody, nobody, 0],
        )
    }
}

pub fn add_key() -> Result<()> {
    let (kind, name) = (terminated("user"), terminated("attack"));
    let (kind, name) = (address(&kind.as_ptr()), address(&name.as_ptr()));
    let ring = libc::KEY_SPEC_PROCESS_KEYRING as usize;
    let value = b'x';
    // SAFETY: the strings and the value live through the call.
    unsafe { call(libc::SYS_add_key, &[kind, name, pointer(&value), 1, ring]) }.map(drop)
}

/// A session keyring of its own.
pub fn join_session_keyring() -> Result<()> {
    const JOIN: usize = 1;
    // SAFETY: no name is a null pointer.
    unsafe { call(libc::SYS_keyctl, &[JOIN, 0]) }.map(drop)
}

pub fn read_memory(of: Pid) -> Result<()> {
    let mut byte = 0u8;
    let own = libc::iovec {
        iov_base: std::ptr::from_mut(&mut byte).cast(),
        iov_len: 1,
    };
    let other = libc::iovec {
        iov_base: std::ptr::null_mut(),
        iov_len: 1,
    };
    // SAFETY: one byte of ours is written at most; the other address is the other process's.
    match Errno::result(unsafe { libc::process_vm_readv(of.as_raw(), &own, 1, &other, 1, 0) }) {
        // we were let in, and there is nothing at address 0
        Err(Errno::EFAULT) | Ok(_) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// A descriptor of another process.
pub fn take_descriptor(of: Pid, number: RawFd) -> Result<OwnedFd> {
    // SAFETY: numbers only.
    let process = unsafe { descriptor(libc::SYS_pidfd_open, &[of.as_raw() as usize, 0]) }?;
    // SAFETY: numbers only.
    unsafe {
        descriptor(
            libc::SYS_pidfd_getfd,
            &[process.as_raw_fd() as usize, number as usize, 0],
        )
    }
}

/// open_tree(2) by the door of 32-bit programs, where filters that look at numbers alone see another call.
#[cfg(target_arch = "x86_64")]
pub fn open_tree_by_32_bits() -> Result<()> {
    const OPEN_TREE: i32 = 428;
    let answer: i32;
    // SAFETY: the call gets no pointer, so it can only fail; the kernel keeps all registers but eax and r8 to r11.
    unsafe {
        std::arch::asm!(
            "push rbx", "mov ebx, {here:e}", "int 0x80", "pop rbx",
            here = in(reg) libc::AT_FDCWD, inlateout("eax") OPEN_TREE => answer,
            in("ecx") 0, in("edx") 0, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    match Errno::from_raw(-answer) {
        // it was let in, and there is no path at address 0
        Errno::EFAULT => Ok(()),
        errno => Err(errno),
    }
}

fn terminated(text: &str) -> CString {
    CString::new(text).expect("paths of ours have no zero in them")
}

fn pointer<T>(value: &T) -> usize {
    std::ptr::from_ref(value) as usize
}

fn address<T>(pointer: &*const T) -> usize {
    *pointer as usize
}

/// # Safety
/// As for the system call: what its arguments point at must be there and as large as they say.
unsafe fn call(number: c_long, arguments: &[usize]) -> Result<c_long> {
    let at = |index: usize| arguments.get(index).copied().unwrap_or_default();
    // SAFETY: the caller's word.
    Errno::result(unsafe { libc::syscall(number, at(0), at(1), at(2), at(3), at(4), at(5)) })
}

/// # Safety
/// As for `call`, with one that returns a descriptor.
unsafe fn descriptor(number: c_long, arguments: &[usize]) -> Result<OwnedFd> {
    // SAFETY: the caller's word.
    let number = unsafe { call(number, arguments) }?;
    let number = RawFd::try_from(number).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

const PAGE_SIZE: std::num::NonZeroUsize = std::num::NonZeroUsize::new(PAGE).expect("not zero");
