//! How this host arranges its cgroups.

use std::path::{Path, PathBuf};

use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, TMPFS_MAGIC, statfs};
use serde::{Deserialize, Serialize};

use super::{CgroupError, folder};

pub(super) const ROOT: &str = "/sys/fs/cgroup";

/// Where the hybrid arrangement mounts the v2 hierarchy.
const UNIFIED_BESIDE_LEGACY: &str = "/sys/fs/cgroup/unified";

/// One v1 hierarchy: the controllers mounted together, or one that only has a name (`name=systemd`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Legacy {
    pub controllers: Vec<String>,
    pub folder: PathBuf,
}

impl Legacy {
    /// runc joins no hierarchy whose controllers came after these: a container stays there where its caller is.
    pub fn is_joined(&self) -> bool {
        let is_left_to_us = |name: &String| name.starts_with("name=") || name == "rdma";
        self.is_joined_by_libcontainer() || self.controllers.iter().any(is_left_to_us)
    }

    /// libcontainer joins neither the hierarchies that have a name instead of controllers (by which systemd knows what
    /// belongs to a unit) nor younger controllers.
    pub fn is_joined_by_libcontainer(&self) -> bool {
        self.controllers
            .iter()
            .any(|name| KNOWN_TO_LIBCGROUPS.contains(&name.as_str()))
    }
}

/// The v1 controllers whose hierarchies libcontainer joins.
const KNOWN_TO_LIBCGROUPS: [&str; 12] = [
    "blkio",
    "cpu",
    "cpuacct",
    "cpuset",
    "devices",
    "freezer",
    "hugetlb",
    "memory",
    "net_cls",
    "net_prio",
    "perf_event",
    "pids",
];

/// The folder that this process is in, for each hierarchy of a host with v1; without controllers the v2 one.
pub(super) fn own_folders() -> Result<Vec<Legacy>, CgroupError> {
    let own = own_cgroups()?;
    let mut roots = legacy_roots(&own);
    roots.push(Legacy {
        controllers: Vec::new(),
        folder: UNIFIED_BESIDE_LEGACY.into(),
    });
    let here = |root: Legacy| {
        let member = own.iter().find(|own| own.controllers == root.controllers)?;
        let below = member.path.strip_prefix("/").unwrap_or(&member.path);
        Some(Legacy {
            folder: root.folder.join(below),
            ..root
        })
    };
    Ok(roots.into_iter().filter_map(here).collect())
}

/// The roots of all hierarchies: the v2 one, the v1 ones, or (hybrid) both.
#[derive(Debug)]
pub(super) struct Hierarchies {
    pub unified: Option<PathBuf>,
    pub legacy: Vec<Legacy>,
}

impl Hierarchies {
    pub fn detect() -> Result<Self, CgroupError> {
        let root = Path::new(ROOT);
        let kind = statfs(root)
            .map_err(|source| CgroupError::io("inspect", root, source))?
            .filesystem_type();
        if kind == CGROUP2_SUPER_MAGIC {
            return Ok(Self {
                unified: Some(root.into()),
                legacy: Vec::new(),
            });
        }
        if kind != TMPFS_MAGIC {
            return Err(CgroupError::NoHierarchy { root: root.into() });
        }
        let beside = Path::new(UNIFIED_BESIDE_LEGACY);
        let is_mounted =
            statfs(beside).is_ok_and(|found| found.filesystem_type() == CGROUP2_SUPER_MAGIC);
        let legacy: Vec<_> = legacy_roots(&own_cgroups()?)
            .into_iter()
            .filter(Legacy::is_joined)
            .collect();
        if legacy.is_empty() {
            return Err(CgroupError::NoHierarchy { root: root.into() });
        }
        Ok(Self {
            unified: is_mounted.then(|| beside.into()),
            legacy,
        })
    }

    pub fn is_unified(&self) -> bool {
        self.legacy.is_empty()
    }
}

/// One line of /proc/PID/cgroup.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Membership {
    /// empty for the v2 hierarchy
    pub controllers: Vec<String>,
    pub path: PathBuf,
}

pub(super) fn own_cgroups() -> Result<Vec<Membership>, CgroupError> {
    memberships("self")
}

pub(super) fn memberships(process: &str) -> Result<Vec<Membership>, CgroupError> {
    let file = Path::new("/proc").join(process).join("cgroup");
    Ok(parse_memberships(&folder::read_file(&file)?))
}

fn parse_memberships(text: &str) -> Vec<Membership> {
    let parse = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        let controllers = fields
            .next()?
            .split(',')
            .filter(|name| !name.is_empty())
            .map(String::from)
            .collect();
        Some(Membership {
            controllers,
            path: fields.next()?.into(),
        })
    };
    text.lines().filter_map(parse).collect()
}

/// The mount points by systemd's convention, which the kernel documentation, Docker and runc share: a hierarchy is
/// mounted below [`ROOT`] under its controllers' names or its own, with links for those mounted together. It saves
/// reading the mount table, which has hundreds of lines on a host with containers.
fn legacy_roots(memberships: &[Membership]) -> Vec<Legacy> {
    let root = |membership: &Membership| {
        let first = membership.controllers.first()?;
        let names = [membership.controllers.join(","), first.clone()];
        let candidates = names
            .iter()
            .map(|name| Path::new(ROOT).join(name.trim_start_matches("name=")));
        let folder = candidates.into_iter().find(|folder| folder.is_dir())?;
        Some(Legacy {
            controllers: membership.controllers.clone(),
            folder,
        })
    };
    memberships.iter().filter_map(root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memberships_are_read_in_every_arrangement() {
        let text = "5:cpu,cpuacct:/docker/a\n1:name=systemd:/user.slice/a:b\n0::/init.scope\n";
        let membership = |controllers: &[&str], path: &str| Membership {
            controllers: controllers.iter().map(ToString::to_string).collect(),
            path: path.into(),
        };
        assert_eq!(
            parse_memberships(text),
            [
                membership(&["cpu", "cpuacct"], "/docker/a"),
                membership(&["name=systemd"], "/user.slice/a:b"),
                membership(&[], "/init.scope"),
            ]
        );
    }
}
