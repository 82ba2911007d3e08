//! Cgroups that systemd makes on our behalf.

use std::path::Path;

use oci_spec::runtime::LinuxResources;

use super::CgroupError;
use super::slice::Unit;

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("systemd support for managing cgroups is not available")]
    Unavailable,
}

impl BusError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable => {
                Some("this host was not booted with systemd: use the cgroupfs driver".into())
            }
        }
    }
}

/// A process that does nothing but be inside.
#[derive(Debug)]
pub(super) struct Occupant {}

fn unavailable(action: &'static str, unit: &Unit) -> CgroupError {
    CgroupError::Systemd {
        action,
        unit: unit.name.clone(),
        source: BusError::Unavailable,
    }
}

pub(super) fn start<'a>(
    unit: &Unit,
    _id: &str,
    _resources: Option<&LinuxResources>,
    _folders: impl Iterator<Item = &'a Path>,
) -> Result<Occupant, CgroupError> {
    Err(unavailable("start", unit))
}

pub(super) fn stop(unit: &Unit) -> Result<(), CgroupError> {
    Err(unavailable("stop", unit))
}

pub(super) fn set_properties(unit: &Unit, _resources: &LinuxResources) -> Result<(), CgroupError> {
    Err(unavailable("change", unit))
}
