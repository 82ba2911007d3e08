//! TOML tables whose keys are all known in the end.

use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::{InFile, Place, Source};
use crate::shown::Shown;
use crate::values::{Invalid, nearest};

/// A table from which keys are taken one by one.
#[derive(Debug)]
pub(super) struct Table<'t> {
    source: &'t Source<'t>,
    table: &'t DeTable<'t>,
    at: usize,
    known: Vec<&'static str>,
}

/// One value, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'t> {
    source: &'t Source<'t>,
    value: &'t Spanned<DeValue<'t>>,
}

/// Parses a text and hands its table to `read`; keys that `read` did not take are errors.
pub(super) fn read<T>(
    source: &Source,
    read: impl FnOnce(&mut Table) -> Result<T, InFile>,
) -> Result<T, InFile> {
    let table = DeTable::parse(source.text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        source.refuse(
            span,
            error.message().replace('\n', ", "),
            "see toml.io for the grammar",
        )
    })?;
    let mut table = Table {
        source,
        at: 0,
        table: table.get_ref(),
        known: Vec::new(),
    };
    let value = read(&mut table)?;
    table.finish()?;
    Ok(value)
}

impl<'t> Table<'t> {
    pub fn take(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.known.push(key);
        let value = self.table.get(key)?;
        Some(Value {
            source: self.source,
            value,
        })
    }

    /// The value of a key as a type of ours.
    pub fn parse<T: FromStr<Err = Invalid>>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<T>, InFile> {
        self.take(key).map(|value| value.parse()).transpose()
    }

    pub fn flag(&mut self, key: &'static str) -> Result<bool, InFile> {
        let value = self.take(key).map(|value| value.flag()).transpose()?;
        Ok(value.unwrap_or(false))
    }

    pub fn text(&mut self, key: &'static str) -> Result<Option<&'t str>, InFile> {
        self.take(key).map(|value| value.text()).transpose()
    }

    /// The values of a list; absent, none.
    pub fn list(&mut self, key: &'static str) -> Result<Vec<Value<'t>>, InFile> {
        let value = self.take(key).map(|value| value.list()).transpose()?;
        Ok(value.unwrap_or_default())
    }

    /// A list of values of one type.
    pub fn parse_list<T: FromStr<Err = Invalid>>(
        &mut self,
        key: &'static str,
    ) -> Result<Vec<T>, InFile> {
        self.list(key)?
            .into_iter()
            .map(|value| value.parse())
            .collect()
    }

    /// Reads a section; an absent one as if it were empty, and `read` is not called.
    pub fn section<T: Default>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'t>) -> Result<T, InFile>,
    ) -> Result<T, InFile> {
        match self.take(key) {
            Some(value) => value.section(read),
            None => Ok(T::default()),
        }
    }

    /// Keys that the file's author chose, with their values.
    pub fn entries(&mut self) -> Vec<(&'t str, Value<'t>)> {
        let source = self.source;
        let entries = self.table.iter();
        let entries = entries.map(|(key, value)| (&**key.get_ref(), Value { source, value }));
        let entries: Vec<_> = entries.collect();
        self.table = EMPTY.get_or_init(DeTable::default);
        entries
    }

    /// What is wrong with the table as a whole.
    pub fn refuse(&self, text: impl Into<String>, hint: impl Into<String>) -> InFile {
        self.source.refuse(self.at..self.at + 1, text, hint)
    }

    /// What is wrong with a rule of this table's.
    pub fn refuse_at(
        &self,
        place: &Place,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> InFile {
        let before: usize = self
            .source
            .text
            .split_inclusive('\n')
            .take(place.line - 1)
            .map(str::len)
            .sum();
        let line = self.source.text[before..]
            .lines()
            .next()
            .unwrap_or_default();
        let start = before + line.len() - line.trim_start().len();
        self.source
            .refuse(start..before + line.trim_end().len(), text, hint)
    }

    fn finish(&self) -> Result<(), InFile> {
        let unknown = self
            .table
            .keys()
            .filter(|key| !self.known.contains(&&**key.get_ref()))
            .min_by_key(|key| key.span().start);
        match unknown {
            None => Ok(()),
            Some(key) => Err(self.unknown(key)),
        }
    }

    fn unknown(&self, key: &Spanned<std::borrow::Cow<str>>) -> InFile {
        let near = nearest(key.get_ref(), self.known.iter().copied());
        let hint = match near {
            Some(near) => format!("did you mean {near}"),
            None => format!("known here: {}", self.known.join(", ")),
        };
        let text = format!("unknown key {}", Shown::key(key.get_ref()));
        self.source.refuse(key.span(), text, hint)
    }
}

static EMPTY: std::sync::OnceLock<DeTable<'static>> = std::sync::OnceLock::new();

impl<'t> Value<'t> {
    pub fn place(&self) -> Place {
        self.source.place(self.value.span().start)
    }

    pub fn refuse(&self, text: impl Into<String>, hint: impl Into<String>) -> InFile {
        self.source.refuse(self.value.span(), text, hint)
    }

    pub fn parse<T: FromStr<Err = Invalid>>(&self) -> Result<T, InFile> {
        self.parse_as(str::parse)
    }

    pub fn parse_as<T>(&self, parse: impl Fn(&str) -> Result<T, Invalid>) -> Result<T, InFile> {
        let text = self.text()?;
        parse(text).map_err(|invalid| {
            let text = invalid.part.unwrap_or_else(|| Shown::value(text));
            self.refuse(format!("{text} {}", invalid.text), invalid.hint)
        })
    }

    pub fn text(&self) -> Result<&'t str, InFile> {
        let text = self.value.get_ref().as_str();
        text.ok_or_else(|| self.not_a("a text", "write it in quotes"))
    }

    pub fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    pub fn is_list(&self) -> bool {
        self.value.get_ref().is_array()
    }

    pub fn flag(&self) -> Result<bool, InFile> {
        let flag = self.value.get_ref().as_bool();
        flag.ok_or_else(|| self.not_a("a switch", "write true or false"))
    }

    /// A whole number, without its sign, prefix or underscores: none of them is meant here.
    pub fn number(&self) -> Result<&'t str, InFile> {
        let integer = self
            .value
            .get_ref()
            .as_integer()
            .filter(|integer| integer.radix() == 10);
        let integer = integer.map(|integer| integer.as_str());
        integer.ok_or_else(|| self.not_a("a number", "write digits without quotes"))
    }

    pub fn list(&self) -> Result<Vec<Value<'t>>, InFile> {
        let list = self.value.get_ref().as_array();
        let list = list.ok_or_else(|| self.not_a("a list", "write it in [ ]"))?;
        let source = self.source;
        Ok(list.iter().map(|value| Value { source, value }).collect())
    }

    /// Reads a table, all of whose keys must be known.
    pub fn section<T>(
        &self,
        read: impl FnOnce(&mut Table<'t>) -> Result<T, InFile>,
    ) -> Result<T, InFile> {
        let table = self.value.get_ref().as_table();
        let table = table.ok_or_else(|| self.not_a("a table", "write it in { } or below [ ]"))?;
        let mut table = Table {
            source: self.source,
            at: self.value.span().start,
            table,
            known: Vec::new(),
        };
        let value = read(&mut table)?;
        table.finish()?;
        Ok(value)
    }

    fn not_a(&self, kind: &str, hint: &str) -> InFile {
        let found = self.value.get_ref().type_str();
        self.refuse(format!("is a TOML {found}, and {kind} is meant"), hint)
    }
}
