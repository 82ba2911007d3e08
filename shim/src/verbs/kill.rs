//! `kill`: a signal for the container's init, or for all it started.

use std::ffi::OsString;
use std::str::FromStr;

use nix::sys::signal::Signal;

use super::{text, wrong_count};
use crate::cli::Globals;
use crate::error::{Error, Result};
use crate::grammar::{Options, options};

options! {
    /// send a signal to a container (default: SIGTERM)
    pub struct Kill("kill", "ID [SIGNAL]") {
        /// to every process of the container
        'a' all: bool,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, operands) = Kill::read(words)?;
    let mut operands = operands.into_iter().map(text);
    let (id, signal) = match (operands.next(), operands.next(), operands.next()) {
        (Some(id), signal, None) => (id, number_of(signal.as_deref().unwrap_or("TERM"))?),
        (None, ..) => return Err(wrong_count("kill", "a minimum of 1")),
        _ => return Err(wrong_count("kill", "a maximum of 2")),
    };
    globals.runtime()?.load(&id)?.kill(signal, options.all)?;
    Ok(0)
}

/// A signal by number or by name, with or without SIG.
fn number_of(word: &str) -> Result<i32> {
    let upper = word.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let by_number = || {
        word.parse()
            .ok()
            .filter(|number| (0..=libc::SIGRTMAX()).contains(number))
    };
    let by_name = || {
        Signal::from_str(&format!("SIG{name}"))
            .ok()
            .map(|signal| signal as i32)
    };
    let unknown = || Error::Invalid(format!("unknown signal {word:?}"));
    by_number()
        .or_else(by_name)
        .or_else(|| real_time(name))
        .ok_or_else(unknown)
}

/// RTMIN, RTMIN+3, RTMAX-1: the names systemd's stop signals have.
fn real_time(name: &str) -> Option<i32> {
    let distance = |text: &str, sign: char| match text {
        "" => Some(0),
        _ => text.strip_prefix(sign)?.parse::<u8>().ok().map(i32::from),
    };
    let number = match name.strip_prefix("RTMIN") {
        Some(rest) => libc::SIGRTMIN() + distance(rest, '+')?,
        None => libc::SIGRTMAX() - distance(name.strip_prefix("RTMAX")?, '-')?,
    };
    (libc::SIGRTMIN()..=libc::SIGRTMAX())
        .contains(&number)
        .then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_named_as_engines_and_people_name_them() {
        for (word, number) in [
            ("9", 9),
            ("KILL", 9),
            ("SIGKILL", 9),
            ("sigkill", 9),
            ("term", 15),
            ("0", 0),
            ("SIGRTMIN+3", 37),
            ("RTMAX", 64),
            ("RTMAX-1", 63),
        ] {
            assert_eq!(number_of(word).expect(word), number, "{word}");
        }
        for word in ["", "SIG", "65", "-1", "NOPE", "RTMIN+99", "RTMIN3", "KILL9"] {
            assert!(number_of(word).is_err(), "{word:?}");
        }
    }
}
