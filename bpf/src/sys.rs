//! bpf(2): the commands of it that a cgroup program takes, behind safe functions.
//!
//! Each command reads a struct of its own and gets that struct's size, so a kernel that knows a longer form takes the
//! rest as zero and one that knows a shorter form refuses non-zero bytes it doesn't understand.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use crate::Instruction;

const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_PROG_ATTACH: libc::c_int = 8;
const BPF_PROG_DETACH: libc::c_int = 9;
const BPF_PROG_GET_FD_BY_ID: libc::c_int = 13;
const BPF_OBJ_GET_INFO_BY_FD: libc::c_int = 15;
const BPF_PROG_QUERY: libc::c_int = 16;

const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 1 << 1;
const BPF_F_REPLACE: u32 = 1 << 2;

/// The kernel keeps at most this many programs of a kind on one cgroup (BPF_CGROUP_MAX_PROGS).
const MOST_PROGRAMS: usize = 64;

/// The verifier gives up with EAGAIN when a signal arrives; it is asked again this often.
const LOAD_ATTEMPTS: u32 = 5;

/// Loads a program that decides about device access.
///
/// The locked-memory limit is left alone: since 5.11 programs are charged to the memory cgroup.
pub fn load_device_program(name: &CStr, program: &[Instruction]) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Load {
        prog_type: u32,
        insn_cnt: u32,
        insns: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log_buf: u64,
        kern_version: u32,
        prog_flags: u32,
        prog_name: [u8; 16],
    }
    let mut prog_name = [0; 16];
    let bytes = name.to_bytes();
    let length = bytes.len().min(prog_name.len() - 1);
    prog_name[..length].copy_from_slice(&bytes[..length]);
    let mut attributes = Load {
        prog_type: BPF_PROG_TYPE_CGROUP_DEVICE,
        insn_cnt: count(program.len())?,
        insns: program.as_ptr() as u64,
        license: c"Apache-2.0".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log_buf: 0,
        kern_version: 0,
        prog_flags: 0,
        prog_name,
    };
    for _ in 1..LOAD_ATTEMPTS {
        // SAFETY: `insns` and `license` point to memory of the given size that outlives the call and is only read.
        match unsafe { bpf(BPF_PROG_LOAD, &mut attributes) } {
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
            answer => return answer.map(new_descriptor),
        }
    }
    // SAFETY: as above.
    unsafe { bpf(BPF_PROG_LOAD, &mut attributes) }.map(new_descriptor)
}

/// Attaches beside what others have attached, or in the very place of `replaced`.
pub fn attach_device_program(
    cgroup: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    replaced: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut attributes = Attachment::new(cgroup, program);
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    if let Some(replaced) = replaced {
        attributes.attach_flags |= BPF_F_REPLACE;
        attributes.replace_bpf_fd = descriptor_number(replaced);
    }
    // SAFETY: the attributes hold no pointer.
    unsafe { bpf(BPF_PROG_ATTACH, &mut attributes) }.map(drop)
}

pub fn detach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = Attachment::new(cgroup, program);
    // SAFETY: the attributes hold no pointer.
    unsafe { bpf(BPF_PROG_DETACH, &mut attributes) }.map(drop)
}

/// The device programs attached to this very cgroup, by anybody.
pub fn attached_device_programs(cgroup: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    #[repr(C)]
    struct Query {
        target_fd: u32,
        attach_type: u32,
        query_flags: u32,
        attach_flags: u32,
        prog_ids: u64,
        prog_cnt: u32,
        padding: u32,
    }
    let mut ids = [0_u32; MOST_PROGRAMS];
    let mut attributes = Query {
        target_fd: descriptor_number(cgroup),
        attach_type: BPF_CGROUP_DEVICE,
        query_flags: 0,
        attach_flags: 0,
        prog_ids: ids.as_mut_ptr() as u64,
        prog_cnt: count(ids.len())?,
        padding: 0,
    };
    // SAFETY: `prog_ids` points to `prog_cnt` writable u32 that outlive the call.
    unsafe { bpf(BPF_PROG_QUERY, &mut attributes) }?;
    let found = usize::try_from(attributes.prog_cnt)
        .unwrap_or(MOST_PROGRAMS)
        .min(MOST_PROGRAMS);
    let mut programs = Vec::with_capacity(found);
    for id in &ids[..found] {
        match program_by_id(*id) {
            Ok(program) => programs.push(program),
            // detached and freed since the query
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(programs)
}

fn program_by_id(id: u32) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct ById {
        id: u32,
        next_id: u32,
        open_flags: u32,
    }
    let mut attributes = ById {
        id,
        next_id: 0,
        open_flags: 0,
    };
    // SAFETY: the attributes hold no pointer.
    unsafe { bpf(BPF_PROG_GET_FD_BY_ID, &mut attributes) }.map(new_descriptor)
}

/// The name a program was loaded under; the kernel keeps 15 bytes of it.
pub fn program_name(program: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    /// The head of `struct bpf_prog_info`, up to the name.
    #[repr(C)]
    #[derive(Default)]
    struct Info {
        before: [u64; 8],
        name: [u8; 16],
    }
    #[repr(C)]
    struct InfoByFd {
        bpf_fd: u32,
        info_len: u32,
        info: u64,
    }
    let mut info = Info::default();
    let mut attributes = InfoByFd {
        bpf_fd: descriptor_number(program),
        info_len: count(size_of::<Info>())?,
        info: std::ptr::from_mut(&mut info) as u64,
    };
    // SAFETY: `info` points to `info_len` writable bytes that outlive the call, all zero, so none of them asks the
    // kernel to write anywhere else.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attributes) }?;
    let end = info
        .name
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(info.name.len());
    Ok(info.name[..end].to_vec())
}

#[repr(C)]
struct Attachment {
    target_fd: u32,
    attach_bpf_fd: u32,
    attach_type: u32,
    attach_flags: u32,
    replace_bpf_fd: u32,
}

impl Attachment {
    fn new(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Self {
        Self {
            target_fd: descriptor_number(cgroup),
            attach_bpf_fd: descriptor_number(program),
            attach_type: BPF_CGROUP_DEVICE,
            attach_flags: 0,
            replace_bpf_fd: 0,
        }
    }
}

/// # Safety
/// `T` is the struct that `command` reads; every pointer in it is valid for what the command does with it.
unsafe fn bpf<T>(command: libc::c_int, attributes: &mut T) -> io::Result<libc::c_long> {
    // SAFETY: the kernel reads and writes at most `size` bytes of `attributes`, which is exclusively borrowed.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attributes),
            size_of::<T>(),
        )
    };
    if answer < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(answer)
    }
}

fn new_descriptor(answer: libc::c_long) -> OwnedFd {
    let descriptor = RawFd::try_from(answer).expect("a descriptor of the kernel is a C int");
    // SAFETY: the kernel has just opened this descriptor for us (close-on-exec) and nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

fn descriptor_number(descriptor: BorrowedFd<'_>) -> u32 {
    u32::try_from(descriptor.as_raw_fd()).expect("an open descriptor is not negative")
}

fn count(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}
