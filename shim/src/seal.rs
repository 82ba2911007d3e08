//! Runs from a view of the binary that nobody can write to (CVE-2019-5736).
//!
//! A process that enters a container can be reached there through /proc/PID/exe. What is reached so must not be the
//! host's file, or a container's root could overwrite the runtime of every later container. Where the kernel can show
//! it through an overlay that is read-only by nature, that costs least; else a sealed copy in memory serves.

mod overlay;

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::error::{Context, Result};

/// Returns in a process whose binary nobody can write to.
pub fn ensure() -> Result<()> {
    let binary = File::open("/proc/self/exe").during(|| "open /proc/self/exe".into())?;
    if is_sealed(&binary) || overlay::is_view(&binary) {
        // the kernel named the process after the descriptor it was started from
        return nix::sys::prctl::set_name(c"sevorix").during(|| "name the process".into());
    }
    let path = std::fs::read_link("/proc/self/exe").during(|| "read /proc/self/exe".into())?;
    let copy = overlay::view(&path)
        .or_else(|_| copy(&binary).map(OwnedFd::from))
        .during(|| "copy the runtime binary".into())?;
    let words: Vec<CString> = std::env::args_os()
        .map(|word| whole(word.into_vec()))
        .collect();
    let variables: Vec<CString> = std::env::vars_os()
        .map(|(name, value)| whole([name.into_vec(), value.into_vec()].join(&b'=')))
        .collect();
    let error = nix::unistd::fexecve(copy.as_fd(), &words, &variables)
        .err()
        .unwrap_or(Errno::UnknownErrno);
    Err(error).during(|| "run the sealed copy of the runtime binary".into())
}

fn is_sealed(binary: &File) -> bool {
    fcntl(binary, FcntlArg::F_GET_SEALS)
        .is_ok_and(|bits| SealFlag::from_bits_truncate(bits).contains(seals()))
}

/// Without the seal on seals somebody could still add one, which would harm nobody but us.
fn seals() -> SealFlag {
    SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE
}

fn copy(mut binary: &File) -> io::Result<File> {
    let mut copy = File::from(executable_memory()?);
    io::copy(&mut binary, &mut copy)?;
    fcntl(&copy, FcntlArg::F_ADD_SEALS(seals()))?;
    Ok(copy)
}

/// Kernels before 6.3 do not know the flag that asks for what they do anyway.
fn executable_memory() -> nix::Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    match memfd_create(
        c"sevorix",
        flags | MFdFlags::from_bits_retain(libc::MFD_EXEC),
    ) {
        Err(Errno::EINVAL) => memfd_create(c"sevorix", flags),
        other => other,
    }
}

/// Words and variables come from the kernel, which ends them at a NUL byte.
fn whole(bytes: Vec<u8>) -> CString {
    CString::new(bytes).unwrap_or_default()
}
