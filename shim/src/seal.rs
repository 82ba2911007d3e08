//! Runs from a copy of the binary that nobody can write to (CVE-2019-5736).
//!
//! A process that enters a container can be reached there through /proc/PID/exe. What is reached so must not be the
//! host's file, or a container's root could overwrite the runtime of every later container. So the verbs that enter
//! one start over, from the binary as an overlay without a writable layer shows it, or from sealed memory.

mod memory;
mod overlay;

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;

use crate::error::{Context, Result};
use crate::log;

/// Returns in a process whose binary nobody can write to.
pub fn ensure() -> Result<()> {
    let binary = File::open(OURSELVES).during(|| format!("open {OURSELVES}"))?;
    if overlay::holds(&binary) || memory::holds(&binary) {
        // the kernel named the process after the descriptor it was started from
        return Ok(nix::sys::prctl::set_name(c"sevorix").during(|| "name the process".into())?);
    }
    let image = match overlay::show(&binary) {
        Ok(image) => image,
        Err(error) => {
            log::debug(&format!(
                "an overlay cannot show the runtime binary, so it is copied: {error}"
            ));
            memory::copy(&binary).during(|| "copy the runtime binary".into())?
        }
    };
    start_over(&image)
}

/// Returns only with the reason why it could not.
fn start_over(image: &OwnedFd) -> Result<()> {
    let words: Vec<CString> = std::env::args_os()
        .map(|word| whole(word.into_vec()))
        .collect();
    let variables =
        std::env::vars_os().map(|(name, value)| [name.into_vec(), value.into_vec()].join(&b'='));
    let variables: Vec<CString> = variables.map(whole).collect();
    let Err(errno) = nix::unistd::fexecve(image.as_fd(), &words, &variables);
    Ok(Err(errno).during(|| "start the sealed runtime binary".into())?)
}

/// Words and variables come from the kernel, which ends them at a NUL byte.
fn whole(bytes: Vec<u8>) -> CString {
    CString::new(bytes).unwrap_or_default()
}

const OURSELVES: &str = "/proc/self/exe";

/// The kernel's answer to a raw system call.
fn answer(result: libc::c_long) -> nix::Result<libc::c_long> {
    Errno::result(result)
}
