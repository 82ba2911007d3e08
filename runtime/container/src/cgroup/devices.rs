//! The container's device list: a program on v2, the devices controller on v1.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType, LinuxResources};
use sevorix_bpf::device::{self, Access, DeviceKind, DevicePolicy, DeviceRule};

use super::systemd::{Property, Value};
use super::{Cgroup, CgroupError, folder};

impl Cgroup {
    /// In a cgroup that others have had before, a list that held is replaced, and no device that both allow is ever
    /// refused meanwhile.
    pub(super) fn limit_devices(
        &self,
        rules: &[LinuxDeviceCgroup],
        is_new: bool,
    ) -> Result<(), CgroupError> {
        let policy = policy(rules)?;
        let Some(folder) = self.unified_folder().filter(|_| self.is_unified()) else {
            return self.write_device_list(&policy);
        };
        let cgroup =
            File::open(folder).map_err(|source| CgroupError::io("open", folder, source))?;
        let set = if is_new {
            device::attach
        } else {
            device::replace
        };
        Ok(set(cgroup.as_fd(), &policy)?)
    }

    /// `devices.list` shows the allowed devices, or `a` when it starts from everything; then it can't be told what is
    /// excepted, and the list is begun anew.
    fn write_device_list(&self, policy: &DevicePolicy) -> Result<(), CgroupError> {
        let Some(folder) = self.legacy_folder("devices") else {
            let reason = "this host has no devices controller".into();
            return Err(CgroupError::Resource {
                resource: "devices".into(),
                reason,
            });
        };
        let wanted: Vec<_> = policy.exception_lines().collect();
        let listed = folder::read_file(&folder.join("devices.list"))?;
        if policy.allows_by_default() {
            folder::set(folder, "devices.allow", "a")?;
            return wanted
                .iter()
                .try_for_each(|line| folder::set(folder, "devices.deny", line));
        }
        let begins_with_everything = listed.starts_with('a');
        if begins_with_everything {
            folder::set(folder, "devices.deny", "a")?;
        }
        wanted
            .iter()
            .try_for_each(|line| folder::set(folder, "devices.allow", line))?;
        let stale = listed
            .lines()
            .filter(|line| !begins_with_everything && !wanted.iter().any(|kept| kept == line));
        for line in stale {
            folder::set(folder, "devices.deny", line)?;
            // the same devices with another access are one entry to the kernel
            let devices = line.rsplit_once(' ').map_or(line, |(devices, _)| devices);
            for kept in wanted.iter().filter(|kept| {
                kept.rsplit_once(' ')
                    .is_some_and(|(kept, _)| kept == devices)
            }) {
                folder::set(folder, "devices.allow", kept)?;
            }
        }
        Ok(())
    }
}

impl Cgroup {
    /// On v1 systemd resets the devices controller of every unit at a `daemon-reload`: to everything, unless the unit
    /// has a list of its own. (On v2 it leaves programs of others alone.)
    pub(super) fn device_properties(
        &self,
        rules: &[LinuxDeviceCgroup],
    ) -> Result<Vec<Property>, CgroupError> {
        if self.is_unified() {
            return Ok(Vec::new());
        }
        let policy = policy(rules)?;
        // systemd can't except from "everything"; nothing is lost, as it then has no list to write
        let strictness = if policy.allows_by_default() {
            "auto"
        } else {
            "strict"
        };
        let mut properties = vec![
            ("DevicePolicy", Value::Text(strictness.into())),
            // an empty list ends the earlier one
            ("DeviceAllow", Value::Pairs(Vec::new())),
        ];
        if !policy.allows_by_default() {
            let names = folder::read_if_present(Path::new("/proc/devices"))?.unwrap_or_default();
            let lines: Vec<_> = policy.exception_lines().collect();
            let allowed = lines
                .iter()
                .filter_map(|line| unit_device(line, &names))
                .collect();
            properties.push(("DeviceAllow", Value::Pairs(allowed)));
        }
        Ok(properties)
    }
}

/// A config without rules still has a list: only what every container may do.
pub(super) fn device_rules(resources: Option<&LinuxResources>) -> &[LinuxDeviceCgroup] {
    resources
        .and_then(|resources| resources.devices().as_deref())
        .unwrap_or_default()
}

/// `c 1:3 rwm` as systemd names it: a node for one device, the driver's name for all of a major number.
fn unit_device(line: &str, driver_names: &str) -> Option<(String, String)> {
    let mut fields = line.split([' ', ':']);
    let (kind, major, minor, access) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let kind = if kind == "b" { "block" } else { "char" };
    let device = match (major, minor) {
        ("*", "*") => format!("{kind}-*"),
        ("*", _) => return None,
        (_, "*") => format!("{kind}-{}", driver_name(kind, major, driver_names)?),
        _ => format!("/dev/{kind}/{major}:{minor}"),
    };
    Some((device, access.into()))
}

/// /proc/devices: a section for each kind, of lines with a number and a name.
fn driver_name<'a>(kind: &str, major: &str, names: &'a str) -> Option<&'a str> {
    let heading = if kind == "block" {
        "Block devices:"
    } else {
        "Character devices:"
    };
    let section = names
        .lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.is_empty());
    section
        .filter_map(|line| line.trim().split_once(' '))
        .find(|(number, _)| *number == major)
        .map(|(_, name)| name)
}

/// The config's rules, then what every container may do (runc appends it, so a config can't take it away).
fn policy(rules: &[LinuxDeviceCgroup]) -> Result<DevicePolicy, CgroupError> {
    let rules = rules.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
    Ok(DevicePolicy::from_rules(
        rules.into_iter().chain(device::default_allow_rules()),
    )?)
}

fn rule(rule: &LinuxDeviceCgroup) -> Result<DeviceRule, CgroupError> {
    let unusable = |reason: &str| CgroupError::Resource {
        resource: format!("devices `{rule}`"),
        reason: reason.into(),
    };
    let number = |number: Option<i64>| match number {
        None | Some(-1) => Ok(None),
        Some(number) => u32::try_from(number)
            .map(Some)
            .map_err(|_| unusable("no such device number")),
    };
    let kind = match rule.typ().unwrap_or_default() {
        LinuxDeviceType::A => None,
        LinuxDeviceType::B => Some(DeviceKind::Block),
        LinuxDeviceType::C | LinuxDeviceType::U => Some(DeviceKind::Char),
        LinuxDeviceType::P => return Err(unusable("a pipe is no device")),
    };
    let access = rule.access().as_deref().filter(|access| !access.is_empty());
    Ok(DeviceRule {
        allow: rule.allow(),
        kind,
        major: number(rule.major())?,
        minor: number(rule.minor())?,
        access: Access::parse(access.ok_or_else(|| unusable("the access is missing"))?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names_that_systemd_knows() {
        let names = "Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n  8 sd\n";
        for (line, device) in [
            ("c 1:3 rwm", Some(("/dev/char/1:3", "rwm"))),
            ("c *:* m", Some(("char-*", "m"))),
            ("c 136:* rw", Some(("char-pts", "rw"))),
            ("b 8:* r", Some(("block-sd", "r"))),
            ("b 136:* r", None),
            ("c *:3 r", None),
        ] {
            let device = device.map(|(device, access)| (device.to_owned(), access.to_owned()));
            assert_eq!(unit_device(line, names), device, "{line}");
        }
    }
}
