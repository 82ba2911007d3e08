//! What the verbs about policies share: where policies come from, acts in words, and how answers are told.

pub mod asked;
pub mod told;

use std::collections::BTreeMap;
use std::path::Path;

use sevorix_policy::{Effective, Folders, Policy, Request, effective};

use crate::cli::Globals;
use crate::error::{Error, Result};

/// The host's files. Those of another root are looked at and not obeyed, so that they may be anybody's.
pub fn folders(host_root: Option<&Path>) -> Folders {
    let mut folders = Folders::default();
    if let Some(root) = host_root {
        folders.must_be_roots = false;
        for folder in [&mut folders.shipped, &mut folders.local] {
            *folder = root.join(folder.strip_prefix("/").unwrap_or(folder));
        }
    }
    folders
}

/// A policy by its name, or by its file where the word is a path.
pub fn find(folders: &Folders, word: &str) -> Result<Policy> {
    if word.contains('/') || word.ends_with(".toml") {
        return Ok(folders.policy_file(Path::new(word))?);
    }
    let name = word
        .parse()
        .map_err(|_| Error::Usage(format!("{word:?} is no name of a policy")))?;
    match folders.policy(&name)? {
        Some(policy) => Ok(policy),
        None => Err(no_such_policy(folders, word)),
    }
}

fn no_such_policy(folders: &Folders, word: &str) -> Error {
    let known = folders.policy_names().unwrap_or_default();
    let known: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    Error::Invalid(format!("there is no policy {word}; there are: {known}"))
}

/// `k=v`, each with or without the prefix.
pub fn annotations(words: &[String]) -> Result<BTreeMap<String, String>> {
    let mut annotations = BTreeMap::new();
    for word in words {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| Error::Usage(format!("{word:?} is not KEY=VALUE")))?;
        let key = match key.contains("sevorix.") || key.starts_with("io.") {
            true => key.to_owned(),
            false => format!("{}{key}", sevorix_policy::PREFIX),
        };
        if annotations.insert(key, value.to_owned()).is_some() {
            return Err(Error::Usage(format!(
                "{word:?} names a key for the second time"
            )));
        }
    }
    Ok(annotations)
}

/// What holds for a container with these annotations; from this policy when there is one.
pub fn granted(
    folders: &Folders,
    base: Option<Policy>,
    annotations: &BTreeMap<String, String>,
    node: Option<&str>,
) -> Result<Option<Effective>> {
    let pairs = annotations
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    let request = Request::parse(pairs, node)?;
    match base {
        None => Ok(folders.effective(&request)?),
        Some(policy) => Ok(Some(effective(&folders.config()?, policy, &request)?)),
    }
}

/// What holds for a container, by its annotations; else of a policy, as if a container named it.
pub fn of(globals: &Globals, folders: &Folders, word: &str) -> Result<Option<Effective>> {
    match globals.runtime()?.load(word) {
        Ok(container) => {
            let annotations = container.state().annotations.clone();
            let annotations = annotations.into_iter().collect();
            granted(folders, None, &annotations, globals.policy.as_deref())
        }
        Err(missing) => match find(folders, word) {
            Ok(policy) => granted(folders, Some(policy), &BTreeMap::new(), None),
            Err(Error::Invalid(_) | Error::Usage(_)) => Err(missing.into()),
            Err(wrong) => Err(wrong),
        },
    }
}
