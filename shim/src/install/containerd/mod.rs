//! containerd: `/etc/containerd/config.toml` and what it imports.
//!
//! From version 3 of the configuration on, imported files are merged key by key, and a file of our
//! own is enough. Before that an imported file replaces the whole section of the CRI plugin
//! (containerd#5837): a file of our own would take the operator's settings with it. There the
//! runtime is written into the file whose section counts.

mod configs;
mod section;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use toml_edit::{Array, DocumentMut, Item, Value, value};

use super::drop_in::DropIn;
use super::engine::Files;
use super::host::Host;
use super::{ConfigFile, Error, Runtime, toml_text};
use configs::Configs;
use section::{Section, registration, unregistered};

pub(super) fn files_to_install(host: &Host, runtime: &Runtime) -> Result<Files, Error> {
    let mut configs = Configs::read(host)?;
    configs.loaded.retain(|(path, _)| path != DROP_IN);
    let entries = configs.entries(runtime);
    let version = configs.version;
    if version < FIRST_MERGED {
        return Ok(vec![Box::new(Section {
            path: configs.whose_section_counts().to_owned(),
            version,
            entries,
            is_default: runtime.is_default,
        })]);
    }
    let body = registration(plugin(version), entries, runtime.is_default);
    Ok(vec![
        Box::new(Imports),
        Box::new(DropIn::new(
            DROP_IN,
            format!("version = {version}\n\n{body}"),
        )),
    ])
}

pub(super) fn files_to_uninstall(host: &Host) -> Result<Files, Error> {
    let configs = Configs::read(host)?;
    let version = configs.version;
    let mut files: Files = vec![Box::new(DropIn::to_remove(DROP_IN))];
    for (path, _) in configs.loaded {
        match &*path {
            DROP_IN => {}
            MAIN if version >= FIRST_MERGED => files.push(Box::new(Imports)),
            _ => files.push(Box::new(Section::to_remove(path, version))),
        }
    }
    Ok(files)
}

/// `config.toml` of a release that merges: it only has to import our file.
struct Imports;

impl ConfigFile for Imports {
    fn path(&self) -> &str {
        MAIN
    }

    fn with(&self, text: Option<&str>) -> Result<String, Error> {
        let text = text.unwrap_or_default();
        let mut document = toml_text::parse(MAIN, text)?;
        if imports(&document).iter().any(|pattern| covers(pattern)) {
            return Ok(text.to_owned());
        }
        let list = document.entry("imports").or_insert(value(Array::new()));
        match list.as_array_mut() {
            Some(list) => list.push(PATTERN),
            None => return Err(broken("\"imports\" is not a list")),
        }
        Ok(document.to_string())
    }

    fn without(&self, text: &str, _name: Option<&str>) -> Result<Option<String>, Error> {
        // An entry may have come along from an earlier version of the file.
        let text = unregistered(MAIN, text)?;
        let mut document = toml_text::parse(MAIN, &text)?;
        let list = document.get_mut("imports").and_then(Item::as_array_mut);
        let Some(list) = list.filter(|list| list.iter().any(is_ours)) else {
            return Ok(Some(text));
        };
        list.retain(|pattern| !is_ours(pattern));
        if list.is_empty() {
            document.remove("imports");
        }
        Ok(Some(document.to_string()))
    }
}

/// Whether a pattern imports our file already.
fn covers(pattern: &str) -> bool {
    let pattern = glob::Pattern::new(&absolute(pattern));
    pattern.is_ok_and(|pattern| pattern.matches(DROP_IN))
}

fn is_ours(pattern: &Value) -> bool {
    pattern.as_str() == Some(PATTERN)
}

fn imports(main: &DocumentMut) -> Vec<String> {
    let list = main.get("imports").and_then(|item| item.as_array());
    let patterns = list.into_iter().flatten().filter_map(Value::as_str);
    patterns.map(str::to_owned).collect()
}

fn absolute(pattern: &str) -> String {
    match pattern.starts_with('/') {
        true => pattern.to_owned(),
        false => format!("{FOLDER}/{}", pattern.trim_start_matches("./")),
    }
}

fn plugin(version: i64) -> &'static str {
    match version {
        1 => "cri",
        2 => "io.containerd.grpc.v1.cri",
        _ => "io.containerd.cri.v1.runtime",
    }
}

fn broken(reason: &str) -> Error {
    Error::Broken {
        path: PathBuf::from(MAIN),
        line: 1,
        reason: reason.to_owned(),
    }
}

/// The first version of the configuration whose imports are merged key by key.
const FIRST_MERGED: i64 = 3;
const FOLDER: &str = "/etc/containerd";
const MAIN: &str = "/etc/containerd/config.toml";
const DROP_IN: &str = "/etc/containerd/conf.d/99-sevorix.toml";
/// Imports our file and no other that may lie beside it. A pattern, since containerd does not start
/// when a file that it imports by name is missing.
const PATTERN: &str = "/etc/containerd/conf.d/99-sevorix*.toml";
const PLUGINS: &str = "plugins";
