//! `verdict test`: whether a verdict service speaks the protocol, case by case.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sevorix_verdict::Trust;
use sevorix_verdict::conformance::{Outcome, Report, Sample, check};

use super::print;
use crate::cli::Globals;
use crate::error::{Error, Result};
use crate::grammar::{Options as _, options};

options! {
    /// try out a verdict service: verdict test [--socket PATH]
    pub struct Verdict("verdict", "ACTION") {
        /// where the service listens (default: /run/sevorix/slm.sock)
        socket: Option<PathBuf>,
        /// how many milliseconds it may take for what it does at once (default: 2000)
        patience: Option<u32>,
        /// print JSON
        json: bool,
    }
}

/// The exit status when nothing can be told of the service.
pub const CANNOT_TELL: u8 = 3;

pub fn run(_: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, operands) = Verdict::read(words)?;
    if operands != ["test"] {
        return Err(Error::Usage("sevorix verdict test [--socket PATH]".into()));
    }
    let socket = options.socket.unwrap_or_else(|| DEFAULT_SOCKET.into());
    let patience = Duration::from_millis(options.patience.unwrap_or(DEFAULT_PATIENCE).into());
    let report = check(&socket, patience)?;
    let text = match options.json {
        true => format!("{}\n", super::pretty(&as_json(&socket, &report))?),
        false => as_text(&report),
    };
    if let Err(error) = Trust::default().check(&socket) {
        crate::log::warn(&format!(
            "a container's asks would not be put to this socket: {error}"
        ));
    }
    let printed = print(&text)?;
    Ok(printed.max(u8::from(!report.conforms())))
}

fn as_text(report: &Report) -> String {
    let line = |case: &Outcome| match &case.wrong {
        None => format!("✓ {}\n", case.name),
        Some(wrong) => format!("✗ {}: {wrong}\n", case.name),
    };
    let cases: String = report.cases.iter().map(line).collect();
    let sample = report
        .sample
        .as_ref()
        .map(|sample| format!("{}\n", told(sample)));
    let sentence = match report
        .cases
        .iter()
        .filter(|case| case.wrong.is_some())
        .count()
    {
        0 => format!(
            "all {} cases pass: this service speaks sevorix.verdict",
            report.cases.len()
        ),
        wrong => format!(
            "{wrong} of {} cases fail: its answers would be denials",
            report.cases.len()
        ),
    };
    format!("{cases}{}{sentence}\n", sample.unwrap_or_default())
}

/// `allow quorum in 0.4 ms (3 jurors)`
fn told(sample: &Sample) -> String {
    let jurors = match sample.jurors {
        1 => "1 juror".to_owned(),
        count => format!("{count} jurors"),
    };
    let milliseconds = sample.took.as_secs_f64() * 1000.0;
    format!(
        "{} {} in {milliseconds:.1} ms ({jurors})",
        sample.verdict, sample.code
    )
}

fn as_json(socket: &Path, report: &Report) -> Value {
    let cases = report
        .cases
        .iter()
        .map(|case| json!({"case": case.name, "wrong": case.wrong}));
    let sample = report.sample.as_ref().map(|sample| {
        let us = u64::try_from(sample.took.as_micros()).unwrap_or(u64::MAX);
        json!({"verdict": sample.verdict.as_str(), "code": sample.code, "jurors": sample.jurors, "us": us})
    });
    json!({
        "schema": "sevorix.verdict/1",
        "socket": socket,
        "conforms": report.conforms(),
        "cases": cases.collect::<Vec<_>>(),
        "sample": sample,
    })
}

const DEFAULT_SOCKET: &str = "/run/sevorix/slm.sock";
const DEFAULT_PATIENCE: u32 = 2_000;
