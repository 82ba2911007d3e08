//! `policy diff`: what a change opens and what it closes.

use std::io::IsTerminal;

use serde_json::{Value, json};
use sevorix_policy::{Change, Effective, Width, compare};

use super::{Policy as Options, finding, print, print_json};
use crate::error::{Error, Result};
use crate::policy::{annotations, find, folders, granted};

/// Both policies under the host's ceiling, and what the second does otherwise. Status 1 when it opens something.
pub fn diff(options: &Options, old: &str, new: &str) -> Result<u8> {
    let folders = folders(options.host_root.as_deref());
    let annotations = annotations(&options.annotation)?;
    let under_ceiling = |word: &str| -> Result<Effective> {
        let effective = granted(&folders, Some(find(&folders, word)?), &annotations, None)?;
        effective
            .ok_or_else(|| Error::Invalid(format!("nothing guards a container of policy {word}")))
    };
    let (old, new) = (under_ceiling(old)?, under_ceiling(new)?);
    let changes = compare(&old.policy, &new.policy);
    let changes = changes.map_err(sevorix_policy::Error::from)?;
    let opens = changes.iter().any(|change| change.width == Width::Wider);
    let printed = match options.json {
        true => print_json(&as_json(&changes))?,
        false => print(&as_text(&changes))?,
    };
    Ok(finding(printed, opens))
}

fn as_text(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "the same\n".to_owned();
    }
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = changes.iter().map(|change| {
        let (sign, width, colour) = match change.width {
            Width::Wider => ('+', "wider", RED),
            Width::Narrower => ('-', "narrower", GREEN),
        };
        let Change { what, old, new, .. } = change;
        let line = format!("{sign} {width:8}  {what}: {old} -> {new}");
        match coloured {
            true => format!("{colour}{line}{PLAIN}\n"),
            false => format!("{line}\n"),
        }
    });
    lines.collect()
}

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

fn as_json(changes: &[Change]) -> Value {
    let changes = changes.iter().map(|change| {
        json!({
            "what": change.what,
            "old": change.old,
            "new": change.new,
            "wider": change.width == Width::Wider,
        })
    });
    json!({"schema": "sevorix.policy-diff/1", "changes": changes.collect::<Vec<_>>()})
}
