//! `asks`, `allow`, `deny`: what waits for a person, and what the person says.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use sevorix_container::monitor::operator_sockets;
use sevorix_monitor::operators::{Order, Reply, put};
use sevorix_verdict::{Decided, Said, Waiting};

use super::{compact, print, text, wrong_count};
use crate::cli::Globals;
use crate::error::{Error, Result};
use crate::grammar::{Options as _, options};

options! {
    /// tell which actions wait for a person to allow or deny them
    pub struct Asks("asks", "[ID]") {
        /// print JSON, an object a line
        json: bool,
    }
}

options! {
    /// let an action go on that waits for a person
    pub struct Allow("allow", "ASK") {
        /// why, for events
        reason: Option<String>,
        /// how long the same action is allowed again, as 10m; without: this once
        r#for: Option<String>,
        /// how often at most, meanwhile
        uses: Option<u32>,
    }
}

options! {
    /// refuse an action that waits for a person
    pub struct Deny("deny", "ASK") {
        /// why, for events
        reason: Option<String>,
        /// how long the same action is denied without asking, as 10m
        r#for: Option<String>,
    }
}

/// One that waits, and where its monitor listens.
struct Found {
    waiting: Waiting,
    socket: PathBuf,
}

pub fn asks(_: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, operands) = Asks::read(words)?;
    let mut ids = operands.into_iter().map(text);
    let id = ids.next();
    if ids.next().is_some() {
        return Err(wrong_count("asks", "at most 1"));
    }
    let mut told = String::new();
    for Found { waiting, .. } in all(id.as_deref().unwrap_or_default())? {
        told += &match options.json {
            true => format!("{}\n", compact(&waiting)?),
            false => line(&waiting),
        };
    }
    print(&told)
}

pub fn allow(_: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, operands) = Allow::read(words)?;
    let said = Said {
        decided: Decided::Allow,
        reason: reason(options.reason)?,
        for_ms: options.r#for.as_deref().map(lasts).transpose()?,
        uses: options.uses,
    };
    if said.uses == Some(0) {
        return Err(Error::Invalid(
            "invalid value 0 for flag -uses: at least 1".into(),
        ));
    }
    if said.uses.is_some_and(|uses| uses > 1) && said.for_ms.is_none() {
        return Err(Error::Usage("sevorix: --uses goes with --for".into()));
    }
    answer("allow", operands, said)
}

pub fn deny(_: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, operands) = Deny::read(words)?;
    let said = Said {
        decided: Decided::Deny,
        reason: reason(options.reason)?,
        for_ms: options.r#for.as_deref().map(lasts).transpose()?,
        uses: None,
    };
    answer("deny", operands, said)
}

fn answer(verb: &str, operands: Vec<OsString>, said: Said) -> Result<u8> {
    let [ask] = <[OsString; 1]>::try_from(operands).map_err(|_| wrong_count(verb, "exactly 1"))?;
    let ask = text(ask);
    let Some((id, number)) = named(&ask) else {
        return Err(Error::Invalid(format!(
            "{ask} is no ask: it is written as `sevorix asks` writes it, as 3ad7b26ded6d.1"
        )));
    };
    let mut found = all(id)?;
    found.retain(|found| found.waiting.number == number);
    let found = match <[Found; 1]>::try_from(found) {
        Ok([found]) => found,
        Err(found) if found.is_empty() => return Err(nothing_waits(&ask)),
        Err(_) => {
            return Err(Error::Invalid(format!(
                "{ask} fits the asks of several containers: write more of the id"
            )));
        }
    };
    let order = Order::Answer { number, said };
    match put(&found.socket, &order) {
        Ok(Reply::Answered(waiting)) => {
            let decided = if verb == "allow" { "allowed" } else { "denied" };
            print(&format!("{decided}: {} {}\n", waiting.op, waiting.what))
        }
        Ok(_) => Err(nothing_waits(&ask)),
        Err(error) => Err(Error::Invalid(format!(
            "the monitor of {id} does not answer: {error}"
        ))),
    }
}

fn nothing_waits(ask: &str) -> Error {
    Error::Invalid(format!(
        "nothing waits as {ask}: it was answered, or its time is over"
    ))
}

/// What waits in the containers whose id begins so.
fn all(id: &str) -> Result<Vec<Found>> {
    let mut all = Vec::new();
    for socket in operator_sockets()? {
        // a monitor that has gone has nothing that waits
        let Ok(Reply::Asks(asks)) = put(&socket, &Order::Asks) else {
            continue;
        };
        let wanted = asks
            .into_iter()
            .filter(|waiting| waiting.container.as_str().starts_with(id));
        all.extend(wanted.map(|waiting| Found {
            waiting,
            socket: socket.clone(),
        }));
    }
    all.sort_by_key(|found| std::cmp::Reverse(found.waiting.left_ms));
    Ok(all)
}

/// As `line` writes it; the id may be shorter.
fn named(ask: &str) -> Option<(&str, u64)> {
    let (id, number) = ask.rsplit_once('.')?;
    Some((id, number.parse().ok()?)).filter(|(id, _)| !id.is_empty())
}

fn line(waiting: &Waiting) -> String {
    let id = waiting.container.as_str();
    let short = id.get(..12).unwrap_or(id);
    let left = Duration::from_millis(waiting.left_ms).as_secs();
    format!(
        "{short}.{} {} {} uid {} ({}, {left} s left)\n",
        waiting.number, waiting.op, waiting.what, waiting.uid, waiting.rule
    )
}

fn reason(given: Option<String>) -> Result<String> {
    let reason = given.unwrap_or_default();
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::Usage(
            "sevorix: --reason is missing: who reads the events wants to know why".into(),
        ));
    }
    if reason.len() > REASON_MOST || reason.chars().any(char::is_control) {
        return Err(Error::Invalid(format!(
            "invalid value for flag -reason: a line of at most {REASON_MOST} bytes"
        )));
    }
    Ok(reason.into())
}

fn lasts(text: &str) -> Result<u64> {
    let time = super::duration("for", text)?;
    let most = Duration::from_secs(24 * 60 * 60);
    if time > most {
        return Err(Error::Invalid(format!(
            "invalid value {text:?} for flag -for: at most 24h; what is allowed for longer is a rule of the policy"
        )));
    }
    u64::try_from(time.as_millis()).map_err(|error| Error::Invalid(error.to_string()))
}

const REASON_MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ask_is_named_by_its_container_and_its_number() {
        assert_eq!(named("3ad7b26ded6d.12"), Some(("3ad7b26ded6d", 12)));
        assert_eq!(named("my.agent.1"), Some(("my.agent", 1)));
        for wrong in ["3ad7", "3ad7.", ".1", "1", "3ad7.x", "3ad7.-1"] {
            assert_eq!(named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_answer_says_why_and_holds_for_a_day_at_most() {
        assert!(reason(None).is_err());
        assert!(reason(Some(" \t".into())).is_err());
        assert!(reason(Some("a\u{1b}[2J".into())).is_err());
        assert_eq!(
            reason(Some(" asked for it ".into())).expect("a reason"),
            "asked for it"
        );
        assert_eq!(lasts("10m").expect("a time"), 600_000);
        assert!(lasts("25h").is_err());
        assert!(lasts("10").is_err());
    }
}
