//! The command line of the runtime: one short process for each verb an engine asks for.
//!
//! Words -> grammar -> seal -> verb -> one sentence about what failed. What a verb does to a container is in
//! `sevorix-container`; here is only what a command line adds: options, sockets, terminals, signals, output.

pub mod cli;
pub mod console;
pub mod error;
pub mod foreground;
pub mod grammar;
mod install;
mod log;
mod policy;
mod seal;
mod socket;
mod verbs;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::{Globals, Task};
use error::Error;

/// Runs one invocation; the first word is the program's own name.
pub fn main(words: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.collect();
    let (globals, task) = cli::read(words.get(1..).unwrap_or_default());
    match log::open(&globals).and(task) {
        Ok(task) => match perform(&globals, &task) {
            Ok(status) => ExitCode::from(status),
            Err(error) => fail(&error, task.status_of(&error)),
        },
        Err(error) => fail(&error, 1),
    }
}

fn fail(error: &Error, status: u8) -> ExitCode {
    if let Error::Help(grammar) = error {
        return ExitCode::from(verbs::print(&cli::help(grammar)).unwrap_or(1));
    }
    log::fail(error);
    ExitCode::from(status)
}

fn perform(globals: &Globals, task: &Task<'_>) -> Result<u8, Error> {
    match task {
        Task::Print(text) => verbs::print(text),
        Task::Verb { verb, words } => {
            if verb.enters_container {
                seal::ensure()?;
            }
            sevorix_container::Trace::install(globals.debug.then_some(log::debug));
            log::debug(&format!("{} {words:?}", verb.grammar.name));
            (verb.run)(globals, words)
        }
    }
}
