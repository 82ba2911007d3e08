//! The command line of the runtime: one short process for each verb an engine asks for.
//!
//! Words -> grammar -> seal -> verb -> one sentence about what failed. What a verb does to a container is in
//! `sevorix-container`; here is only what a command line adds: options, sockets, terminals, signals, output.

pub mod cli;
mod console;
mod error;
mod foreground;
pub mod grammar;
mod install;
mod log;
mod seal;
mod socket;
mod verbs;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::{Globals, Task};
use error::Error;
use verbs::Caller;

/// Runs one invocation; the first word is the program's own name.
pub fn main(words: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.collect();
    let (globals, task) = cli::read(words.get(1..).unwrap_or_default());
    let caller = task.as_ref().map_or(Caller::Engine, Task::caller);
    match log::open(&globals).and_then(|()| perform(&globals, task?)) {
        Ok(status) => ExitCode::from(status),
        Err(Error::Help(grammar)) => ExitCode::from(verbs::print(&cli::help(grammar)).unwrap_or(1)),
        Err(error) => {
            log::fail(&error);
            ExitCode::from(status_of(&error, caller))
        }
    }
}

fn status_of(error: &Error, caller: Caller) -> u8 {
    match (caller, error) {
        (
            Caller::Operator,
            Error::Usage(_) | Error::Install(install::Error::UnknownEngine { .. }),
        ) => 2,
        _ => 1,
    }
}

fn perform(globals: &Globals, task: Task<'_>) -> Result<u8, Error> {
    match task {
        Task::Print(text) => verbs::print(&text),
        Task::Verb { verb, words } => {
            if verb.enters_container {
                seal::ensure()?;
            }
            sevorix_container::Trace::install(globals.debug.then_some(log::debug));
            (verb.run)(globals, words)
        }
    }
}
