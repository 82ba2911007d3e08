//! Whose operations are judged, and how long.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;

use nix::unistd::Pid;
use sevorix_bpf::floor::{Enforcer, Registration};

use super::{DENIED, report};
use crate::agent::{self, Cgroup, Outcome};
use crate::stage::{self, ROOTS, Stage};
use crate::{Result, told};

pub fn run(enforcer: &Enforcer, filter: &str) -> Result<usize> {
    let root = ROOTS[0];
    let stage = Stage::new(enforcer, root, &stage::image(root)?)?;
    let secret = || File::open("/var/floor/plain/free/secret/file").map(drop);
    let in_cgroup = |pid: Pid| stage.cgroup.take(pid);
    let label = |pid: Pid, setup| {
        enforcer
            .label(pid.as_raw(), stage.container, setup)
            .map_err(told)
    };
    let mut failures = 0;
    let mut check = |name: &'static str, outcome: Outcome, expected: Outcome| {
        if name.contains(filter) {
            failures += report("floor", root, name, outcome, expected);
        }
    };

    check("a stranger", agent::run(|_| Ok(()), secret)?, Outcome::Done);
    check(
        "in the cgroup, without a label",
        agent::run(in_cgroup, secret)?,
        DENIED,
    );
    let nested = Cgroup::new("floor-cases/nested")?;
    check(
        "R1 in a cgroup below",
        agent::run(|pid| nested.take(pid), secret)?,
        DENIED,
    );
    drop(nested);
    check(
        "R2 out of the cgroup again",
        agent::run(|pid| label(pid, false), secret)?,
        DENIED,
    );
    check(
        "X18 a child of a labelled process",
        agent::run(|pid| label(pid, false), || in_child(secret))?,
        DENIED,
    );
    check(
        "X18 a child of a stranger",
        agent::run(|_| Ok(()), || in_child(secret))?,
        Outcome::Done,
    );
    check(
        "R16 while it is set up",
        agent::run(|pid| label(pid, true), secret)?,
        Outcome::Done,
    );
    let execute_and_look = || {
        let program = format!("{root}/bin/good");
        let cat = |file| {
            std::process::Command::new(&program)
                .arg0("cat")
                .arg(file)
                .output()
        };
        if !cat("/var/floor/plain/free/file")?.status.success() {
            return Err(io::Error::other("cat itself fails"));
        }
        let output = cat("/var/floor/plain/free/secret/file")?;
        let denied = String::from_utf8_lossy(&output.stderr).contains("Permission denied");
        if denied {
            Err(io::Error::from_raw_os_error(libc::EACCES))
        } else {
            Ok(())
        }
    };
    check(
        "R16 set-up ends with exec",
        agent::run(|pid| label(pid, true), execute_and_look)?,
        DENIED,
    );
    let execute_denied = || {
        std::process::Command::new(format!("{root}/bin/inner/bad"))
            .status()
            .map(drop)
    };
    check(
        "R16 exec is judged while it is set up",
        agent::run(|pid| label(pid, true), execute_denied)?,
        DENIED,
    );

    // a label that outlives its container is worth nothing, also when the slot has a new owner
    let old = stage.container;
    stage.end()?;
    let free = || File::open("/var/floor/plain/free/file").map(drop);
    check(
        "nobody is registered any more",
        agent::run(|_| Ok(()), free)?,
        Outcome::Done,
    );
    let stale = |pid: Pid| enforcer.label(pid.as_raw(), old, false).map_err(told);
    check(
        "a label that outlives the last container",
        agent::run(stale, free)?,
        DENIED,
    );
    let stage = Stage::new(enforcer, root, &stage::image(root)?)?;
    check(
        "the label of a container that is gone",
        agent::run(stale, free)?,
        DENIED,
    );
    let fresh = |pid: Pid| {
        enforcer
            .label(pid.as_raw(), stage.container, false)
            .map_err(told)
    };
    check(
        "the label of the new one",
        agent::run(fresh, free)?,
        Outcome::Done,
    );
    stage.end()?;

    failures += swept(enforcer)?;
    Ok(failures)
}

/// A container whose cgroup went without a word is gone with the next sweep.
fn swept(enforcer: &Enforcer) -> Result<usize> {
    let cgroup = Cgroup::new("floor-swept")?;
    let image = stage::image(ROOTS[0])?;
    let registration = Registration {
        cgroup: &cgroup.path,
        image: &image,
        policy_id: image.policy_id(),
        mounts: &[],
        began: None,
        init: None,
    };
    enforcer.register(&registration).map_err(told)?;
    let before = enforcer.sweep().map_err(told)?;
    drop(cgroup);
    let after = enforcer.sweep().map_err(told)?;
    let again = enforcer.sweep().map_err(told)?;
    let right = (before, after, again) == (0, 1, 0);
    println!(
        "{} sweep: {before} {after} {again}, expected 0 1 0",
        if right { "ok" } else { "FAILED" }
    );
    Ok(usize::from(!right))
}

fn in_child(act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match agent::run(|_| Ok(()), act) {
        Ok(Outcome::Done) => Ok(()),
        Ok(Outcome::Refused(errno)) => Err(errno.into()),
        Ok(Outcome::Killed) => Err(io::Error::other("killed")),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}
