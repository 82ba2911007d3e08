//! What a container sees of its cgroup on hosts with v1.
//!
//! libcontainer mounts each v1 hierarchy writable whatever the caller asked for. Bind mounts of the container's own
//! folders show the same and keep the caller's options, in a cgroup namespace and without one.

use std::path::{Path, PathBuf};

use super::hierarchy::{Legacy, ROOT, own_folders};
use super::{Cgroup, CgroupError};

/// The container's folder of one hierarchy, and the name the hierarchy is mounted under.
#[derive(Debug, PartialEq, Eq)]
pub struct HierarchyMount {
    pub name: PathBuf,
    pub source: PathBuf,
    /// other names of the same hierarchy: its controllers, when several are mounted together
    pub links: Vec<String>,
}

impl Cgroup {
    /// Empty on a unified host, where one cgroup2 mount shows everything and keeps its options. Of a hierarchy that the
    /// container does not join it sees the folder it is in all the same.
    pub fn legacy_mounts(&self) -> Result<Vec<HierarchyMount>, CgroupError> {
        if self.is_unified() {
            return Ok(Vec::new());
        }
        let others = own_folders()?
            .into_iter()
            .filter(|own| !own.controllers.is_empty() && !own.is_joined());
        let shown: Vec<_> = self.legacy.iter().cloned().chain(others).collect();
        Ok(hierarchy_mounts(&shown))
    }
}

fn hierarchy_mounts(legacy: &[Legacy]) -> Vec<HierarchyMount> {
    let mount = |legacy: &Legacy| {
        let name: PathBuf = legacy
            .folder
            .strip_prefix(ROOT)
            .ok()?
            .components()
            .take(1)
            .collect();
        let is_link =
            |controller: &&String| legacy.controllers.len() > 1 && Path::new(controller) != name;
        let links = legacy.controllers.iter().filter(is_link).cloned().collect();
        Some(HierarchyMount {
            name,
            source: legacy.folder.clone(),
            links,
        })
    };
    legacy.iter().filter_map(mount).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_mounted_together_are_one_mount_with_links() {
        let legacy = |controllers: &[&str], folder: &str| Legacy {
            controllers: controllers.iter().map(ToString::to_string).collect(),
            folder: folder.into(),
        };
        let mounts = hierarchy_mounts(&[
            legacy(&["cpu", "cpuacct"], "/sys/fs/cgroup/cpu,cpuacct/docker/a"),
            legacy(&["name=systemd"], "/sys/fs/cgroup/systemd/docker/a"),
        ]);
        assert_eq!(mounts[0].name, Path::new("cpu,cpuacct"));
        assert_eq!(mounts[0].links, ["cpu", "cpuacct"]);
        assert_eq!(mounts[1].name, Path::new("systemd"));
        assert!(mounts[1].links.is_empty());
    }
}
