//! What a system call costs more with the floor, in retired instructions: under QEMU's icount a nanosecond is one.
//!
//! Only differences within one boot mean anything. "No agents" is what a trampoline and an empty program cost.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::unistd::Pid;
use sevorix_bpf::floor::Enforcer;

use crate::agent::{self, Outcome};
use crate::stage::{self, Stage};
use crate::{Result, told};

const ROOT: &str = "/var/floor/plain";
const OPENS: usize = 3000;
const EXECS: usize = 60;

pub fn run() -> Result<()> {
    stage::set_up()?;
    for depth in [5, 10] {
        fs::create_dir_all(place(depth).parent().ok_or("a file has a folder")?)?;
        fs::write(place(depth), "content\n")?;
    }
    all("nothing loaded", |_| Ok(()))?;
    let enforcer = Enforcer::ensure_loaded().map_err(told)?;
    all("no agents", |_| Ok(()))?;
    let stage = Stage::new(&enforcer, ROOT, &stage::compiled(&policy())?)?;
    all("stranger", |_| Ok(()))?;
    let stranger_in = agent::Cgroup::new("init.scope/deep")?;
    all("stranger, deep cgroup", |pid| stranger_in.take(pid))?;
    drop(stranger_in);
    all("agent", |pid| {
        enforcer
            .label(pid.as_raw(), stage.container, false)
            .map_err(told)
    })?;
    all("stranger again", |_| Ok(()))?;
    stage.end()?;
    let stage = Stage::new(&enforcer, ROOT, &stage::compiled(&strict_on_code())?)?;
    all("agent, strict on code", |pid| {
        enforcer
            .label(pid.as_raw(), stage.container, false)
            .map_err(told)
    })?;
    stage.end()
}

/// The same, where what is written does not run, and the program that is executed has a rule on its command line.
fn strict_on_code() -> String {
    let strict = format!(
        "writable = \"deny\"\nrules = [{{ path = \"{ROOT}/bin/good\", argv = [\"--force\", \"**\"], action = \"deny\" }}]"
    );
    policy().replace("writable = \"allow\"", &strict)
}

/// `depth` components below the root of the file system.
fn place(depth: usize) -> PathBuf {
    let mut path = PathBuf::from(ROOT).join("free");
    for level in 4..depth - 1 {
        path.push(format!("folder-{level}"));
    }
    path.join("file")
}

/// A thousand rules, in the folder that is opened from and on the way there.
fn policy() -> String {
    let mut rules = String::from(
        "version = 1\n[exec]\ndefault = \"allow\"\nwritable = \"allow\"\n[exec.jit]\ndefault = \"allow\"\n[file]\ndefault = \"allow\"\nrules = [\n",
    );
    for depth in [5, 10] {
        let folder = place(depth);
        let folder = folder.parent().unwrap_or(&folder).display().to_string();
        for number in 0..499 {
            rules += &format!(
                "  {{ path = \"{folder}/denied-{number}/**\", access = \"rwc\", action = \"deny\" }},\n"
            );
        }
        rules +=
            &format!("  {{ path = \"{folder}/file\", access = \"rw\", action = \"allow\" }},\n");
    }
    rules + "]\n"
}

fn all(what: &str, put: impl Fn(Pid) -> Result<()>) -> Result<()> {
    let outcome = agent::run(put, || {
        for depth in [5, 10] {
            opens(what, &format!("open warm {depth}"), &place(depth), false)?;
            opens(what, &format!("open cold {depth}"), &place(depth), true)?;
        }
        execs(what)
    })?;
    match outcome {
        Outcome::Done => Ok(()),
        other => Err(format!("{what}: {other}").into()),
    }
}

/// Cold: after a rename, which ends all that was remembered.
fn opens(what: &str, which: &str, path: &Path, cold: bool) -> io::Result<()> {
    let (one, other) = (
        Path::new(ROOT).join("free/plain/file"),
        Path::new(ROOT).join("free/plain/renamed"),
    );
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
    let count = if cold { OPENS / 5 } else { OPENS };
    let mut costs = Vec::with_capacity(count);
    for _ in 0..count {
        if cold {
            fs::rename(&one, &other)?;
            fs::rename(&other, &one)?;
        }
        let start = Instant::now();
        // SAFETY: a C string, and a descriptor that was just opened.
        let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
        if file < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: our own descriptor, used no more.
        unsafe { libc::close(file) };
        costs.push(start.elapsed().as_nanos());
    }
    report(what, which, costs);
    Ok(())
}

fn execs(what: &str) -> io::Result<()> {
    let program = Path::new(ROOT).join("bin/good");
    File::open(&program)?;
    let mut costs = Vec::with_capacity(EXECS);
    for _ in 0..EXECS {
        let start = Instant::now();
        Command::new(&program)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        costs.push(start.elapsed().as_nanos());
    }
    report(what, "exec", costs);
    Ok(())
}

fn report(what: &str, which: &str, mut costs: Vec<u128>) {
    costs.sort_unstable();
    println!(
        "{what}\t{which}\tmin {}\tmedian {}",
        costs[0],
        costs[costs.len() / 2]
    );
}
