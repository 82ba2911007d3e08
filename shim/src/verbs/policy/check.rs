//! `policy check`: what is wrong with a file or with annotations, what the host cuts, what the runtime must be able to.

use serde_json::{Value, json};
use sevorix_policy::{Effective, Image, Policy, compile};

use super::{Policy as Options, finding, print, print_json};
use crate::error::{Error, Result};
use crate::policy::{annotations, find, folders, granted, told};

pub fn check(options: &Options, file: Option<&String>, node: Option<&str>) -> Result<u8> {
    if file.is_none() && options.annotation.is_empty() && node.is_none() {
        return Err(super::usage());
    }
    match read(options, file, node) {
        Ok(checked) => tell(options, &checked),
        Err(error @ Error::Policy(_)) => refuse(options, &error),
        Err(error) => Err(error),
    }
}

struct Checked {
    effective: Option<Effective>,
    image: Option<Image>,
}

fn read(options: &Options, file: Option<&String>, node: Option<&str>) -> Result<Checked> {
    let folders = folders(options.host_root.as_deref());
    let base = file.map(|file| find(&folders, file)).transpose()?;
    let effective = granted(&folders, base, &annotations(&options.annotation)?, node)?;
    let image = effective
        .as_ref()
        .map(|effective| compile(&effective.policy));
    Ok(Checked {
        image: image.transpose().map_err(sevorix_policy::Error::from)?,
        effective,
    })
}

fn tell(options: &Options, checked: &Checked) -> Result<u8> {
    let (Some(effective), Some(image)) = (&checked.effective, &checked.image) else {
        return print("nothing guards such a container: the host allows policy none\n");
    };
    let is_cut = !effective.cuts.is_empty();
    let printed = match options.json {
        true => print_json(&as_json(effective, image))?,
        false => print(&as_text(effective, image))?,
    };
    Ok(finding(printed, is_cut))
}

fn as_text(effective: &Effective, image: &Image) -> String {
    let policy = &effective.policy;
    let mut text = format!(
        "policy {} is valid, id {:016x}\n",
        policy.name,
        image.policy_id()
    );
    for need in policy.needs() {
        text += &format!(
            "needs {}: {}{}\n",
            need.feature,
            need.rule,
            at(policy, &need.rule)
        );
    }
    for cut in &effective.cuts {
        text += &format!("cut {cut}\n");
    }
    text
}

fn at(policy: &Policy, rule: &sevorix_policy::RuleId) -> String {
    told::place(policy, rule).map_or(String::new(), |place| format!(" ({place})"))
}

fn as_json(effective: &Effective, image: &Image) -> Value {
    let policy = &effective.policy;
    let needs = policy.needs().into_iter().map(|need| {
        json!({
            "feature": need.feature.as_str(),
            "rule": need.rule.as_str(),
            "place": told::place(policy, &need.rule),
        })
    });
    let cuts = effective.cuts.iter().map(|cut| {
        json!({
            "key": cut.key.name(),
            "asked": cut.asked,
            "granted": cut.effective.as_str(),
            "ceiling": cut.ceiling.as_str(),
            "place": cut.place.as_ref().map(ToString::to_string),
        })
    });
    json!({
        "schema": "sevorix.policy-check/1",
        "valid": true,
        "policy": policy.name.as_str(),
        "id": format!("{:016x}", image.policy_id()),
        "needs": needs.collect::<Vec<_>>(),
        "cuts": cuts.collect::<Vec<_>>(),
    })
}

/// What is wrong, with the line it is in; an error that is not about a line is told as any other.
fn refuse(options: &Options, error: &Error) -> Result<u8> {
    let (text, hint) = (error.sentence(), error.hint().unwrap_or_default());
    let place = match error {
        Error::Policy(sevorix_policy::Error::InFile(wrong)) => Some(wrong),
        _ => None,
    };
    if options.json {
        let place = place.map(|wrong| {
            json!({"file": wrong.place.file, "line": wrong.place.line, "column": wrong.column})
        });
        let refused = json!({
            "schema": "sevorix.policy-check/1",
            "valid": false,
            "error": {"kind": "policy", "reason": text, "hint": hint, "place": place},
        });
        return Ok(finding(print_json(&refused)?, true));
    }
    let excerpt = place.map_or(String::new(), |wrong| format!("{}\n", wrong.excerpt()));
    eprint!("error: {text}\n{excerpt}hint: {hint}\n");
    Ok(1)
}
