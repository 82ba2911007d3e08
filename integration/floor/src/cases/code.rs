//! What may run, and what may be mapped as code.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{Case, allowed, denied, expect};
use crate::agent::Outcome;
use crate::cases::files::memfd;

const RWX: i32 = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
const RX: i32 = libc::PROT_READ | libc::PROT_EXEC;
const RW: i32 = libc::PROT_READ | libc::PROT_WRITE;

pub fn all() -> Vec<Case> {
    vec![
        allowed("execute", |root| execute(&root.join("bin/good"))),
        denied("X1 execute a denied program", |root| {
            execute(&root.join("bin/inner/bad"))
        }),
        denied("execute what no rule names", |root| {
            execute(&root.join("free/program"))
        }),
        expect("execute and be killed", Outcome::Killed, |root| {
            execute(&root.join("bin/fatal"))
        }),
        denied("X1 by another path", |root| {
            execute(
                &Path::new("/proc/self/root")
                    .join(root.strip_prefix("/").expect("absolute"))
                    .join("bin/../bin/inner/bad"),
            )
        }),
        denied("X2 a copy where no rule names it", |root| {
            fs::copy(root.join("bin/good"), root.join("free/plain/copy"))?;
            execute(&root.join("free/plain/copy"))
        }),
        allowed("X7 a script with an allowed interpreter", |root| {
            execute(&root.join("bin/good-script"))
        }),
        denied("X7 a script with a denied interpreter", |root| {
            execute(&root.join("bin/bad-script"))
        }),
        denied("X3 map a denied program as code", |root| {
            map_file(&root.join("bin/inner/bad"), RX)
        }),
        allowed("X3 map an allowed program as code", |root| {
            map_file(&root.join("bin/good"), RX)
        }),
        denied("X12 make a mapped file code", |root| {
            remap_file(&root.join("bin/inner/bad"))
        }),
        allowed("X12 make an allowed mapped file code", |root| {
            remap_file(&root.join("bin/good"))
        }),
        denied("X5 execute from memory", |root| {
            let mut file = memfd()?;
            file.write_all(&fs::read(root.join("bin/good"))?)?;
            execute(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))
        }),
        denied("X5 map memory as code", |_| {
            let file = memfd()?;
            file.set_len(4096)?;
            map(file.as_raw_fd(), RX).map(drop)
        }),
        denied("X6 execute what was removed", |root| {
            let path = root.join("bin/gone");
            let file = File::open(&path)?;
            fs::remove_file(&path)?;
            execute(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))
        }),
        denied("X6 execute a file that never had a name", |root| {
            let content = fs::read(root.join("bin/good"))?;
            let mut options = OpenOptions::new();
            options.read(true).write(true).mode(0o755);
            let mut file = match options
                .clone()
                .custom_flags(libc::O_TMPFILE)
                .open(root.join("bin"))
            {
                // 6.1's overlay has no such files: one that has lost its name is as good
                Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                    let path = root.join("bin/nameless");
                    let file = options.create(true).open(&path)?;
                    fs::remove_file(&path)?;
                    file
                }
                opened => opened?,
            };
            file.write_all(&content)?;
            let read = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
            drop(file);
            execute(Path::new(&format!("/proc/self/fd/{}", read.as_raw_fd())))
        }),
        denied("X13 writable code", |_| map(-1, RWX).map(drop)),
        allowed("X13 writable memory", |_| map(-1, RW).map(drop)),
        denied("X12 code that was written", |_| {
            let at = map(-1, RW)?;
            protect(at, RX)
        }),
    ]
}

/// In a child that shares our memory, as a shell does it: the error of exec comes back.
pub fn execute(path: &Path) -> io::Result<()> {
    said(std::process::Command::new(path).arg("true"))
}

/// Whatever the program itself says of its words.
pub fn said(command: &mut std::process::Command) -> io::Result<()> {
    let nowhere = std::process::Stdio::null;
    let command = command.env_clear().stdin(nowhere()).stdout(nowhere());
    let status = command.stderr(nowhere()).status()?;
    use std::os::unix::process::ExitStatusExt;
    if status.signal() == Some(libc::SIGKILL) {
        // what happened to the child happens to us, so that it is told alike
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL)?;
    }
    Ok(())
}

pub fn map_file(path: &Path, protection: i32) -> io::Result<()> {
    map(File::open(path)?.as_raw_fd(), protection).map(drop)
}

pub fn remap_file(path: &Path) -> io::Result<()> {
    let at = map(File::open(path)?.as_raw_fd(), libc::PROT_READ)?;
    protect(at, RX)
}

fn map(file: RawFd, protection: i32) -> io::Result<*mut libc::c_void> {
    let flags = libc::MAP_PRIVATE | if file < 0 { libc::MAP_ANONYMOUS } else { 0 };
    // SAFETY: new memory at an address that the kernel chooses.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, file, 0) };
    match at {
        libc::MAP_FAILED => Err(io::Error::last_os_error()),
        at => Ok(at),
    }
}

fn protect(at: *mut libc::c_void, protection: i32) -> io::Result<()> {
    // SAFETY: a page that `map` has just made and nobody uses.
    match unsafe { libc::mprotect(at, 4096, protection) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
