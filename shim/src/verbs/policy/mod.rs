//! `policy`: what policies say, asked without a container.

mod check;
mod diff;
mod show;
mod test;

use std::ffi::OsString;
use std::path::PathBuf;

use super::{print, text};
use crate::cli::Globals;
use crate::error::{Error, Result};
use crate::grammar::{Options as _, options};

options! {
    /// check, show, test or compare policies: check FILE, show NAME|ID, test FILE ACT, diff A B
    pub struct Policy("policy", "ACTION [ARGUMENT]...") {
        /// an annotation as a container would carry it: KEY=VALUE, with or without io.sevorix.
        annotation: Vec<String>,
        /// print JSON
        json: bool,
        /// where the host's / is mounted (default: /)
        host_root: Option<PathBuf>,
        /// test: the container wrote or created the file that is executed
        written: bool,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, operands) = Policy::read(words)?;
    let operands: Vec<String> = operands.into_iter().map(text).collect();
    let node = globals.policy.as_deref();
    match operands.split_first() {
        Some((action, rest)) => match (action.as_str(), rest) {
            ("check", [] | [_]) => check::check(&options, rest.first(), node),
            ("show", [] | [_]) => show::show(globals, &options, rest.first()),
            ("test", [policy, act @ ..]) if !act.is_empty() => test::test(&options, policy, act),
            ("diff", [old, new]) => diff::diff(&options, old, new),
            _ => Err(usage()),
        },
        None => Err(usage()),
    }
}

fn usage() -> Error {
    Error::Usage(format!(
        "sevorix policy check [FILE], show [NAME|ID], test FILE ACT or diff A B; an act is {}",
        crate::policy::asked::FORMS
    ))
}

fn print_json(value: &serde_json::Value) -> Result<u8> {
    print(&format!("{}\n", super::pretty(value)?))
}

/// The exit status: a finding is 1.
fn finding(printed: u8, found: bool) -> u8 {
    match (printed, found) {
        (0, true) => 1,
        (printed, _) => printed,
    }
}
