//! `ps`: the processes of a container, as the host's ps shows them.

use std::ffi::OsString;
use std::process::Command;

use super::{print, text, wrong_count};
use crate::cli::Globals;
use crate::error::{Context, Error, Result};
use crate::grammar::{Options, options};

options! {
    /// show the processes of a container
    pub struct Ps("ps", "ID [PS-OPTION]...") ends {
        /// table or json (default: table)
        'f' format: Option<String>,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, mut operands) = Ps::read(words)?;
    if operands.is_empty() {
        return Err(wrong_count("ps", "a minimum of 1"));
    }
    let id = text(operands.remove(0));
    let pids = globals.runtime()?.load(&id)?.pids()?;
    let pids: Vec<i32> = pids.into_iter().map(|pid| pid.as_raw()).collect();
    match options.format.as_deref().unwrap_or("table") {
        "json" => print(&format!("{}\n", super::compact(&pids)?)),
        "table" => print(&keep(&host_processes(&operands)?, &pids)?),
        other => Err(Error::Invalid(format!("invalid format option {other:?}"))),
    }
}

fn host_processes(options: &[OsString]) -> Result<String> {
    let usual = [OsString::from("-ef")];
    let options = if options.is_empty() { &usual } else { options };
    let output = Command::new("ps")
        .args(options)
        .output()
        .during(|| "run ps".into())?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::Invalid(format!("ps: {}: {reason}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The head line, and those of these processes.
fn keep(table: &str, pids: &[i32]) -> Result<String> {
    let head = table.lines().next().unwrap_or_default();
    let no_pid = || Error::Invalid("couldn't find PID field in ps output".into());
    let column = head
        .split_whitespace()
        .position(|name| name == "PID")
        .ok_or_else(no_pid)?;
    let is_ours = |line: &&str| {
        let pid = line
            .split_whitespace()
            .nth(column)
            .and_then(|field| field.parse().ok());
        pid.is_some_and(|pid| pids.contains(&pid))
    };
    let lines = std::iter::once(head).chain(table.lines().skip(1).filter(is_ours));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_containers_lines_are_kept() {
        let table = "UID   PID PPID\nroot    1    0\nroot   12    1\nroot   21   12\n";
        assert_eq!(
            keep(table, &[12]).expect("has a pid column"),
            "UID   PID PPID\nroot   12    1\n"
        );
        assert!(keep("COMMAND\nsh\n", &[12]).is_err());
    }
}
