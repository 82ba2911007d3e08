//! Cgroups that systemd makes on our behalf: one transient scope for each container.

mod bus;
mod message;
mod occupant;
mod properties;
mod wire;

use std::io;

use oci_spec::runtime::LinuxResources;

use super::devices::device_rules;
use super::{Cgroup, CgroupError, folder};
use bus::Manager;
pub(super) use occupant::Occupant;
pub(super) use wire::{Property, Value};

/// What went wrong between us and systemd.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error(
        "systemd cgroup flag passed, but systemd support for managing cgroups is not available"
    )]
    Unavailable,
    #[error("unable to {action}")]
    Io {
        action: &'static str,
        source: io::Error,
    },
    #[error("{text} ({name})")]
    Refused { name: String, text: String },
    #[error("the job ended with `{result}`")]
    Job { result: String },
    #[error("unexpected answer: {0}")]
    Protocol(&'static str),
}

impl BusError {
    /// The next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable => {
                Some("this host was not booted with systemd: use the cgroupfs driver".into())
            }
            Self::Refused { name, .. } if is(name, "UnitExists") => Some(
                "a unit of this name runs already: `systemctl status` tells whose it is".into(),
            ),
            Self::Job { .. } => Some("`journalctl -b -u UNIT` tells why".into()),
            _ => None,
        }
    }

    fn says(&self, error: &str) -> bool {
        matches!(self, Self::Refused { name, .. } if is(name, error))
    }
}

fn is(name: &str, error: &str) -> bool {
    name.strip_prefix("org.freedesktop.systemd1.") == Some(error)
}

impl Cgroup {
    /// Lets systemd make the unit. A scope can't be empty, so a process of ours is in it until init is.
    pub(super) fn start_unit(
        &self,
        resources: Option<&LinuxResources>,
    ) -> Result<Option<Occupant>, CgroupError> {
        let Some(unit) = &self.unit else {
            return Ok(None);
        };
        let mut properties =
            resources.map_or(Ok(Vec::new()), |resources| self.limit_properties(resources))?;
        properties.extend(self.device_properties(device_rules(resources))?);
        let failed = |source| CgroupError::Systemd {
            action: "start",
            unit: unit.name.clone(),
            source,
        };
        let mut manager = Manager::connect().map_err(failed)?;
        let occupant = if unit.is_slice() {
            None
        } else {
            Some(Occupant::start())
        };
        let occupant = occupant
            .transpose()
            .map_err(|source| CgroupError::io("fork for", &self.path, source))?;
        let pid = occupant.as_ref().map(Occupant::pid);
        let mut all = properties::unit(unit, &self.id, pid, self.is_unified());
        all.extend(properties);
        match manager.start_transient_unit(&unit.name, &all) {
            // the kubelet's slices are there before their first container
            Err(error) if error.says("UnitExists") && unit.is_slice() => {}
            Err(error) if error.says("UnitExists") => {
                // the name may be kept by a unit that failed: once forgotten, it is free
                manager.reset_failed_unit(&unit.name).map_err(failed)?;
                manager
                    .start_transient_unit(&unit.name, &all)
                    .map_err(failed)?;
            }
            result => result.map_err(failed)?,
        }
        match occupant {
            Some(occupant) if !self.holds(&occupant)? => Err(failed(BusError::Job {
                result: "the process is not inside".into(),
            })),
            occupant => Ok(occupant),
        }
    }

    /// In the hierarchy by which systemd tells what belongs to the unit.
    fn holds(&self, occupant: &Occupant) -> Result<bool, CgroupError> {
        let Some(folder) = self.legacy_folder("name=systemd").or(self.unified_folder()) else {
            return Ok(true);
        };
        Ok(folder::processes(folder)?
            .iter()
            .any(|pid| pid.as_raw().unsigned_abs() == occupant.pid()))
    }

    /// Ends the unit; systemd kills what is inside. One that is gone, as scopes are once empty, is no error.
    pub(super) fn stop_unit(&self) -> Result<(), CgroupError> {
        let Some(unit) = &self.unit else {
            return Ok(());
        };
        let failed = |source| CgroupError::Systemd {
            action: "stop",
            unit: unit.name.clone(),
            source,
        };
        let mut manager = Manager::connect().map_err(failed)?;
        match manager.stop_unit(&unit.name) {
            Err(error) if error.says("NoSuchUnit") => return Ok(()),
            result => result.map_err(failed)?,
        }
        match manager.reset_failed_unit(&unit.name) {
            Err(error) if !error.says("NoSuchUnit") => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// Tells systemd what is about to be written, before it is: systemd writes its own, rounded form at once.
    pub(super) fn update_unit(&self, resources: &LinuxResources) -> Result<(), CgroupError> {
        let Some(unit) = &self.unit else {
            return Ok(());
        };
        let mut properties = self.limit_properties(resources)?;
        if let Some(rules) = resources.devices() {
            properties.extend(self.device_properties(rules)?);
        }
        if properties.is_empty() {
            return Ok(());
        }
        let failed = |source| CgroupError::Systemd {
            action: "change",
            unit: unit.name.clone(),
            source,
        };
        Manager::connect()
            .and_then(|mut manager| manager.set_unit_properties(&unit.name, &properties))
            .map_err(failed)
    }

    fn limit_properties(&self, resources: &LinuxResources) -> Result<Vec<Property>, CgroupError> {
        let settings = self.settings(resources)?;
        Ok(properties::limits(
            settings.iter().map(|setting| setting.as_written()),
        ))
    }
}
