//! What a file was before the runtime was written into it.
//!
//! Taking a runtime out of a text leaves traces: an empty table, a default that had another value.
//! So the text that was found is kept, and put back as long as the file is the one that was written.

use serde::{Deserialize, Serialize};

use super::Error;
use super::host::Host;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The text to return to; `None`: there was no file.
    pub original: Option<String>,
    /// The text that was written in its place.
    written: String,
    /// The folders that were made for it, the outermost first.
    created: Vec<String>,
}

impl Record {
    pub fn returning_to(original: Option<String>) -> Self {
        Self {
            original,
            ..Self::default()
        }
    }

    /// The record of a file, if the file still is what was written.
    pub fn of(host: &Host, path: &str, text: Option<&str>) -> Result<Option<Self>, Error> {
        let record = Self::stored(host, path)?;
        Ok(record.filter(|record| text == Some(&*record.written)))
    }

    pub fn stored(host: &Host, path: &str) -> Result<Option<Self>, Error> {
        let place = place(path);
        let Some(text) = host.read(&place)? else {
            return Ok(None);
        };
        let record = serde_json::from_str(&text).map_err(|error| Error::Broken {
            path: host.at(&place),
            line: error.line(),
            reason: error.to_string(),
        })?;
        Ok(Some(record))
    }

    pub fn written(self, text: &str) -> Self {
        Self {
            written: text.to_owned(),
            ..self
        }
    }

    /// Also notes the folders that the file will need; those of an earlier record stay noted.
    pub fn store(&self, host: &Host, path: &str) -> Result<(), Error> {
        let mut record = self.clone();
        record.created = match Self::stored(host, path)? {
            Some(known) => known.created,
            None => host.missing_parents(path),
        };
        let text = serde_json::json!(record).to_string();
        host.write(&place(path), &text, PRIVATE)
    }

    /// Removes the record, and the folders that are empty without the file.
    pub fn forget(host: &Host, path: &str) -> Result<(), Error> {
        let Some(record) = Self::stored(host, path)? else {
            return Ok(());
        };
        host.remove(&place(path))?;
        host.remove_empty(record.created.iter().rev().map(String::as_str))?;
        host.remove_empty([FOLDER, PARENT])
    }
}

fn place(path: &str) -> String {
    let name = path.trim_start_matches('/').replace('/', "_");
    format!("{FOLDER}/{name}.json")
}

/// The original may have been private: registries' passwords stand in such files.
const PRIVATE: u32 = 0o600;
const PARENT: &str = "/var/lib/sevorix";
const FOLDER: &str = "/var/lib/sevorix/install";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::TestHost;
    use super::super::{Engine, Options, install};
    use super::*;

    const DOCKER: &str = "/etc/docker/daemon.json";

    #[test]
    fn a_file_that_the_operator_removed_leaves_no_trace() {
        let host = TestHost::new(Engine::Docker);
        let before = host.tree();
        host.install().expect("install");
        fs::remove_file(host.at(DOCKER)).expect("remove");
        assert!(!host.uninstall().expect("uninstall").changes_anything());
        assert_eq!(host.tree(), before);
    }

    #[test]
    fn without_a_record_the_file_is_cleaned_by_what_stands_in_it() {
        let host = TestHost::new(Engine::Docker).with(DOCKER, "{\n  \"debug\": true\n}\n");
        host.install().expect("install");
        fs::remove_dir_all(host.at(PARENT)).expect("remove");
        host.uninstall().expect("uninstall");
        assert_eq!(host.get(DOCKER), "{\n  \"debug\": true\n}\n");
    }

    #[test]
    fn one_broken_file_stops_all_engines() {
        let host = TestHost::new(Engine::Docker).with("/etc/crio/crio.conf", "[");
        let before = host.tree();
        let options = Options {
            engines: Engine::ALL.to_vec(),
            ..host.options()
        };
        install(&options).expect_err("broken");
        assert_eq!(host.tree(), before);
    }
}
