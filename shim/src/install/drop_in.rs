//! A file of our own in a folder that an engine reads: present or absent as a whole.

use std::path::PathBuf;

use super::{ConfigFile, Error};

pub(super) struct DropIn {
    path: &'static str,
    /// What the engine shall read; nothing when the file is only to be removed.
    body: String,
}

impl DropIn {
    pub fn new(path: &'static str, body: String) -> Self {
        Self { path, body }
    }

    /// The file as what there is to take out.
    pub fn to_remove(path: &'static str) -> Self {
        Self::new(path, String::new())
    }
}

impl ConfigFile for DropIn {
    fn path(&self) -> &str {
        self.path
    }

    fn with(&self, text: Option<&str>) -> Result<String, Error> {
        match text {
            Some(text) if !text.starts_with(HEADER) => Err(Error::NotOurs {
                path: PathBuf::from(self.path),
            }),
            _ => Ok(format!("{HEADER}{}", self.body)),
        }
    }

    fn without(&self, text: &str, _name: Option<&str>) -> Result<Option<String>, Error> {
        Ok((!text.starts_with(HEADER)).then(|| text.to_owned()))
    }
}

const HEADER: &str = "# Written by `sevorix install`; `sevorix uninstall` removes it.\n";
