//! `linux.resources` as the files to be written.
//!
//! Which files, and what into them, is decided by pure functions, one for each version of cgroups; what is absent from
//! the resources is not written. Only this module's `apply` touches the kernel.

mod convert;
mod legacy;
mod unified;

use std::borrow::Cow;
use std::path::Path;

use oci_spec::runtime::{LinuxRdma, LinuxResources};

use super::{Cgroup, CgroupError, folder};

/// One file to be written. The part of its name before the first dot is the controller it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    file: Cow<'static, str>,
    value: String,
    if_absent: IfAbsent,
}

/// What it means that the kernel has no such file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum IfAbsent {
    Refuse,
    /// what is asked for holds without it
    Ignore,
    /// another file has the same effect
    Write {
        file: &'static str,
        value: String,
    },
}

impl Setting {
    fn new(file: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        Self {
            file: file.into(),
            value: value.to_string(),
            if_absent: IfAbsent::Refuse,
        }
    }

    fn or_ignore(mut self) -> Self {
        self.if_absent = IfAbsent::Ignore;
        self
    }

    fn or_write(mut self, file: &'static str, value: impl ToString) -> Self {
        self.if_absent = IfAbsent::Write {
            file,
            value: value.to_string(),
        };
        self
    }

    /// The file's name and what goes into it.
    pub(super) fn as_written(&self) -> (&str, &str) {
        (&self.file, &self.value)
    }

    fn controller(&self) -> &str {
        self.file.split('.').next().unwrap_or(&self.file)
    }
}

/// What holds now, for resources that only say a part (a swap limit includes the memory limit, for example).
trait Current {
    fn memory_limit(&self) -> Result<Option<i64>, CgroupError>;
    fn cpu_quota(&self) -> Result<Option<String>, CgroupError>;
}

impl Cgroup {
    /// Writes everything the resources say. Some values are only valid beside others (v1's memory limit may not exceed
    /// memory+swap, a CPU quota not its parent's), and which must go first depends on what holds now: one that the
    /// kernel calls invalid is tried once more after the rest.
    pub(super) fn apply_resources(&self, resources: &LinuxResources) -> Result<(), CgroupError> {
        let mut postponed = Vec::new();
        for setting in self.settings(resources)? {
            match self.apply(&setting) {
                Err(error) if error.errno() == Some(libc::EINVAL) => postponed.push(setting),
                result => result?,
            }
        }
        postponed.iter().try_for_each(|setting| self.apply(setting))
    }

    pub(super) fn settings(&self, resources: &LinuxResources) -> Result<Vec<Setting>, CgroupError> {
        if self.is_unified() {
            unified::settings(resources, self)
        } else {
            legacy::settings(resources)
        }
    }

    fn apply(&self, setting: &Setting) -> Result<(), CgroupError> {
        let folder = self.folder_of(setting)?;
        match (
            folder::set(folder, &setting.file, &setting.value),
            &setting.if_absent,
        ) {
            (Err(error), IfAbsent::Ignore) if error.errno() == Some(libc::ENOENT) => Ok(()),
            (Err(error), IfAbsent::Write { file, value })
                if error.errno() == Some(libc::ENOENT) =>
            {
                folder::set(folder, file, value)
            }
            (result, _) => result,
        }
    }

    fn folder_of(&self, setting: &Setting) -> Result<&Path, CgroupError> {
        let controller = setting.controller();
        let folder = if self.is_unified() {
            self.unified_folder()
        } else {
            self.legacy_folder(controller)
        };
        folder.ok_or_else(|| CgroupError::Resource {
            resource: setting.file.to_string(),
            reason: format!("this host has no {controller} controller"),
        })
    }
}

impl Current for Cgroup {
    /// None: unlimited, or nothing to tell.
    fn memory_limit(&self) -> Result<Option<i64>, CgroupError> {
        let Some(folder) = self.unified_folder() else {
            return Ok(None);
        };
        let limit = folder::read_if_present(&folder.join("memory.max"))?;
        Ok(limit.and_then(|limit| limit.trim().parse().ok()))
    }

    fn cpu_quota(&self) -> Result<Option<String>, CgroupError> {
        let Some(folder) = self.unified_folder() else {
            return Ok(None);
        };
        let quota_and_period = folder::read_if_present(&folder.join("cpu.max"))?;
        Ok(quota_and_period.and_then(|text| text.split_whitespace().next().map(String::from)))
    }
}

/// The same file in both versions. Engines built before 2025 write 0 for "not said".
fn pids(limit: i64) -> Option<Setting> {
    match limit {
        0 => None,
        1.. => Some(Setting::new("pids.max", limit)),
        _ => Some(Setting::new("pids.max", "max")),
    }
}

/// The same file in both versions.
fn rdma(resources: &LinuxResources) -> Vec<Setting> {
    let mut devices: Vec<_> = resources.rdma().iter().flatten().collect();
    devices.sort_by_key(|(name, _)| *name);
    let setting = |(device, limits): (&String, &LinuxRdma)| {
        let limit = |key: &str, value: Option<u32>| {
            value
                .map(|value| format!(" {key}={value}"))
                .unwrap_or_default()
        };
        let handles = limit("hca_handle", limits.hca_handles());
        Setting::new(
            "rdma.max",
            format!(
                "{device}{handles}{}",
                limit("hca_object", limits.hca_objects())
            ),
        )
    };
    devices.into_iter().map(setting).collect()
}

fn unusable(resource: &str, reason: impl Into<String>) -> CgroupError {
    CgroupError::Resource {
        resource: resource.into(),
        reason: reason.into(),
    }
}
