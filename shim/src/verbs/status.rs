//! `status`: the containers under a policy, and how often each operation was decided how.

use std::ffi::OsString;
use std::fmt::Write;

use serde_json::{Value, json};
use sevorix_bpf::floor::{Enforcer, Operation, Outcome};
use sevorix_container::floor::Record;

use super::{print, text, wrong_count};
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::{Options as _, options};

options! {
    /// tell which containers are under a policy, and what it decided
    pub struct Status("status", "[ID]") {
        /// print JSON
        json: bool,
    }
}

type Counts = Vec<(Operation, Outcome, u64)>;

pub fn run(_: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, mut operands) = Status::read(words)?;
    let id = operands.pop().map(text);
    if !operands.is_empty() {
        return Err(wrong_count("status", "at most 1"));
    }
    let records: Vec<Record> = Record::all()?
        .into_iter()
        .filter(|record| {
            let named = id
                .as_deref()
                .is_none_or(|id| record.container.starts_with(id));
            named && !record.ended
        })
        .collect();
    let enforcer = Enforcer::loaded()?;
    if records.is_empty() {
        let status = print(match (options.json, &enforcer) {
            (true, _) => "[]\n",
            (false, Some(_)) => "no container is under a policy\n",
            (false, None) => "no container is under a policy, and nothing is loaded\n",
        })?;
        return Ok(if id.is_some() { 1 } else { status });
    }
    let lost = enforcer.as_ref().map_or(Ok(0), Enforcer::lost_events)?;
    let mut told = Vec::new();
    for record in records {
        // the counts of another release are in its own tables, and without tables nobody counts
        let place = record.place.as_ref();
        let place = place.filter(|place| place.is_of_this_release());
        let counts = enforcer
            .as_ref()
            .zip(place)
            .map(|(enforcer, place)| enforcer.counts(place.container()));
        told.push((record, counts.transpose()?.unwrap_or_default()));
    }
    if options.json {
        let all: Vec<Value> = told
            .iter()
            .map(|(record, counts)| as_json(record, counts, lost))
            .collect();
        return print(&format!("{}\n", super::pretty(&all)?));
    }
    let mut out: String = told
        .iter()
        .map(|(record, counts)| as_text(record, counts))
        .collect();
    if lost > 0 {
        let _ = writeln!(
            out,
            "{lost} reports of this boot found no room and are lost"
        );
    }
    print(&out)
}

fn as_text(record: &Record, counts: &Counts) -> String {
    let (container, policy, mode) = (&record.container, &record.policy, record.mode());
    let mut text = format!("{container}  {policy}  {mode}\n");
    if let Some(degraded) = &record.degraded {
        let _ = writeln!(text, "  degraded: {}", degraded.lack);
        let _ = writeln!(text, "  not held: {}", degraded.told().join(", "));
    }
    for (operation, outcome, count) in counts {
        let _ = writeln!(text, "  {operation:10} {outcome:6} {count}");
    }
    text
}

fn as_json(record: &Record, counts: &Counts, lost: u64) -> Value {
    let counts: Vec<Value> = counts
        .iter()
        .map(|(operation, outcome, count)| {
            json!({"op": operation.as_str(), "result": outcome.as_str(), "count": count})
        })
        .collect();
    json!({
        "container": record.container,
        "name": record.name,
        "policy": {"name": record.policy, "digest": format!("sha256:{}", record.digest)},
        "mode": record.mode(),
        "degraded": record.degraded.as_ref().map(
            |degraded| json!({"lack": degraded.lack, "unheld": degraded.told()})
        ),
        "counts": counts,
        "lost_events": lost,
    })
}
