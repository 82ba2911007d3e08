//! The sections that are no rules of the kernel's.

use std::collections::BTreeMap;
use std::time::Duration;

use super::source::InFile;
use super::table::{Table, Value};
use crate::model::{Gate, Phase, Receipts, Taint, TaintSource, Verdict};
use crate::values::{NetEntry, Window, duration};

pub(super) fn intent(table: &mut Table) -> Result<Option<Duration>, InFile> {
    time(table, "max_ttl")
}

pub(super) fn taint(table: &mut Table) -> Result<Taint, InFile> {
    let labels = table.section("labels", |labels| {
        let entries = labels.entries().into_iter();
        let entries = entries.map(|(name, effect)| Ok((name.to_owned(), effect.parse()?)));
        entries.collect::<Result<BTreeMap<_, _>, InFile>>()
    })?;
    let sources = table.list("sources")?;
    let sources = sources.iter().map(|source| source.section(taint_source));
    Ok(Taint {
        labels,
        sources: sources.collect::<Result<_, _>>()?,
    })
}

fn taint_source(table: &mut Table) -> Result<TaintSource, InFile> {
    let (path, label) = (table.parse("path")?, table.text("label")?);
    match (path, label) {
        (Some(path), Some(label)) => Ok(TaintSource {
            path,
            label: label.to_owned(),
        }),
        _ => Err(table.refuse("a source has a path and a label", "write both")),
    }
}

pub(super) fn gate(table: &mut Table) -> Result<Gate, InFile> {
    let usual = Gate::default();
    Ok(Gate {
        throttle: table.parse("throttle")?.unwrap_or(usual.throttle),
        crack: table.parse("crack")?.unwrap_or(usual.crack),
        lock: table.parse("lock")?.unwrap_or(usual.lock),
        on_lock: table.parse("on_lock")?.unwrap_or(usual.on_lock),
    })
}

pub(super) fn phases(table: &mut Table) -> Result<BTreeMap<String, Phase>, InFile> {
    let phases = table.entries().into_iter();
    let phases = phases.map(|(name, value)| Ok((name.to_owned(), value.section(phase)?)));
    phases.collect()
}

fn phase(table: &mut Table) -> Result<Phase, InFile> {
    let net_deny = table.list("net_deny")?;
    Ok(Phase {
        net_deny: net_deny.iter().map(denied).collect::<Result<_, _>>()?,
        exec_writable: table.parse("exec_writable")?,
    })
}

fn denied(value: &Value) -> Result<Option<NetEntry>, InFile> {
    match value.text()? {
        "*" => Ok(None),
        _ => value.parse().map(Some),
    }
}

pub(super) fn receipts(table: &mut Table) -> Result<Receipts, InFile> {
    Ok(Receipts {
        detail: table.parse("detail")?.unwrap_or(Receipts::default().detail),
        required: table.flag("required")?,
    })
}

pub(super) fn verdict(table: &mut Table) -> Result<Verdict, InFile> {
    let usual = Verdict::default();
    let budget: Option<Window> = table.parse("budget")?;
    Ok(Verdict {
        mode: table.parse("mode")?.unwrap_or(usual.mode),
        on_primary_loss: table
            .parse("on_primary_loss")?
            .unwrap_or(usual.on_primary_loss),
        on_error: table.parse("on_error")?.unwrap_or(usual.on_error),
        timeout: time(table, "timeout")?.unwrap_or(usual.timeout),
        cache_ttl: time(table, "cache_ttl")?.unwrap_or(usual.cache_ttl),
        budget: budget.unwrap_or(usual.budget),
    })
}

fn time(table: &mut Table, key: &'static str) -> Result<Option<Duration>, InFile> {
    table
        .take(key)
        .map(|value| value.parse_as(duration))
        .transpose()
}
