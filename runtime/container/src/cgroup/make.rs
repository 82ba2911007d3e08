//! Making a cgroup, limited from the start.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use oci_spec::runtime::LinuxResources;

use super::devices::device_rules;
use super::hierarchy::ROOT;
use super::systemd::Occupant;
use super::{Cgroup, CgroupError, folder};

/// The processes that are inside for a moment while a container starts: libcontainer's intermediate one, init, and the
/// one that keeps a scope of systemd's alive. With less to go round, no init could be made.
const PIDS_TO_START: i64 = 3;

/// A cgroup between its making and init's being inside. When dropped, systemd may remove the empty cgroup.
#[derive(Debug)]
#[must_use = "init is to be handed over to it"]
pub struct Placeholder {
    cgroup: Cgroup,
    occupant: Option<Occupant>,
    /// the limit that init could not have been made under
    pids_limit: Option<i64>,
}

impl Placeholder {
    /// Once init is inside, and not before.
    pub fn hand_over(mut self) -> Result<(), CgroupError> {
        drop(self.occupant.take());
        self.pids_limit
            .map_or(Ok(()), |limit| self.cgroup.limit_pids(limit))
    }
}

impl Cgroup {
    /// Makes the cgroup with its limits and its device list. On an error nothing of it is left.
    pub fn create(&self, resources: Option<&LinuxResources>) -> Result<Placeholder, CgroupError> {
        let mut made = Made::default();
        let occupant = self.start_unit(resources)?;
        let limited = self.make_folders(&mut made).and_then(|()| {
            if let Some(occupant) = &occupant {
                self.occupy(occupant)?;
            }
            let is_new = occupant.is_some()
                || self
                    .unified
                    .as_ref()
                    .is_some_and(|folder| made.0.contains(folder));
            self.limit_devices(device_rules(resources), is_new)?;
            resources.map_or(Ok(None), |resources| self.limit(resources))
        });
        match limited {
            Ok(pids_limit) => {
                made.keep();
                Ok(Placeholder {
                    cgroup: self.clone(),
                    occupant,
                    pids_limit,
                })
            }
            Err(error) => {
                drop(occupant);
                // the first error is the one that tells what went wrong
                let _ = self.stop_unit();
                Err(error)
            }
        }
    }

    fn limit(&self, resources: &LinuxResources) -> Result<Option<i64>, CgroupError> {
        self.apply_resources(resources)?;
        let limit = resources.pids().map(|pids| pids.limit());
        let too_low = limit.filter(|limit| (1..PIDS_TO_START).contains(limit));
        if too_low.is_some() {
            self.limit_pids(PIDS_TO_START)?;
        }
        Ok(too_low)
    }

    fn limit_pids(&self, limit: i64) -> Result<(), CgroupError> {
        let folder = if self.is_unified() {
            self.unified_folder()
        } else {
            self.legacy_folder("pids")
        };
        folder.map_or(Ok(()), |folder| {
            folder::set(folder, "pids.max", &limit.to_string())
        })
    }

    /// On v1 a `daemon-reload` removes empty folders of a unit, also those we made.
    fn occupy(&self, occupant: &Occupant) -> Result<(), CgroupError> {
        let pid = occupant.pid().to_string();
        self.legacy
            .iter()
            .try_for_each(|legacy| folder::set(&legacy.folder, "cgroup.procs", &pid))
    }

    fn make_folders(&self, made: &mut Made) -> Result<(), CgroupError> {
        if let Some(folder) = &self.unified {
            if self.is_unified() {
                made.unified_folder(folder)?;
            } else {
                made.folders(folder)?;
            }
        }
        for legacy in &self.legacy {
            made.folders(&legacy.folder)?;
            if legacy.controllers.iter().any(|name| name == "cpuset") {
                inherit_cpuset(&legacy.folder)?;
            }
        }
        Ok(())
    }
}

/// The folders made so far, which go again unless they are kept.
#[derive(Default)]
struct Made(Vec<PathBuf>);

impl Made {
    fn keep(mut self) {
        self.0.clear();
    }

    /// The parent mostly exists, and has every controller to give, since the container before this one.
    fn unified_folder(&mut self, folder: &Path) -> Result<(), CgroupError> {
        let controllers =
            |folder: &Path| folder::read_if_present(&folder.join("cgroup.controllers"));
        let available = controllers(Path::new(ROOT))?.unwrap_or_default();
        if self.folder(folder).is_ok()
            && controllers(folder)?.is_some_and(|given| given == available)
        {
            return Ok(());
        }
        let mut ancestors: Vec<_> = folder
            .ancestors()
            .skip(1)
            .take_while(|above| above.starts_with(ROOT))
            .collect();
        ancestors.reverse();
        for above in ancestors {
            self.folder(above)?;
            give_controllers(above, &available);
        }
        self.folder(folder)
    }

    fn folders(&mut self, folder: &Path) -> Result<(), CgroupError> {
        match self.folder(folder) {
            Err(error) if error.errno() == Some(libc::ENOENT) => {}
            result => return result,
        }
        self.folders(folder.parent().unwrap_or(Path::new(ROOT)))?;
        self.folder(folder)
    }

    fn folder(&mut self, folder: &Path) -> Result<(), CgroupError> {
        // not left to the umask: whoever may write here may make cgroups
        match DirBuilder::new().mode(0o755).create(folder) {
            Ok(()) => self.0.push(folder.into()),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(CgroupError::io("make", folder, source)),
        }
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // best effort: whoever put something inside meanwhile keeps it
        for folder in self.0.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Lets the folders below have every controller. One that can't be given (the cgroup holds processes, a realtime task
/// runs, it is not delegated) only matters to a limit that needs it: setting that says so.
fn give_controllers(folder: &Path, available: &str) {
    let all: Vec<_> = available
        .split_whitespace()
        .map(|name| format!("+{name}"))
        .collect();
    if folder::set(folder, "cgroup.subtree_control", &all.join(" ")).is_err() {
        for one in &all {
            let _ = folder::set(folder, "cgroup.subtree_control", one);
        }
    }
}

/// A new v1 cpuset has neither processors nor memory and takes no process before it has.
fn inherit_cpuset(folder: &Path) -> Result<(), CgroupError> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if !folder::read_file(&folder.join(file))?.trim().is_empty() {
            continue;
        }
        if let Some(parent) = folder.parent().filter(|parent| *parent != Path::new(ROOT)) {
            inherit_cpuset(parent)?;
            let inherited = folder::read_file(&parent.join(file))?;
            folder::set(folder, file, inherited.trim())?;
        }
    }
    Ok(())
}
