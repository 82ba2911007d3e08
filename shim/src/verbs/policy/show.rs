//! `policy show`: what holds, and where each value stands.

use serde_json::{Value, json};
use sevorix_policy::{Action, Effective, FileMatch, NetRule, Policy, Program, RuleId};

use super::{Policy as Options, print, print_json};
use crate::cli::Globals;
use crate::error::Result;
use crate::policy::{annotations, find, folders, granted, of, told};

/// Of a container or a policy; with annotations, of a policy under them.
pub fn show(globals: &Globals, options: &Options, name: Option<&String>) -> Result<u8> {
    let folders = folders(options.host_root.as_deref());
    let effective = match name {
        Some(name) if options.annotation.is_empty() => of(globals, &folders, name)?,
        _ => {
            let base = name.map(|name| find(&folders, name)).transpose()?;
            let annotations = annotations(&options.annotation)?;
            granted(&folders, base, &annotations, globals.policy.as_deref())?
        }
    };
    let Some(effective) = effective else {
        return print("nothing guards such a container: the host allows policy none\n");
    };
    let rows = rows(&effective.policy);
    match options.json {
        true => print_json(&as_json(&effective, &rows)),
        false => print(&as_text(&effective, &rows)),
    }
}

/// One value: which rule or setting, what it says, and where it stands.
struct Row {
    rule: RuleId,
    action: String,
    object: String,
    place: Option<String>,
}

fn rows(policy: &Policy) -> Vec<Row> {
    let setting =
        |name: &str, value: String| row(policy, RuleId::setting(name), value, String::new());
    let mut rows = Vec::new();
    let denied = || Action::Deny.to_string();
    for rule in &policy.never.file {
        rows.push(row(
            policy,
            rule.id.clone(),
            denied(),
            file(&rule.object, &rule.access.to_string()),
        ));
    }
    for rule in &policy.never.net {
        rows.push(row(policy, rule.id.clone(), denied(), net(rule)));
    }
    rows.push(setting("exec.default", policy.exec.default.to_string()));
    rows.push(setting("exec.writable", policy.exec.writable.to_string()));
    rows.push(setting("exec.jit.default", policy.exec.jit.to_string()));
    for rule in &policy.exec.rules {
        let mut object = match &rule.program {
            Program::Path(path) => path.to_string(),
            Program::Content(digest) => format!("sha256 {digest}"),
        };
        if !rule.argv.is_empty() {
            object += &format!(" {}", rule.argv.join(" "));
        }
        rows.push(row(
            policy,
            rule.id.clone(),
            said(rule.action, rule.audit),
            object + &unless(&rule.unless),
        ));
    }
    rows.push(setting("file.default", policy.file.default.to_string()));
    for rule in &policy.file.rules {
        let object = file(&rule.object, &rule.access.to_string()) + &unless(&rule.unless);
        rows.push(row(
            policy,
            rule.id.clone(),
            said(rule.action, rule.audit),
            object,
        ));
    }
    rows.push(setting("net.default", policy.net.default.to_string()));
    rows.push(setting("net.listen", policy.net.listen.to_string()));
    rows.push(setting("net.unix", policy.net.unix.to_string()));
    for rule in &policy.net.rules {
        let object = net(rule) + &unless(&rule.unless);
        rows.push(row(
            policy,
            rule.id.clone(),
            said(rule.action, rule.audit),
            object,
        ));
    }
    rows
}

fn row(policy: &Policy, rule: RuleId, action: String, object: String) -> Row {
    Row {
        place: told::place(policy, &rule),
        rule,
        action,
        object,
    }
}

fn said(action: Action, audit: bool) -> String {
    match audit {
        true => format!("{action} on trial"),
        false => action.to_string(),
    }
}

fn file(object: &FileMatch, access: &str) -> String {
    match object {
        FileMatch::Path(path) => format!("{access} {path}"),
        FileMatch::Name(name) => format!("{access} any {name}"),
    }
}

fn net(rule: &NetRule) -> String {
    let target = rule
        .target
        .as_ref()
        .map_or("anywhere".to_owned(), ToString::to_string);
    let ports: Vec<String> = rule.ports.iter().map(ToString::to_string).collect();
    let ports = if ports.is_empty() {
        String::new()
    } else {
        format!(":{}", ports.join(","))
    };
    let protocol = rule
        .protocol
        .map_or(String::new(), |protocol| format!("/{protocol}"));
    format!("{target}{ports}{protocol}")
}

fn unless(except: &[impl ToString]) -> String {
    let except: Vec<String> = except.iter().map(ToString::to_string).collect();
    match except.is_empty() {
        true => String::new(),
        false => format!(" unless {}", except.join(", ")),
    }
}

fn as_text(effective: &Effective, rows: &[Row]) -> String {
    let policy = &effective.policy;
    let mut text = format!(
        "policy {}  mode {}  domain {}\n",
        policy.name, policy.mode, policy.domain
    );
    if !policy.description.is_empty() {
        text += &format!("{}\n", policy.description);
    }
    let width = rows
        .iter()
        .map(|row| row.rule.as_str().len())
        .max()
        .unwrap_or(0);
    for row in rows {
        let place = row
            .place
            .as_ref()
            .map_or(String::new(), |place| format!("  ({place})"));
        let line = format!(
            "{:width$}  {:5}  {}{place}",
            row.rule, row.action, row.object
        );
        text += &format!("{}\n", line.trim_end());
    }
    for cut in &effective.cuts {
        text += &format!("cut {cut}\n");
    }
    text
}

fn as_json(effective: &Effective, rows: &[Row]) -> Value {
    let policy = &effective.policy;
    let rows = rows.iter().map(|row| {
        json!({"rule": row.rule.as_str(), "says": row.action, "object": row.object, "place": row.place})
    });
    json!({
        "schema": "sevorix.policy-show/1",
        "policy": policy.name.as_str(),
        "description": policy.description,
        "mode": policy.mode.as_str(),
        "domain": policy.domain.as_str(),
        "values": rows.collect::<Vec<_>>(),
        "cuts": effective.cuts.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
