//! Programs that do nothing, where the floor's are: what the kernel itself takes for calling one.

use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::Func;
use libbpf_rs::libbpf_sys;
use libbpf_rs::libbpf_sys::{
    BPF_CGROUP_INET4_CONNECT, BPF_LSM_MAC, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_PROG_TYPE_LSM,
    bpf_insn, bpf_link_create, bpf_prog_load, bpf_prog_load_opts, bpf_raw_tracepoint_open,
};

use crate::Result;
use crate::agent::Cgroup;

/// They are gone when this is dropped.
pub struct Empty {
    /// Has a program for connections of its own, as a container's has.
    pub cgroup: Cgroup,
    _links: Vec<OwnedFd>,
}

impl Empty {
    /// One program for each of the hooks, which are named once for each.
    pub fn attach(hooks: &[&str]) -> Result<Self> {
        let kernel = Btf::from_vmlinux()?;
        let mut links = Vec::new();
        for hook in hooks {
            links.push(on_hook(&kernel, hook).map_err(|error| format!("lsm/{hook}: {error}"))?);
        }
        let cgroup = Cgroup::new("cost-empty")?;
        links.push(on_cgroup(&cgroup)?);
        Ok(Self {
            cgroup,
            _links: links,
        })
    }
}

fn on_hook(kernel: &Btf<'_>, hook: &str) -> Result<OwnedFd> {
    let function = kernel.type_by_name::<Func<'_>>(&format!("bpf_lsm_{hook}"));
    let function = function.ok_or("the kernel has no such hook")?;
    let options = bpf_prog_load_opts {
        sz: size_of::<bpf_prog_load_opts>() as u64,
        expected_attach_type: BPF_LSM_MAC,
        attach_btf_id: (*function).type_id().into(),
        ..Default::default()
    };
    let program = load(BPF_PROG_TYPE_LSM, 0, &options)?;
    // SAFETY: no name, which is a null pointer, and a descriptor of our own.
    owned(unsafe { bpf_raw_tracepoint_open(ptr::null(), program.as_raw_fd()) })
}

fn on_cgroup(cgroup: &Cgroup) -> Result<OwnedFd> {
    let options = bpf_prog_load_opts {
        sz: size_of::<bpf_prog_load_opts>() as u64,
        expected_attach_type: BPF_CGROUP_INET4_CONNECT,
        ..Default::default()
    };
    let program = load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 1, &options)?;
    let folder = File::open(&cgroup.path)?;
    // SAFETY: two descriptors of our own and a number; no options are a null pointer.
    owned(unsafe {
        bpf_link_create(
            program.as_raw_fd(),
            folder.as_raw_fd(),
            BPF_CGROUP_INET4_CONNECT,
            ptr::null(),
        )
    })
}

/// `return answer;`
fn load(
    kind: libbpf_sys::bpf_prog_type,
    answer: i32,
    options: &bpf_prog_load_opts,
) -> Result<OwnedFd> {
    const MOVE: u8 = 0xb7;
    const EXIT: u8 = 0x95;
    let instruction = |code, imm| bpf_insn {
        code,
        imm,
        ..Default::default()
    };
    let program = [instruction(MOVE, answer), instruction(EXIT, 0)];
    // SAFETY: C strings, as many instructions as are told, and options with their size; all outlive the call.
    owned(unsafe {
        bpf_prog_load(
            kind,
            c"empty".as_ptr(),
            c"GPL".as_ptr(),
            program.as_ptr(),
            program.len() as u64,
            ptr::from_ref(options).cast_mut(),
        )
    })
}

fn owned(answer: i32) -> Result<OwnedFd> {
    match answer {
        // SAFETY: the kernel has just opened it for us and nobody else owns it.
        0.. => Ok(unsafe { OwnedFd::from_raw_fd(answer) }),
        error => Err(std::io::Error::from_raw_os_error(-error).into()),
    }
}
