//! Tries the floor on a kernel that runs it: to be run as root in a throw-away machine (`integration/floor/test`).
//!
//! Every case is a process of ours that does one thing under a policy, with what must come of it. Each denial has a twin
//! that must still be allowed, and all of them are first done without a floor, where every one must succeed.

mod agent;
mod agreement;
mod cases;
mod cost;
mod stage;
mod verified;

use std::error::Error;
use std::process::ExitCode;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const USAGE: &str = "usage: sevorix-floor cases [FILTER] | agreement ACTS | commands POLICIES | cost | load | verified";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match arguments.as_slice() {
        ["cases"] => cases::run(""),
        ["cases", filter] => cases::run(filter),
        ["agreement", acts] => acts.parse().map_err(Into::into).and_then(agreement::run),
        ["commands", policies] => policies
            .parse()
            .map_err(Into::into)
            .and_then(agreement::commands::run),
        ["cost"] => cost::run(),
        ["load"] => verified::show(),
        ["verified"] => verified::check(),
        _ => Err(USAGE.into()),
    };
    match answer {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sevorix-floor: {error}");
            ExitCode::FAILURE
        }
    }
}

/// With all of its causes, and the hint.
fn told(error: sevorix_bpf::BpfError) -> Box<dyn Error> {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    if let Some(hint) = error.hint() {
        text.push_str(&format!(" ({hint})"));
    }
    text.into()
}
