//! What the container wrote, and what it says on the command line: under policies of their own, each case over new trees.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use nix::unistd::Pid;
use sevorix_bpf::floor::Enforcer;

use super::code::{execute, map_file, remap_file, said};
use super::{Case, allowed, denied, expect, report, show_events};
use crate::agent::{self, Outcome};
use crate::stage::{self, ROOTS, Stage};
use crate::{Result, told};

const WRITTEN: &str = r#"
version = 1
[exec]
default  = "allow"
writable = "deny"
[exec.jit]
default = "allow"
[file]
default = "allow"
"#;

const WORDS: &str = r#"
version = 1
[exec]
default  = "allow"
writable = "allow"
rules = [
  { path = "ROOT/bin/good",        argv = ["no", "**"],           action = "deny" },
  { path = "ROOT/bin/good",        argv = ["true", "*", "inner"], action = "kill" },
  { path = "ROOT/bin/good",        argv = ["--*=secret", "?"],    action = "ask" },
  { path = "ROOT/bin/good",        argv = ["trial"],              action = "deny", audit = true },
  { path = "ROOT/bin/good-script", argv = ["outer"],              action = "deny" },
]
[exec.jit]
default = "allow"
[file]
default = "allow"
"#;

pub fn run(enforcer: &Enforcer, filter: &str) -> Result<usize> {
    let mut failures = 0;
    for (policy, cases) in [(WRITTEN, written()), (WORDS, words())] {
        for case in cases.iter().filter(|case| case.name.contains(filter)) {
            failures += hold(enforcer, policy, case)?;
        }
    }
    show_events(enforcer)?;
    if "X2 written, and forgotten by memory".contains(filter) {
        failures += forgotten(enforcer)?;
    }
    Ok(failures)
}

/// Without a floor it succeeds, under it not, and not on any file system.
fn hold(enforcer: &Enforcer, policy: &str, case: &Case) -> Result<usize> {
    stage::set_up()?;
    let root = Path::new(ROOTS[0]);
    let outcome = agent::run(|_| Ok(()), || (case.act)(root))?;
    let when = "without a floor";
    let mut failures = report(when, ROOTS[0], case.name, outcome, Outcome::Done);
    for root in ROOTS {
        stage::set_up()?;
        let image = stage::compiled(&policy.replace("ROOT", root))?;
        let stage = Stage::new(enforcer, root, &image)?;
        let outcome = agent::run(|pid| label(&stage, pid), || (case.act)(Path::new(root)))?;
        failures += report("floor", root, case.name, outcome, case.expected);
        stage.end()?;
    }
    Ok(failures)
}

fn label(stage: &Stage<'_>, pid: Pid) -> Result<()> {
    let labelled = stage.enforcer.label(pid.as_raw(), stage.container, false);
    labelled.map_err(told)
}

/// The notes on inodes go with the memory that they are in; what lies on the disk is known all the same.
fn forgotten(enforcer: &Enforcer) -> Result<usize> {
    let mut failures = 0;
    for root in ROOTS {
        stage::set_up()?;
        let stage = Stage::new(enforcer, root, &stage::compiled(WRITTEN)?)?;
        let root = Path::new(root);
        let write = || fs::copy(root.join("bin/good"), root.join("free/copy")).map(drop);
        let wrote = agent::run(|pid| label(&stage, pid), write)?;
        nix::unistd::sync();
        fs::write("/proc/sys/vm/drop_caches", "3")?;
        for (name, program, expected) in [
            (
                "X2 written, and forgotten by memory",
                "free/copy",
                super::DENIED,
            ),
            (
                "X2 found, and forgotten by memory",
                "bin/good",
                Outcome::Done,
            ),
        ] {
            let run = agent::run(|pid| label(&stage, pid), || execute(&root.join(program)))?;
            let outcome = if wrote == Outcome::Done { run } else { wrote };
            failures += report(
                "floor",
                &root.display().to_string(),
                name,
                outcome,
                expected,
            );
        }
        stage.end()?;
    }
    Ok(failures)
}

fn written() -> Vec<Case> {
    vec![
        allowed("X2 execute what was there", |root| {
            execute(&root.join("bin/good"))
        }),
        denied("X2 execute a copy", |root| {
            fs::copy(root.join("bin/good"), root.join("free/copy"))?;
            execute(&root.join("free/copy"))
        }),
        denied(
            "X2 execute a copy that was moved into the place of a program",
            |root| {
                fs::copy(root.join("bin/good"), root.join("free/copy"))?;
                fs::rename(root.join("free/copy"), root.join("bin/good"))?;
                execute(&root.join("bin/good"))
            },
        ),
        denied("X2 execute a copy by another name", |root| {
            fs::copy(root.join("bin/good"), root.join("free/copy"))?;
            fs::hard_link(root.join("free/copy"), root.join("bin/other"))?;
            execute(&root.join("bin/other"))
        }),
        denied("X6 execute what was opened for writing", |root| {
            let path = root.join("bin/gone");
            OpenOptions::new().write(true).open(&path)?;
            execute(&path)
        }),
        allowed("X6 execute what was opened for reading", |root| {
            File::open(root.join("bin/gone"))?;
            execute(&root.join("bin/gone"))
        }),
        denied("X6 execute what was made without a name", |root| {
            linked_later(root)?;
            execute(&root.join("bin/named"))
        }),
        denied("X11 map a copy as code", |root| {
            fs::copy(root.join("bin/good"), root.join("free/copy"))?;
            map_file(&root.join("free/copy"), libc::PROT_READ | libc::PROT_EXEC)
        }),
        allowed("X11 map as code what was there", |root| {
            map_file(&root.join("bin/good"), libc::PROT_READ | libc::PROT_EXEC)
        }),
        denied("X12 a copy, mapped and made code", |root| {
            fs::copy(root.join("bin/good"), root.join("free/copy"))?;
            remap_file(&root.join("free/copy"))
        }),
        allowed("X12 what was there, mapped and made code", |root| {
            remap_file(&root.join("bin/good"))
        }),
        denied("X12 mapped as code, then written to", |root| {
            let path = root.join("bin/gone");
            map_file(&path, libc::PROT_READ | libc::PROT_EXEC)?;
            OpenOptions::new().write(true).open(&path).map(drop)
        }),
        allowed("X12 mapped as data, then written to", |root| {
            let path = root.join("bin/gone");
            map_file(&path, libc::PROT_READ)?;
            OpenOptions::new().write(true).open(&path).map(drop)
        }),
    ]
}

/// 6.1's overlay has no nameless files: one that is written under a name is as good.
fn linked_later(root: &Path) -> io::Result<()> {
    let content = fs::read(root.join("bin/good"))?;
    let named = root.join("bin/named");
    let mut options = OpenOptions::new();
    options.write(true).mode(0o755);
    let nameless = options
        .clone()
        .custom_flags(libc::O_TMPFILE)
        .open(root.join("bin"));
    let mut file = match nameless {
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            let mut file = options.create(true).open(&named)?;
            return file.write_all(&content);
        }
        opened => opened?,
    };
    file.write_all(&content)?;
    let from = format!("/proc/self/fd/{}", file.as_raw_fd());
    nix::unistd::linkat(
        nix::fcntl::AT_FDCWD,
        from.as_str(),
        nix::fcntl::AT_FDCWD,
        &named,
        nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW,
    )?;
    Ok(())
}

fn words() -> Vec<Case> {
    fn line(root: &Path, words: &[&str]) -> io::Result<()> {
        said(Command::new(root.join("bin/good")).args(words))
    }
    let killed = |name, act| expect(name, Outcome::Killed, act);
    vec![
        allowed("X9 a command line that no rule fits", |root| {
            line(root, &["true"])
        }),
        killed("X9 a command line that is denied", |root| {
            line(root, &["no"])
        }),
        killed("X9 denied, whatever follows", |root| {
            line(root, &["no", "", "more"])
        }),
        allowed("X9 one letter more", |root| line(root, &["nope"])),
        allowed("X9 the word in another place", |root| {
            line(root, &["true", "no"])
        }),
        killed("X9 letters by globs, which nobody answers", |root| {
            line(root, &["--key=secret", "x"])
        }),
        allowed("X9 other letters", |root| {
            line(root, &["--key=secret", "xy"])
        }),
        allowed("X9 on trial", |root| line(root, &["trial"])),
        killed("X8 whatever the program calls itself", |root| {
            use std::os::unix::process::CommandExt;
            said(Command::new(root.join("bin/good")).arg0("other").arg("no"))
        }),
        allowed("X7 a script with other words", |root| {
            script(root, &["true"])
        }),
        killed("X7 a script's own words", |root| script(root, &["outer"])),
        killed("X7 its interpreter's words", |root| {
            script(root, &["inner"])
        }),
        allowed("X10 a long command line", |root| {
            line(root, &["true", &"a".repeat(3900)])
        }),
        killed("X10 a longer one", |root| {
            line(root, &["true", &"a".repeat(4088)])
        }),
        expect("X9 a program with rules, renamed", super::CROSSES, |root| {
            fs::rename(root.join("bin/good"), root.join("bin/better"))
        }),
        allowed("X9 a program without rules, renamed", |root| {
            fs::rename(root.join("bin/gone"), root.join("bin/better"))
        }),
    ]
}

/// A script whose interpreter is bin/good, with `true` for its first argument.
fn script(root: &Path, words: &[&str]) -> io::Result<()> {
    let path = root.join("bin/good-script");
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    said(Command::new(path).args(words))
}
