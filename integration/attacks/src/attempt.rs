//! One attempt: what it can come to, and the child process in which it is made.

use std::io;

use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use serde::Serialize;

use crate::raw;

/// An attempt that returns got through; one that executes a program leaves the answer to that program's status.
pub type Tried = Result<(), Stop>;

/// Why an attempt did not get through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    Refused(Errno),
    /// The kernel did as if, but nothing came of it: no descriptor was installed, no right was gained.
    WithoutEffect,
    /// It could not be tried: what it needs is not there.
    Broken(String),
}

/// What came of an attempt, seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Refused(Errno),
    Killed,
    WithoutEffect,
    Broken,
}

/// The one line that is printed.
#[derive(Debug, Serialize)]
pub struct Report {
    id: String,
    way: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<String>,
}

impl Report {
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings are JSON")
    }
}

pub fn report_of(id: &str, way: &str, outcome: &Outcome) -> Report {
    let (name, errno) = match outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Refused(errno) => ("refused", Some(format!("{errno:?}"))),
        Outcome::Killed => ("killed", None),
        Outcome::WithoutEffect => ("without-effect", None),
        Outcome::Broken => ("broken", None),
    };
    Report {
        id: id.into(),
        way: way.into(),
        outcome: name,
        errno,
    }
}

impl Outcome {
    /// 0 is what the table expects; the more, the worse.
    pub fn surprise(self, expected: Self) -> u8 {
        match self {
            Self::Passed => 3,
            Self::Broken => 2,
            other => u8::from(other != expected),
        }
    }
}

/// The child's status is the whole answer, so an attempt may well become another program.
pub fn try_in_child(attempt: fn() -> Tried) -> Outcome {
    let Ok(child) = raw::fork(|| status_of(attempt())) else {
        return Outcome::Broken;
    };
    match waitpid(child, None) {
        Ok(WaitStatus::Exited(_, status)) => outcome_of(status),
        Ok(WaitStatus::Signaled(..)) => Outcome::Killed,
        _ => Outcome::Broken,
    }
}

/// As an exit status; errno's own numbers stay below.
const WITHOUT_EFFECT: i32 = 200;
const BROKEN: i32 = 201;

pub fn status_of(tried: Tried) -> i32 {
    match tried {
        Ok(()) => 0,
        Err(Stop::Refused(errno)) => errno as i32,
        Err(Stop::WithoutEffect) => WITHOUT_EFFECT,
        Err(Stop::Broken(why)) => {
            eprintln!("error: {why}");
            BROKEN
        }
    }
}

pub fn outcome_of(status: i32) -> Outcome {
    match status {
        0 => Outcome::Passed,
        WITHOUT_EFFECT => Outcome::WithoutEffect,
        BROKEN => Outcome::Broken,
        errno => Outcome::Refused(Errno::from_raw(errno)),
    }
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Refused(errno)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Self::Refused(Errno::from_raw(errno)),
            None => Self::Broken(error.to_string()),
        }
    }
}

/// The attempt itself: whatever it gives is not needed.
pub fn through<T, E: Into<Stop>>(result: Result<T, E>) -> Tried {
    result.map(|_| ()).map_err(Into::into)
}

/// For what only leads up to the attempt: its failure is no refusal.
pub fn first<T, E: std::fmt::Display>(step: &str, result: Result<T, E>) -> Result<T, Stop> {
    result.map_err(|error| Stop::Broken(format!("{step}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_what_an_attempt_came_to() {
        for tried in [
            Ok(()),
            Err(Stop::Refused(Errno::EPERM)),
            Err(Stop::Refused(Errno::EACCES)),
            Err(Stop::WithoutEffect),
            Err(Stop::Broken("no ground".into())),
        ] {
            let expected = match &tried {
                Ok(()) => Outcome::Passed,
                Err(Stop::Refused(errno)) => Outcome::Refused(*errno),
                Err(Stop::WithoutEffect) => Outcome::WithoutEffect,
                Err(Stop::Broken(_)) => Outcome::Broken,
            };
            assert_eq!(outcome_of(status_of(tried)), expected);
        }
    }

    #[test]
    fn what_gets_through_hides_no_refusal_and_is_hidden_by_none() {
        let expected = Outcome::Refused(Errno::EACCES);
        let surprise = |outcome: Outcome| outcome.surprise(expected);
        assert_eq!(surprise(expected), 0);
        assert!(surprise(Outcome::Refused(Errno::ENOENT)) > surprise(expected));
        assert!(surprise(Outcome::Broken) > surprise(Outcome::Killed));
        assert!(surprise(Outcome::Passed) > surprise(Outcome::Broken));
    }

    #[test]
    fn a_child_that_is_killed_is_told_apart() {
        assert_eq!(try_in_child(|| Ok(())), Outcome::Passed);
        assert_eq!(
            try_in_child(|| Err(Errno::ENOENT.into())),
            Outcome::Refused(Errno::ENOENT)
        );
        let suicide = || Ok(nix::sys::signal::raise(nix::sys::signal::SIGKILL)?);
        assert_eq!(try_in_child(suicide), Outcome::Killed);
    }
}
