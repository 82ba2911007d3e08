//! The rows of the catalogue that a container can try, and why the others can't be tried from there.

mod exec;
mod file;
mod net;
mod runtime;

use nix::errno::Errno;
use serde_json::{Value, json};

use crate::attempt::{Outcome, Tried};

#[derive(Debug)]
pub struct Row {
    pub id: &'static str,
    pub name: &'static str,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    Case(Case),
    /// Why not.
    NotTried(&'static str),
}

#[derive(Debug)]
pub struct Case {
    pub policy: &'static str,
    /// Of the event that tells of the refusal; empty where a seccomp filter refuses, which makes none.
    pub event: &'static str,
    pub hook: &'static str,
    pub ways: &'static [Way],
    /// The allowed action next to it.
    pub twin: fn() -> Tried,
}

#[derive(Debug)]
pub struct Way {
    pub name: &'static str,
    pub expected: Outcome,
    pub attempt: fn() -> Tried,
}

pub fn all() -> impl Iterator<Item = &'static Row> {
    [exec::ROWS, file::ROWS, net::ROWS, runtime::ROWS]
        .into_iter()
        .flatten()
}

impl Row {
    pub fn class(&self) -> &'static str {
        match self.id.as_bytes() {
            [b'X', ..] => "exec",
            [b'F', ..] => "file",
            [b'N', ..] => "net",
            _ => "runtime",
        }
    }

    pub fn to_json(&self) -> Value {
        let mut row = json!({ "id": self.id, "name": self.name, "class": self.class() });
        let more = match &self.content {
            Content::NotTried(reason) => json!({ "not_tried": reason }),
            Content::Case(case) => case.to_json(),
        };
        if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
            row.extend(more);
        }
        row
    }
}

impl Case {
    fn to_json(&self) -> Value {
        let ways = self.ways.iter().map(|way| {
            let name = way.name;
            match way.expected {
                Outcome::Refused(errno) => {
                    json!({ "way": name, "outcome": "refused", "errno": format!("{errno:?}") })
                }
                Outcome::Killed => json!({ "way": name, "outcome": "killed" }),
                _ => json!({ "way": name, "outcome": "without-effect" }),
            }
        });
        json!({ "event": self.event, "hook": self.hook, "ways": ways.collect::<Vec<_>>() })
    }
}

const fn case(id: &'static str, name: &'static str, case: Case) -> Row {
    Row {
        id,
        name,
        content: Content::Case(case),
    }
}

const fn not_tried(id: &'static str, name: &'static str, reason: &'static str) -> Row {
    Row {
        id,
        name,
        content: Content::NotTried(reason),
    }
}

const fn way(name: &'static str, errno: Errno, attempt: fn() -> Tried) -> Way {
    Way {
        name,
        expected: Outcome::Refused(errno),
        attempt,
    }
}

const fn way_to_nothing(name: &'static str, attempt: fn() -> Tried) -> Way {
    Way {
        name,
        expected: Outcome::WithoutEffect,
        attempt,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// How many rows each section of the catalogue has.
    const SECTIONS: [(char, usize); 4] = [('X', 19), ('F', 29), ('N', 27), ('R', 29)];

    fn cases() -> impl Iterator<Item = (&'static str, &'static Case)> {
        all().filter_map(|row| match &row.content {
            Content::Case(case) => Some((row.id, case)),
            Content::NotTried(_) => None,
        })
    }

    #[test]
    fn every_row_of_the_catalogue_is_a_case_or_has_its_reason() {
        // a row that takes two cases has a second one, with a letter behind its number
        let ids = all().map(|row| row.id);
        let ids: Vec<&str> = ids
            .filter(|id| id.ends_with(|last: char| last.is_ascii_digit()))
            .collect();
        let expected: Vec<String> = SECTIONS
            .into_iter()
            .flat_map(|(letter, count)| (1..=count).map(move |number| format!("{letter}{number}")))
            .collect();
        assert_eq!(ids, expected);
        for row in all() {
            if let Content::NotTried(reason) = &row.content {
                assert!(reason.len() > 20, "{}: {reason:?} is no reason", row.id);
            }
        }
    }

    #[test]
    fn names_can_be_names_of_tests() {
        let mut known = HashSet::new();
        for row in all() {
            let fits = |letter: char| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
            };
            assert!(row.name.chars().all(fits), "{}", row.name);
            assert!(known.insert(row.name), "{} stands there twice", row.name);
        }
    }

    #[test]
    fn every_case_says_how_it_must_end_and_who_ends_it() {
        const EVENTS: &[&str] = &[
            "exec",
            "map_exec",
            "open",
            "create",
            "rename",
            "link",
            "unlink",
            "setattr",
            "connect",
            "send",
            "bind",
            "listen",
            "socket",
            "unix",
            "dns",
            "mount",
            "ptrace",
            "signal",
            "bpf",
            "capability",
            "namespace",
            "ioctl",
            "tamper",
            "",
        ];
        for (id, case) in cases() {
            assert!(
                EVENTS.contains(&case.event),
                "{id}: {} is no event's op",
                case.event
            );
            assert!(!case.hook.is_empty(), "{id}");
            assert!(!case.ways.is_empty(), "{id}");
            let names: HashSet<&str> = case.ways.iter().map(|way| way.name).collect();
            assert_eq!(names.len(), case.ways.len(), "{id}: two ways have one name");
            for way in case.ways {
                let ends = matches!(
                    way.expected,
                    Outcome::Refused(_) | Outcome::Killed | Outcome::WithoutEffect
                );
                assert!(ends, "{id}: {}", way.name);
                assert_ne!(way.name, "twin", "{id}");
            }
        }
    }

    #[test]
    fn policies_name_their_version() {
        for (id, case) in cases() {
            assert!(case.policy.starts_with("\nversion = 1\n"), "{id}");
        }
    }

    #[test]
    fn a_row_is_one_line_of_json() {
        for row in all() {
            let line = row.to_json().to_string();
            assert!(!line.contains('\n'));
            assert!(line.contains(&format!("\"id\":\"{}\"", row.id)), "{line}");
        }
    }
}
