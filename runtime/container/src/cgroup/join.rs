//! How processes get into the cgroup: through libcontainer, which writes the pid of the process it has just made.

use std::path::{Component, Path, PathBuf};

use libcgroups::common::CgroupConfig;
use nix::unistd::Pid;

use super::hierarchy::{memberships, own_folders};
use super::{Cgroup, CgroupError, folder};

impl Cgroup {
    /// For init. libcgroups finds the folder existing and attaches to it, whoever made it.
    pub fn libcontainer_config(&self) -> CgroupConfig {
        self.config_at(self.path.clone())
    }

    /// For one more process: the container's own cgroup or the asked-for one inside it. When the container has given
    /// controllers to cgroups of its own inside, its cgroup can't hold processes any more, and init's takes its place.
    pub fn for_exec(
        &self,
        init: Pid,
        sub_cgroup: Option<&str>,
    ) -> Result<CgroupConfig, CgroupError> {
        if let Some(sub_cgroup) = sub_cgroup {
            return self.inside(sub_cgroup).map(|path| self.config_at(path));
        }
        let path = match self.unified_folder() {
            Some(folder) if self.is_unified() && !holds_processes(folder)? => {
                self.cgroup_of(init)?
            }
            _ => self.path.clone(),
        };
        Ok(self.config_at(path))
    }

    /// Puts a process into the hierarchies that libcontainer leaves out on hosts with v1, the v2 one among them.
    pub fn join_left_out(&self, process: Pid) -> Result<(), CgroupError> {
        let pid = process.to_string();
        self.left_out()
            .try_for_each(|(_, folder)| folder::set(folder, "cgroup.procs", &pid))
    }

    /// Takes this process there for a while, so that what it starts is inside from its birth: a cgroup namespace shows
    /// as its root the place where its maker was.
    pub fn visit_left_out(&self) -> Result<Visit, CgroupError> {
        let mut visit = Visit { homes: Vec::new() };
        if self.left_out().next().is_none() {
            return Ok(visit);
        }
        let homes = own_folders()?;
        for (controllers, folder) in self.left_out() {
            let home = homes.iter().find(|home| home.controllers == controllers);
            folder::set(folder, "cgroup.procs", "0")?;
            visit.homes.extend(home.map(|home| home.folder.clone()));
        }
        Ok(visit)
    }

    /// With the controllers of each hierarchy, by which it is told from the others.
    fn left_out(&self) -> impl Iterator<Item = (&[String], &Path)> {
        let unified = (!self.is_unified())
            .then(|| self.unified_folder())
            .flatten();
        let legacy = self
            .legacy
            .iter()
            .filter(|legacy| !legacy.is_joined_by_libcontainer());
        unified
            .into_iter()
            .map(|folder| (&[][..], folder))
            .chain(legacy.map(|legacy| (legacy.controllers.as_slice(), legacy.folder.as_path())))
    }

    fn inside(&self, sub_cgroup: &str) -> Result<PathBuf, CgroupError> {
        let refuse = |reason| CgroupError::Path {
            path: sub_cgroup.into(),
            reason,
        };
        let below = Path::new(sub_cgroup.trim_start_matches('/'));
        if !below
            .components()
            .all(|component| matches!(component, Component::Normal(_) | Component::CurDir))
        {
            return Err(refuse("it leads out of the container's cgroup"));
        }
        // libcontainer would make it, in the name of whoever mistyped it
        if !self.folders().any(|folder| folder.join(below).is_dir()) {
            return Err(refuse("there is no such cgroup in the container's"));
        }
        Ok(self.path.join(below))
    }

    fn cgroup_of(&self, process: Pid) -> Result<PathBuf, CgroupError> {
        let found = memberships(&process.to_string())?
            .into_iter()
            .find(|member| member.controllers.is_empty());
        let path = found.map(|member| member.path).unwrap_or_default();
        // a process that has ended is shown at the root, and one that was moved away is none of ours
        if path.starts_with(&self.path) {
            Ok(path)
        } else {
            Ok(self.path.clone())
        }
    }

    fn config_at(&self, cgroup_path: PathBuf) -> CgroupConfig {
        CgroupConfig {
            cgroup_path,
            systemd_cgroup: false,
            container_name: self.id.clone(),
        }
    }
}

/// This process in a container's cgroups. It goes home at the end, or the cgroups could not be removed while it lives.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct Visit {
    homes: Vec<PathBuf>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        for home in &self.homes {
            if let Err(error) = folder::set(home, "cgroup.procs", "0") {
                tracing::warn!("the runtime stays in the container's cgroup: {error}");
            }
        }
    }
}

/// No longer when it gives controllers to cgroups inside it (EBUSY) or is not a domain of its own (EOPNOTSUPP).
fn holds_processes(folder: &Path) -> Result<bool, CgroupError> {
    let given = folder::read_file(&folder.join("cgroup.subtree_control"))?;
    if !given.trim().is_empty() {
        return Ok(false);
    }
    Ok(folder::read_file(&folder.join("cgroup.type"))?.trim() != "domain invalid")
}
