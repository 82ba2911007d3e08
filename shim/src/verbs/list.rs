//! `list`: every container below this root.

use std::ffi::OsString;

use sevorix_container::Container;

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
    let found = globals.runtime()?.list()?.into_iter();
    let containers: Vec<Container> = found
        .filter_map(|(id, container)| readable(&id, container))
        .collect();
    if options.quiet {
        return print(
            &containers
                .iter()
                .map(|container| format!("{}\n", container.id()))
                .collect::<String>(),
        );
    }
    let rows: Vec<Row<'_>> = containers.iter().filter_map(row).collect();
    match options.format.as_deref().unwrap_or("table") {
        "table" => print(&table(&rows)),
        // runc prints an empty list so
        "json" if rows.is_empty() => print("null"),
        "json" => print(&super::compact(&rows)?),
        other => Err(Error::Invalid(format!("invalid format option {other:?}"))),
    }
}

fn row(container: &Container) -> Option<Row<'_>> {
    let owner = passwd::name_of(container.state().owner);
    readable(container.id(), Row::of(container, owner))
}

/// One that is just being removed, or is broken, must not hide the others.
fn readable<T>(id: &str, found: Result<T, impl Into<Error>>) -> Option<T> {
    let complain = |error: Error| log::warn(&format!("load {id}: {}", error.sentence()));
    found.map_err(|error| complain(error.into())).ok()
}

/// runc's columns, and ours behind them.
fn table(rows: &[Row<'_>]) -> String {
    let head = [
        "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER", "POLICY",
    ]
    .map(String::from);
    let line = |row: &Row<'_>| {
        let (id, bundle) = (row.id.to_string(), row.bundle.display().to_string());
        [
            id,
            row.pid.to_string(),
            row.status.to_string(),
            bundle,
            row.created.to_string(),
            row.owner.clone(),
            row.policy.unwrap_or("none").to_string(),
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
    let print = |line: &[String; COLUMNS]| {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<String>() + "\n"
    };
    lines.iter().map(print).collect()
}

/// runc's table: columns of twelve letters at least, three of them free.
const COLUMNS: usize = 7;
const NARROWEST: usize = 12;
const GAP: usize = 3;
