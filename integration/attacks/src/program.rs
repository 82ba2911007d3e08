//! What the copies of this binary do that attacks execute: whatever an attack wants to see done by a program.

use std::process::ExitCode;

use nix::unistd::geteuid;

use crate::attempt::{Stop, Tried, status_of};

/// `NAME run [read PATH | as-root | said WORD]`. The word `run` makes it a program; a script's interpreter is given the
/// script instead.
pub fn run_as(arguments: &[String]) -> Option<ExitCode> {
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let tried = match words[..] {
        ["run", "read", path] => read(path),
        ["run", "as-root"] => as_root(),
        ["run", "said", "forbidden"] => Ok(()),
        ["run", "said", _] => Err(Stop::WithoutEffect),
        ["run", ..] => Ok(()),
        [script, ..] if script.starts_with("/usr/bin/script-") => Ok(()),
        _ => return None,
    };
    let status = u8::try_from(status_of(tried)).expect("statuses are small");
    Some(ExitCode::from(status))
}

fn read(path: &str) -> Tried {
    std::fs::read(path)?;
    Ok(())
}

fn as_root() -> Tried {
    if geteuid().is_root() {
        Ok(())
    } else {
        Err(Stop::WithoutEffect)
    }
}
