//! One file for each verb.

mod asks;
mod checkpoint;
mod create;
mod delete;
mod doctor;
#[cfg(test)]
mod engine_words;
mod events;
mod exec;
mod explain;
mod features;
mod install;
mod kill;
mod list;
mod monitor;
mod passwd;
mod pause;
mod policy;
mod ps;
mod reports;
mod run;
mod spec;
mod start;
mod state;
mod status;
mod update;
mod verdict;

use std::ffi::OsString;
use std::io::Write;
use std::time::Duration;

use serde::Serialize;

use crate::cli::Globals;
use crate::error::{Context, Error, Result};
use crate::grammar::{Grammar, Options};

/// What the command line knows of a verb.
#[derive(Debug)]
pub struct Verb {
    pub grammar: &'static Grammar,
    /// whether a process of ours gets into a container and could be reached from there
    pub enters_container: bool,
    /// the exit status when it fails
    pub failure: u8,
    /// the exit status when it was not called right
    pub misuse: u8,
    /// gives the exit status
    pub run: Run,
}

pub static VERBS: &[Verb] = &[
    inside(&create::Create::GRAMMAR, create::run),
    outside(&start::Start::GRAMMAR, start::run),
    outside(&state::State::GRAMMAR, state::run),
    outside(&kill::Kill::GRAMMAR, kill::run),
    outside(&delete::Delete::GRAMMAR, delete::run),
    inside(&run::Run::GRAMMAR, run::run),
    Verb {
        failure: exec::FAILURE,
        misuse: exec::FAILURE,
        ..inside(&exec::Exec::GRAMMAR, exec::run)
    },
    outside(&ps::Ps::GRAMMAR, ps::run),
    outside(&list::List::GRAMMAR, list::run),
    outside(&pause::Pause::GRAMMAR, pause::pause),
    outside(&pause::Resume::GRAMMAR, pause::resume),
    outside(&update::Update::GRAMMAR, update::run),
    outside(&events::Events::GRAMMAR, events::run),
    outside(&spec::Spec::GRAMMAR, spec::run),
    outside(&features::Features::GRAMMAR, features::run),
    outside(&checkpoint::Checkpoint::GRAMMAR, checkpoint::checkpoint),
    outside(&checkpoint::Restore::GRAMMAR, checkpoint::restore),
    operators(&doctor::Doctor::GRAMMAR, doctor::run),
    operators(&status::Status::GRAMMAR, status::run),
    operators(&asks::Asks::GRAMMAR, asks::asks),
    operators(&asks::Allow::GRAMMAR, asks::allow),
    operators(&asks::Deny::GRAMMAR, asks::deny),
    operators(&install::Install::GRAMMAR, install::install),
    operators(&install::Uninstall::GRAMMAR, install::uninstall),
    operators(&policy::Policy::GRAMMAR, policy::run),
    operators(&explain::Explain::GRAMMAR, explain::run),
    Verb {
        failure: verdict::CANNOT_TELL,
        ..operators(&verdict::Verdict::GRAMMAR, verdict::run)
    },
];

/// What we start ourselves: in no help and no manual.
pub static HIDDEN: &[Verb] = &[outside(&monitor::Monitor::GRAMMAR, monitor::run)];

pub type Run = fn(&Globals, &[OsString]) -> Result<u8>;

const fn inside(grammar: &'static Grammar, run: Run) -> Verb {
    Verb {
        grammar,
        enters_container: true,
        failure: 1,
        misuse: 1,
        run,
    }
}

const fn outside(grammar: &'static Grammar, run: Run) -> Verb {
    Verb {
        grammar,
        enters_container: false,
        failure: 1,
        misuse: 1,
        run,
    }
}

/// For people and scripts, who are told a wrong command line from a finding.
const fn operators(grammar: &'static Grammar, run: Run) -> Verb {
    Verb {
        grammar,
        enters_container: false,
        failure: 1,
        misuse: 2,
        run,
    }
}

/// The options, and the container's id as the only operand.
fn with_id<O: Options>(words: &[OsString]) -> Result<(O, String)> {
    let (options, operands) = O::read(words)?;
    let [id] = operands
        .try_into()
        .map_err(|_| wrong_count(O::GRAMMAR.name, "exactly 1"))?;
    Ok((options, text(id)))
}

/// The options of a verb without operands.
fn alone<O: Options>(words: &[OsString]) -> Result<O> {
    match O::read(words)? {
        (options, operands) if operands.is_empty() => Ok(options),
        _ => Err(wrong_count(O::GRAMMAR.name, "exactly 0")),
    }
}

fn wrong_count(verb: &str, count: &str) -> Error {
    Error::Usage(format!("sevorix: \"{verb}\" requires {count} argument(s)"))
}

/// `--preserve-fds` counts from behind the descriptors a service manager passed to us.
fn passed_on(asked: Option<u32>) -> u32 {
    let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
    let is_for_us = number("LISTEN_PID") == Some(std::process::id());
    let activated = number("LISTEN_FDS").filter(|_| is_for_us).unwrap_or(0);
    asked.unwrap_or(0).saturating_add(activated)
}

fn pretty(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value).map_err(std::io::Error::from);
    Ok(text.during(|| "write JSON".into())?)
}

fn compact(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(value).map_err(std::io::Error::from);
    Ok(text.during(|| "write JSON".into())?)
}

/// An id that is no UTF-8 is refused as an id a little later, with the letters it was meant to have.
fn text(word: OsString) -> String {
    word.to_string_lossy().into_owned()
}

/// A reader that has seen enough ends us as SIGPIPE would: without a word.
pub fn print(text: &str) -> Result<u8> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(128 + 13),
        other => {
            other.during(|| "write to stdout".into())?;
            Ok(0)
        }
    }
}

/// A time as Go writes it: numbers with units, the largest first.
fn duration(flag: &str, text: &str) -> Result<Duration> {
    let wrong = || {
        Error::Invalid(format!(
            "invalid value {text:?} for flag -{flag}: not a time"
        ))
    };
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|letter: char| !letter.is_ascii_digit())
            .ok_or_else(wrong)?;
        let count: u32 = rest[..digits].parse().map_err(|_| wrong())?;
        let end = rest[digits..]
            .find(|letter: char| letter.is_ascii_digit())
            .map_or(rest.len(), |at| digits + at);
        let unit = match &rest[digits..end] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            _ => return Err(wrong()),
        };
        total += unit.checked_mul(count).ok_or_else(wrong)?;
        rest = &rest[end..];
    }
    if total.is_zero() {
        Err(Error::Invalid(
            "duration interval must be greater than 0".into(),
        ))
    } else {
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_writes_them() {
        for (text, milliseconds) in [
            ("5s", 5000),
            ("250ms", 250),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(
                duration("interval", text).expect(text),
                Duration::from_millis(milliseconds)
            );
        }
        for text in ["", "0s", "5", "s", "-1s", "5x", "1s2"] {
            assert!(duration("interval", text).is_err(), "{text:?}");
        }
    }
}
