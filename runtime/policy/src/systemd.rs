//! `org.systemd.property.*`: properties of the container's systemd unit.
//!
//! A caller who may set any property of a unit can run programs on the host (GHSA-2cgq-h8xw-2v5j).
//! Podman and CRI-O set a few harmless ones on every container, though, so that refusing them all
//! would refuse those engines. What passes is exactly what they write.

/// The prefix of the annotations.
pub(crate) const PREFIX: &str = "org.systemd.property.";

/// Which properties of the systemd unit a caller may set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SystemdProperties {
    /// Those that engines set by themselves, with values that do no harm.
    #[default]
    OfEngines,
    /// Any: the host's configuration says that its callers are trusted.
    Any,
}

impl SystemdProperties {
    pub(crate) fn allow(self, property: &str, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OfEngines => is_of_an_engine(property, value),
        }
    }
}

fn is_of_an_engine(property: &str, value: &str) -> bool {
    match property {
        // Podman: the container's stop signal.
        "KillSignal" => value.parse().is_ok_and(|signal: u8| signal <= 64),
        // Podman and CRI-O: the time a container is given to stop.
        "TimeoutStopUSec" => value
            .strip_prefix("uint64 ")
            .is_some_and(|time| time.parse::<u64>().is_ok()),
        // CRI-O: containers stop before it does when the host shuts down.
        "DefaultDependencies" => value == "true",
        "After" => value == "['crio.service']",
        // CRI-O: failed units are collected.
        "CollectMode" => value == "'inactive-or-failed'",
        // containerd's cgroup_writable; every runtime sets it on a scope anyway.
        "Delegate" => value == "true",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_engines_write_passes_and_nothing_else() {
        let rows = [
            ("KillSignal", "15", true),
            ("KillSignal", "65", false),
            ("TimeoutStopUSec", "uint64 10000000", true),
            ("TimeoutStopUSec", "10000000", false),
            ("DefaultDependencies", "true", true),
            ("DefaultDependencies", "false", false),
            ("After", "['crio.service']", true),
            ("After", "['other.service']", false),
            ("CollectMode", "'inactive-or-failed'", true),
            ("CollectMode", "'inactive'", false),
            ("Delegate", "true", true),
            ("Delegate", "false", false),
            ("ExecStopPost", "[('/bin/sh', ['sh'], false)]", false),
            ("killsignal", "15", false),
            ("", "", false),
        ];
        for (property, value, passes) in rows {
            let allowed = SystemdProperties::OfEngines.allow(property, value);
            assert_eq!(allowed, passes, "{property}={value}");
        }
    }

    #[test]
    fn a_host_may_allow_all() {
        assert!(SystemdProperties::Any.allow("ExecStopPost", "x"));
    }
}
