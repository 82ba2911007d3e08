//! The binary as a sealed copy in memory: possible everywhere, at the price of copying all of it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

pub fn holds(binary: &File) -> bool {
    let found = fcntl(binary, FcntlArg::F_GET_SEALS).unwrap_or(0);
    SealFlag::from_bits_truncate(found).contains(seals())
}

pub fn copy(mut binary: &File) -> io::Result<OwnedFd> {
    let mut copy = File::from(executable_memory()?);
    io::copy(&mut binary, &mut copy)?;
    fcntl(&copy, FcntlArg::F_ADD_SEALS(seals()))?;
    Ok(copy.into())
}

fn seals() -> SealFlag {
    SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn the_copy_is_whole_and_nobody_can_change_it() {
        let path = std::env::current_exe().expect("a test is a program");
        let original = File::open(&path).expect("readable");
        assert!(!holds(&original));
        let copy = File::from(copy(&original).expect("copied"));
        assert!(holds(&copy));

        let again = format!("/proc/self/fd/{}", copy.as_raw_fd());
        let mut bytes = Vec::new();
        File::open(&again)
            .expect("readable")
            .read_to_end(&mut bytes)
            .expect("read");
        assert!(bytes == std::fs::read(&path).expect("read"));

        let written = File::options()
            .write(true)
            .open(&again)
            .and_then(|mut file| file.write_all(b"#!"));
        assert_eq!(
            written.map_err(|error| error.raw_os_error()),
            Err(Some(libc::EPERM))
        );
    }
}
