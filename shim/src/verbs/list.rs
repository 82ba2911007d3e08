//! `list`: every container below this root.

use std::ffi::OsString;

use super::state::Row;
use super::{alone, passwd, print};
use crate::cli::Globals;
use crate::error::{Error, Result};
use crate::grammar::options;
use crate::log;

options! {
    /// list the containers below this root
    pub struct List("list", "") {
        /// table or json (default: table)
        'f' format: Option<String>,
        /// print ids only
        'q' quiet: bool,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let options = alone::<List>(words)?;
    let containers = globals.runtime()?.list()?;
    let readable = containers.iter().filter_map(|(id, container)| {
        let complain = |error: &dyn std::fmt::Display| log::warn(&format!("load {id}: {error}"));
        container.as_ref().inspect_err(|error| complain(error)).ok()
    });
    if options.quiet {
        return print(
            &readable
                .map(|container| format!("{}\n", container.id()))
                .collect::<String>(),
        );
    }
    let rows =
        readable.map(|container| Row::of(container, passwd::name_of(container.state().owner)));
    let rows = rows.collect::<Result<Vec<_>>>()?;
    match options.format.as_deref().unwrap_or("table") {
        "table" => print(&table(&rows)),
        // runc prints an empty list so
        "json" if rows.is_empty() => print("null"),
        "json" => print(&super::compact(&rows)?),
        other => Err(Error::Invalid(format!("invalid format option {other:?}"))),
    }
}

fn table(rows: &[Row<'_>]) -> String {
    let head = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"].map(String::from);
    let line = |row: &Row<'_>| {
        let (id, bundle) = (row.id.to_string(), row.bundle.display().to_string());
        [
            id,
            row.pid.to_string(),
            row.status.to_string(),
            bundle,
            row.created.to_string(),
            row.owner.clone(),
        ]
    };
    let lines: Vec<_> = std::iter::once(head).chain(rows.iter().map(line)).collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].len() + GAP)
            .max()
            .unwrap_or(0)
            .max(NARROWEST)
    };
    let widths: Vec<_> = (0..lines[0].len() - 1).map(width).chain([0]).collect();
    let print = |line: &[String; 6]| {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<String>() + "\n"
    };
    lines.iter().map(print).collect()
}

/// runc's table: columns of twelve letters at least, three of them free.
const NARROWEST: usize = 12;
const GAP: usize = 3;
