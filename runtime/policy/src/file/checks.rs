//! Rules that can have no effect: duplicates, exceptions to nothing, and what a stricter rule hides.

use super::source::{InFile, Place};
use super::table::Table;
use crate::model::{ExecRule, FileMatch, FileRule, NetRule, PathPattern, Policy, Program};
use crate::values::NetTarget;

pub(super) fn exec(rules: &[(ExecRule, Place)], table: &Table) -> Result<(), InFile> {
    each_pair(rules, table, |first, second| {
        let is_same = || {
            *first
                == ExecRule {
                    id: first.id.clone(),
                    ..second.clone()
                }
        };
        // most differ in this already, and need no copy
        (first.program == second.program && is_same())
            .then_some("says what an earlier rule says")
            .or_else(|| hides_exec(first, second).then_some(HIDDEN))
    })?;
    for (rule, place) in rules {
        if let Program::Path(path) = &rule.program {
            exceptions(path, &rule.unless, place, table)?;
        }
    }
    Ok(())
}

pub(super) fn file(rules: &[(FileRule, Place)], table: &Table) -> Result<(), InFile> {
    each_pair(rules, table, |first, second| {
        let is_same = || {
            *first
                == FileRule {
                    id: first.id.clone(),
                    ..second.clone()
                }
        };
        // most differ in this already, and need no copy
        (first.object == second.object && is_same())
            .then_some("says what an earlier rule says")
            .or_else(|| hides_file(first, second).then_some(HIDDEN))
    })?;
    for (rule, place) in rules {
        if let FileMatch::Path(path) = &rule.object {
            exceptions(path, &rule.unless, place, table)?;
        }
    }
    Ok(())
}

pub(super) fn net(rules: &[(NetRule, Place)], table: &Table) -> Result<(), InFile> {
    each_pair(rules, table, |first, second| {
        let is_same = || {
            *first
                == NetRule {
                    id: first.id.clone(),
                    ..second.clone()
                }
        };
        // most differ in this already, and need no copy
        (first.target == second.target && is_same())
            .then_some("says what an earlier rule says")
            .or_else(|| hides_net(first, second).then_some(HIDDEN))
    })
}

/// Every label that a rule puts on says what it means.
pub(super) fn labels(policy: &Policy, table: &Table) -> Result<(), InFile> {
    let rules = policy
        .file
        .rules
        .iter()
        .filter_map(|rule| rule.label.as_ref());
    let sources = policy.taint.sources.iter().map(|source| &source.label);
    match rules
        .chain(sources)
        .find(|label| !policy.taint.labels.contains_key(*label))
    {
        None => Ok(()),
        Some(label) => Err(table.refuse(
            format!("label {} has no meaning", crate::shown::Shown::value(label)),
            "list it in [taint] labels with slam, ask or note",
        )),
    }
}

const HIDDEN: &str = "can never decide: a stricter rule covers all of it";

/// Asks of each rule whether another one makes it pointless.
fn each_pair<R>(
    rules: &[(R, Place)],
    table: &Table,
    pointless: impl Fn(&R, &R) -> Option<&'static str>,
) -> Result<(), InFile> {
    for (index, (rule, place)) in rules.iter().enumerate() {
        for (other_index, (other, other_place)) in rules.iter().enumerate() {
            if index == other_index {
                continue;
            }
            let reason = pointless(other, rule);
            // of two equal rules the second is the one too many
            if let Some(reason) = reason.filter(|reason| *reason == HIDDEN || other_index < index) {
                let hint = format!(
                    "the other rule stands in line {}; remove this one, or write its path into the other's unless",
                    other_place.line
                );
                return Err(table.refuse_at(place, format!("this rule {reason}"), hint));
            }
        }
    }
    Ok(())
}

fn exceptions(
    path: &PathPattern,
    unless: &[PathPattern],
    place: &Place,
    table: &Table,
) -> Result<(), InFile> {
    for except in unless {
        if except.covers_all_of(path) {
            let hint = "narrow the exception, or remove the rule";
            return Err(table.refuse_at(
                place,
                format!("this rule can never match: {except} excepts all of it"),
                hint,
            ));
        }
        if !path.covers_all_of(except) {
            let hint = format!("an exception lies inside {path}");
            return Err(table.refuse_at(
                place,
                format!("{except} excepts nothing from {path}"),
                hint,
            ));
        }
    }
    Ok(())
}

fn hides_exec(strict: &ExecRule, lax: &ExecRule) -> bool {
    let (Program::Path(wide), Program::Path(narrow)) = (&strict.program, &lax.program) else {
        return false;
    };
    strict.argv.is_empty()
        && strict.action > lax.action
        && !strict.audit
        && hides_path(wide, &strict.unless, narrow)
}

fn hides_file(strict: &FileRule, lax: &FileRule) -> bool {
    let access = |strict: bool, lax: bool| strict || !lax;
    let covers = access(strict.access.read, lax.access.read)
        && access(strict.access.write, lax.access.write)
        && access(strict.access.change, lax.access.change);
    let hides = match (&strict.object, &lax.object) {
        (FileMatch::Path(wide), FileMatch::Path(narrow)) => {
            hides_path(wide, &strict.unless, narrow)
        }
        (FileMatch::Name(one), FileMatch::Name(other)) => one == other,
        _ => false,
    };
    // a label is put on by whichever rule matches
    covers && hides && strict.action > lax.action && !strict.audit && lax.label.is_none()
}

fn hides_path(wide: &PathPattern, unless: &[PathPattern], narrow: &PathPattern) -> bool {
    let apart = |except: &PathPattern| {
        !except.base.starts_with(&narrow.base) && !narrow.base.starts_with(&except.base)
    };
    wide.covers_all_of(narrow) && unless.iter().all(apart)
}

fn hides_net(strict: &NetRule, lax: &NetRule) -> bool {
    let target = match (&strict.target, &lax.target) {
        (None, _) => true,
        (Some(NetTarget::Net(wide)), Some(NetTarget::Net(narrow))) => wide.contains(narrow),
        (wide, narrow) => wide == narrow,
    };
    let ports = strict.ports.is_empty()
        || (!lax.ports.is_empty()
            && lax
                .ports
                .iter()
                .all(|narrow| strict.ports.iter().any(|wide| wide.contains(*narrow))));
    let protocol = strict.protocol.is_none() || strict.protocol == lax.protocol;
    target && ports && protocol && strict.action > lax.action && !strict.audit
}
