use std::collections::BTreeMap;
use std::fmt;

use super::{Access, DeviceKind, DeviceRule};
use crate::{BpfError, Result};

/// What is left of a list of rules once each has changed what the ones before it left, starting from "nothing".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DevicePolicy {
    allow_by_default: bool,
    exceptions: BTreeMap<Devices, Access>,
}

/// The devices one exception is about; None is any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Devices {
    pub kind: DeviceKind,
    pub major: Option<u32>,
    pub minor: Option<u32>,
}

impl DevicePolicy {
    pub fn from_rules(rules: impl IntoIterator<Item = DeviceRule>) -> Result<Self> {
        let mut policy = Self::default();
        for rule in rules {
            policy.apply(rule)?;
        }
        Ok(policy)
    }

    /// No program is needed to say this.
    pub fn allows_everything(&self) -> bool {
        self.allow_by_default && self.exceptions.is_empty()
    }

    /// The exceptions are what is denied, not what is allowed.
    pub fn allows_by_default(&self) -> bool {
        self.allow_by_default
    }

    /// In the words of cgroup v1's devices controller (`c 1:3 rwm`).
    pub fn exception_lines(&self) -> impl Iterator<Item = String> + '_ {
        self.exceptions()
            .map(|(devices, access)| format!("{devices} {access}"))
    }

    pub(super) fn exceptions(&self) -> impl Iterator<Item = (Devices, Access)> + '_ {
        self.exceptions
            .iter()
            .map(|(devices, access)| (*devices, *access))
    }

    fn apply(&mut self, rule: DeviceRule) -> Result<()> {
        let Some(kind) = rule.kind else {
            self.allow_by_default = rule.allow;
            self.exceptions.clear();
            return Ok(());
        };
        let devices = Devices {
            kind,
            major: rule.major,
            minor: rule.minor,
        };
        if rule.allow == self.allow_by_default {
            self.take_back(devices, rule.access)
        } else {
            let access = self.exceptions.entry(devices).or_default();
            *access = *access | rule.access;
            Ok(())
        }
    }

    /// A rule that says what holds by default takes an earlier exception for the very same devices back. When a wider
    /// exception would still decide, runc refuses it rather than let the writer believe it was obeyed, and so do we.
    fn take_back(&mut self, devices: Devices, access: Access) -> Result<()> {
        for wider in devices.wider() {
            let overlap = self.exceptions.get(&wider).copied().unwrap_or_default() & access;
            if !overlap.is_empty() {
                return Err(BpfError::PartOfWiderRule {
                    rule: format!("{devices} {access}"),
                    wider: format!("{wider} {overlap}"),
                });
            }
        }
        if let Some(excepted) = self.exceptions.get_mut(&devices) {
            *excepted = *excepted & !access;
            if excepted.is_empty() {
                self.exceptions.remove(&devices);
            }
        }
        Ok(())
    }
}

impl Devices {
    fn wider(self) -> impl Iterator<Item = Self> {
        [(None, self.minor), (self.major, None), (None, None)]
            .map(|(major, minor)| Self {
                kind: self.kind,
                major,
                minor,
            })
            .into_iter()
            .filter(move |wider| *wider != self)
    }
}

impl fmt::Display for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<u32>| number.map_or("*".into(), |number| number.to_string());
        write!(
            f,
            "{} {}:{}",
            self.kind,
            number(self.major),
            number(self.minor)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(
        allow: bool,
        kind: DeviceKind,
        major: Option<u32>,
        minor: Option<u32>,
        access: &str,
    ) -> DeviceRule {
        DeviceRule {
            allow,
            kind: Some(kind),
            major,
            minor,
            access: Access::parse(access).unwrap(),
        }
    }

    fn everything(allow: bool) -> DeviceRule {
        DeviceRule {
            allow,
            kind: None,
            major: None,
            minor: None,
            access: Access::ALL,
        }
    }

    fn exceptions(policy: &DevicePolicy) -> Vec<String> {
        policy
            .exceptions()
            .map(|(devices, access)| format!("{devices} {access}"))
            .collect()
    }

    #[test]
    fn nothing_is_allowed_without_rules() {
        let policy = DevicePolicy::from_rules([]).unwrap();
        assert!(!policy.allows_by_default());
        assert!(exceptions(&policy).is_empty());
    }

    #[test]
    fn a_rule_for_everything_forgets_the_earlier_ones() {
        let null = rule(true, DeviceKind::Char, Some(1), Some(3), "rwm");
        let allowed = DevicePolicy::from_rules([null, everything(true)]).unwrap();
        assert!(allowed.allows_everything());
        let denied = DevicePolicy::from_rules([null, everything(false)]).unwrap();
        assert_eq!(denied, DevicePolicy::default());
    }

    #[test]
    fn accesses_for_the_same_devices_add_up() {
        let policy = DevicePolicy::from_rules([
            rule(true, DeviceKind::Char, Some(1), Some(3), "r"),
            rule(true, DeviceKind::Char, Some(1), Some(3), "w"),
            rule(true, DeviceKind::Block, Some(1), Some(3), "m"),
        ])
        .unwrap();
        assert_eq!(exceptions(&policy), ["b 1:3 m", "c 1:3 rw"]);
    }

    #[test]
    fn a_later_rule_takes_a_part_back() {
        let policy = DevicePolicy::from_rules([
            rule(true, DeviceKind::Char, Some(1), Some(3), "rwm"),
            rule(false, DeviceKind::Char, Some(1), Some(3), "w"),
        ])
        .unwrap();
        assert_eq!(exceptions(&policy), ["c 1:3 rm"]);
    }

    #[test]
    fn taking_back_what_was_never_given_changes_nothing() {
        let policy =
            DevicePolicy::from_rules([rule(false, DeviceKind::Char, Some(1), Some(3), "w")])
                .unwrap();
        assert_eq!(policy, DevicePolicy::default());
    }

    #[test]
    fn a_hole_in_a_wider_rule_is_refused() {
        let error = DevicePolicy::from_rules([
            rule(true, DeviceKind::Char, Some(1), None, "rw"),
            rule(false, DeviceKind::Char, Some(1), Some(3), "wm"),
        ])
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "device rule `c 1:3 wm` can't take a part out of the wider rule `c 1:* w`"
        );
    }

    #[test]
    fn a_wider_rule_for_another_access_is_no_obstacle() {
        let policy = DevicePolicy::from_rules([
            rule(true, DeviceKind::Char, None, None, "m"),
            rule(true, DeviceKind::Char, Some(1), Some(3), "rw"),
            rule(false, DeviceKind::Char, Some(1), Some(3), "rw"),
        ])
        .unwrap();
        assert_eq!(exceptions(&policy), ["c *:* m"]);
    }

    #[test]
    fn under_allow_by_default_the_roles_are_exchanged() {
        let policy = DevicePolicy::from_rules([
            everything(true),
            rule(false, DeviceKind::Block, Some(8), None, "rw"),
            rule(true, DeviceKind::Block, Some(8), None, "r"),
            rule(true, DeviceKind::Char, Some(1), Some(3), "rwm"),
        ])
        .unwrap();
        assert!(policy.allows_by_default() && !policy.allows_everything());
        assert_eq!(exceptions(&policy), ["b 8:* w"]);
    }
}
