//! What the kernel says of the programs that hold: how much work its verifier had with each. More of it means a longer
//! load, and at a million a refusal.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::Func;
use libbpf_rs::query::{LinkInfo, LinkTypeInfo};
use libbpf_rs::{Program, libbpf_sys};

use super::{network, pins};
use crate::{BpfError, Result};

/// A program that is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramFacts {
    pub name: String,
    /// Where it is attached: `lsm/file_open`, `cgroup/connect4`.
    pub hook: String,
    /// Instructions that the verifier looked at, each as often as it did.
    pub verified: u32,
}

/// Sorted by name.
pub(super) fn all() -> Result<Vec<ProgramFacts>> {
    let kernel = Btf::from_vmlinux().map_err(BpfError::floor("read the kernel's BTF"))?;
    let folder = pins::folder();
    let mut all = Vec::new();
    for (name, path) in pinned(&folder.join("links"))? {
        let (hook, program) = behind_link(&kernel, &path)?;
        let verified = verified(&program)?;
        all.push(ProgramFacts {
            name,
            hook,
            verified,
        });
    }
    for (name, path) in pinned(&folder.join("programs"))? {
        let program = Program::fd_from_pinned_path(&path)
            .map_err(BpfError::floor(format!("open {}", path.display())))?;
        all.push(ProgramFacts {
            hook: network::hook_of(&name).unwrap_or_default().into(),
            verified: verified(&program)?,
            name,
        });
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

fn pinned(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>> {
    let failed = || BpfError::io(format!("list {}", folder.display()));
    let entries = fs::read_dir(folder).map_err(failed())?;
    entries
        .map(|entry| {
            let entry = entry.map_err(failed())?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, entry.path()))
        })
        .collect()
}

fn behind_link(kernel: &Btf<'_>, path: &Path) -> Result<(String, OwnedFd)> {
    let failed = || BpfError::floor(format!("look at the link {}", path.display()));
    let link = libbpf_rs::Link::open(path).map_err(failed())?;
    let info = LinkInfo::from_fd(link.as_fd()).map_err(failed())?;
    let hook = match info.info {
        LinkTypeInfo::Tracing(tracing) => kernel
            .type_by_id::<Func<'_>>(tracing.target_btf_id.into())
            .and_then(|function| Some(function.name()?.to_string_lossy().into_owned())),
        _ => None,
    };
    let hook = hook.unwrap_or_default();
    let hook = format!("lsm/{}", hook.strip_prefix("bpf_lsm_").unwrap_or(&hook));
    // SAFETY: takes an integer.
    let program = unsafe { libbpf_sys::bpf_prog_get_fd_by_id(info.prog_id) };
    match program {
        // SAFETY: the kernel has just opened it for us and nobody else owns it.
        0.. => Ok((hook, unsafe { OwnedFd::from_raw_fd(program) })),
        error => Err(BpfError::io(format!(
            "open the program of the link {}",
            path.display()
        ))(std::io::Error::from_raw_os_error(-error))),
    }
}

fn verified(program: &OwnedFd) -> Result<u32> {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut length = u32::try_from(size_of_val(&info)).unwrap_or(u32::MAX);
    // SAFETY: the kernel writes at most `length` bytes into the struct, all of whose fields are integers; its pointers
    // are null, so that nothing is written through them.
    let answer =
        unsafe { libbpf_sys::bpf_prog_get_info_by_fd(program.as_raw_fd(), &mut info, &mut length) };
    match answer {
        0 => Ok(info.verified_insns),
        error => Err(BpfError::io("look at a program")(
            std::io::Error::from_raw_os_error(-error),
        )),
    }
}
