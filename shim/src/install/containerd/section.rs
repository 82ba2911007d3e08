//! The section of the CRI plugin in a file that also holds other things.

use toml_edit::{DocumentMut, Item, Table, Value, value};

use super::super::{ConfigFile, Error, NAME, toml_text};
use super::{PLUGINS, plugin};

/// A file that holds the section of the CRI plugin.
pub(super) struct Section {
    pub path: String,
    pub version: i64,
    pub entries: Vec<(&'static str, Table)>,
    pub is_default: bool,
}

impl ConfigFile for Section {
    fn path(&self) -> &str {
        &self.path
    }

    /// The tables are added at the end, so that not a byte before them moves.
    fn with(&self, text: Option<&str>) -> Result<String, Error> {
        let mut text = match text {
            Some(text) => text.to_owned(),
            None => format!("version = {}\n", self.version),
        };
        let plugin = plugin(self.version);
        let mut document = toml_text::parse(&self.path, &text)?;
        if self.stands_in(&document) {
            return Ok(text);
        }
        if remove_entry(&mut document, plugin) {
            text = document.to_string();
        }
        let mut is_default = self.is_default;
        if is_default && set_default(&mut document, plugin) {
            text = document.to_string();
            is_default = false;
        }
        if !text.ends_with('\n') && !text.is_empty() {
            text.push('\n');
        }
        let tables = registration(plugin, self.entries.clone(), is_default);
        let whole = format!("{text}\n{tables}");
        toml_text::parse(&self.path, &whole)?;
        Ok(whole)
    }

    fn without(&self, text: &str, _name: Option<&str>) -> Result<Option<String>, Error> {
        unregistered(&self.path, text).map(Some)
    }
}

/// The text without our runtime, under whatever version it was registered.
pub(super) fn unregistered(path: &str, text: &str) -> Result<String, Error> {
    let mut document = toml_text::parse(path, text)?;
    let removed = [1, 2, 3].map(plugin).map(|plugin| {
        let default = remove_default(&mut document, plugin);
        remove_entry(&mut document, plugin) || default
    });
    Ok(match removed.contains(&true) {
        true => document.to_string(),
        false => text.to_owned(),
    })
}

impl Section {
    /// The section as what there is to take our runtime out of.
    pub fn to_remove(path: String, version: i64) -> Self {
        Self {
            path,
            version,
            entries: Vec::new(),
            is_default: false,
        }
    }

    fn stands_in(&self, document: &DocumentMut) -> bool {
        let path = [PLUGINS, plugin(self.version), "containerd"];
        let Some(containerd) = toml_text::table(document, &path) else {
            return false;
        };
        let runtimes = containerd.get("runtimes").and_then(Item::as_table_like);
        let stands = |(name, entry): &(&str, Table)| {
            let found = runtimes.and_then(|runtimes| runtimes.get(name)?.as_table_like());
            found.is_some_and(|found| toml_text::said(found) == toml_text::said(entry))
        };
        let is_default = containerd.get(DEFAULT).and_then(Item::as_str) == Some(NAME);
        self.entries.iter().all(stands) && (is_default || !self.is_default)
    }
}

/// The tables that register the runtime, as a text of their own.
pub(super) fn registration(plugin: &str, entries: Vec<(&str, Table)>, is_default: bool) -> String {
    let implicit = || {
        let mut table = Table::new();
        table.set_implicit(true);
        table
    };
    let [mut plugins, mut section, mut containerd, mut runtimes] =
        std::array::from_fn(|_| implicit());
    for (name, entry) in entries {
        runtimes.insert(name, Item::Table(entry));
    }
    if is_default {
        containerd.insert(DEFAULT, value(NAME));
    }
    containerd.insert("runtimes", Item::Table(runtimes));
    section.insert("containerd", Item::Table(containerd));
    plugins.insert(plugin, Item::Table(section));
    let mut document = DocumentMut::new();
    document.insert(PLUGINS, Item::Table(plugins));
    document.to_string()
}

/// Names the default in a table that is there; false when there is none to name it in.
fn set_default(document: &mut DocumentMut, plugin: &str) -> bool {
    let section = toml_text::table_mut(document, &[PLUGINS, plugin]);
    let Some(containerd) = section.and_then(|section| section.get_mut("containerd")) else {
        return false;
    };
    if containerd.as_table().is_some_and(Table::is_implicit) {
        return false;
    }
    let Some(table) = containerd.as_table_like_mut() else {
        return false;
    };
    match table.get_mut(DEFAULT).and_then(Item::as_value_mut) {
        Some(name) => {
            // A comment behind the earlier name stays where it is.
            let decor = name.decor().clone();
            *name = Value::from(NAME);
            *name.decor_mut() = decor;
        }
        None => {
            table.insert(DEFAULT, value(NAME));
        }
    }
    true
}

fn remove_default(document: &mut DocumentMut, plugin: &str) -> bool {
    let table = toml_text::table_mut(document, &[PLUGINS, plugin, "containerd"]);
    table.is_some_and(|table| {
        let is_ours = table.get(DEFAULT).and_then(Item::as_str) == Some(NAME);
        is_ours && table.remove(DEFAULT).is_some()
    })
}

fn remove_entry(document: &mut DocumentMut, plugin: &str) -> bool {
    let runtimes = toml_text::table_mut(document, &[PLUGINS, plugin, "containerd", "runtimes"]);
    runtimes.is_some_and(|runtimes| runtimes.remove(NAME).is_some())
}

const DEFAULT: &str = "default_runtime_name";
