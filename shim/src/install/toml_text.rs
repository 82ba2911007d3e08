//! TOML as text that keeps its form.

use std::path::PathBuf;

use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::Error;
use super::host::line_of;

pub(super) fn parse(path: &str, text: &str) -> Result<DocumentMut, Error> {
    text.parse()
        .map_err(|error: toml_edit::TomlError| Error::Broken {
            path: PathBuf::from(path),
            line: line_of(text.as_bytes(), error.span().map_or(0, |span| span.start)),
            reason: error.message().replace('\n', ", "),
        })
}

/// The table at a path, if there is one.
pub(super) fn table<'a>(document: &'a DocumentMut, path: &[&str]) -> Option<&'a dyn TableLike> {
    let mut table: &dyn TableLike = document.as_table();
    for key in path {
        table = table.get(key)?.as_table_like()?;
    }
    Some(table)
}

/// The table at a path, for writing.
pub(super) fn table_mut<'a>(
    document: &'a mut DocumentMut,
    path: &[&str],
) -> Option<&'a mut dyn TableLike> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for key in path {
        table = table.get_mut(key)?.as_table_like_mut()?;
    }
    Some(table)
}

/// A copy without comments, blank lines and places: what it says, not how it was written.
pub(super) fn plain(table: &dyn TableLike) -> Table {
    let mut copy = Table::new();
    for (key, item) in table.iter() {
        let item = match (item.as_value(), item.as_table_like()) {
            (Some(value), None) => {
                let mut value = value.clone();
                value.decor_mut().clear();
                Item::Value(value)
            }
            (_, Some(table)) => Item::Table(plain(table)),
            (None, None) => continue,
        };
        copy.insert(key, item);
    }
    copy
}

/// What a table says, in one line, for comparing.
pub(super) fn said(table: &dyn TableLike) -> String {
    plain(table).into_inline_table().to_string()
}
