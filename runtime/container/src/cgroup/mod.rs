//! A container's cgroup, from its place to its end.
//!
//! It is made and limited here before any process of the container exists, so that the first instruction already runs
//! under its limits and its device list; libcontainer then only writes a pid into it. What exec, kill and delete need
//! is stored when the place is decided: none of it is derived again from a config that may have changed since.

mod devices;
mod error;
mod folder;
mod freezer;
mod hierarchy;
mod join;
mod make;
mod mounts;
mod place;
mod processes;
mod remove;
mod settings;
mod slice;
mod stats;
mod systemd;
mod update;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use error::CgroupError;
pub use make::Placeholder;
pub use mounts::HierarchyMount;
pub use remove::Kill;

use hierarchy::Legacy;
use slice::Unit;

/// Who makes the cgroup: we, or systemd on our behalf (`--systemd-cgroup`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    #[default]
    Cgroupfs,
    Systemd,
}

/// A container's place in the host's cgroup hierarchies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cgroup {
    driver: Driver,
    /// the container's
    id: String,
    /// below the root of every hierarchy, with a leading slash
    path: PathBuf,
    /// what systemd knows it as
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<Unit>,
    /// the folder in the v2 hierarchy; beside v1 (hybrid hosts) it has no controllers but makes the container visible
    /// to programs that ask for a cgroup
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unified: Option<PathBuf>,
    /// the folders in the v1 hierarchies; empty on a unified host
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    legacy: Vec<Legacy>,
}

impl Cgroup {
    /// Below the root of every hierarchy, as /proc/PID/cgroup shows it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder in the cgroup v2 hierarchy, on hosts that have one.
    pub fn unified_folder(&self) -> Option<&Path> {
        self.unified.as_deref()
    }

    pub fn exists(&self) -> bool {
        self.folders().any(Path::exists)
    }

    fn is_unified(&self) -> bool {
        self.legacy.is_empty()
    }

    /// Every folder of this cgroup, one for each hierarchy.
    fn folders(&self) -> impl Iterator<Item = &Path> {
        self.unified
            .as_deref()
            .into_iter()
            .chain(self.legacy.iter().map(|legacy| legacy.folder.as_path()))
    }

    fn legacy_folder(&self, controller: &str) -> Option<&Path> {
        let has = |legacy: &&Legacy| legacy.controllers.iter().any(|name| name == controller);
        self.legacy
            .iter()
            .find(has)
            .map(|legacy| legacy.folder.as_path())
    }
}
