//! What may be mounted where the container's processes look for /proc: whatever is told apart by its files, security
//! profiles above all, must not be faked by a volume or by a link of the image.

use std::path::Path;

use libcontainer::oci_spec::runtime::Mount;
use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};

use crate::bundle::is_bind;
use crate::{Error, Result};

/// `place` is where the destination really lies in the image.
pub fn check(mount: &Mount, place: &Path) -> Result<()> {
    let kind = mount.typ().as_deref().unwrap_or_default();
    let refuse = |reason: String| {
        let source = mount.source().as_deref().unwrap_or(Path::new(""));
        Err(Error::Bundle(format!(
            "error mounting {source:?} to rootfs at {:?}: {reason}",
            mount.destination()
        )))
    };
    if matches!(kind, "proc" | "sysfs") && place != mount.destination() {
        return refuse(format!(
            "filesystem {kind:?} must be mounted on ordinary directory"
        ));
    }
    match place.strip_prefix("/proc") {
        Err(_) => Ok(()),
        Ok(below) if below == Path::new("") => {
            if kind == "proc" || is_bind_of_procfs(mount) {
                return Ok(());
            }
            refuse(format!(
                "{place:?} cannot be mounted because it is not of type proc"
            ))
        }
        Ok(below) if FAKED.iter().any(|file| below == Path::new(file)) => Ok(()),
        Ok(_) => refuse(format!(
            "{place:?} cannot be mounted because it is inside /proc"
        )),
    }
}

fn is_bind_of_procfs(mount: &Mount) -> bool {
    let source = mount.source().as_deref().filter(|_| is_bind(mount));
    let file_system = source.and_then(|source| statfs(source).ok());
    file_system.is_some_and(|found| found.filesystem_type() == PROC_SUPER_MAGIC)
}

/// Files that lxcfs shows in the container's own measure, and two that tools set; runc lets them pass.
const FAKED: [&str; 11] = [
    "cpuinfo",
    "diskstats",
    "meminfo",
    "stat",
    "swaps",
    "uptime",
    "loadavg",
    "slabinfo",
    "net/dev",
    "sys/kernel/ns_last_pid",
    "sys/crypto/fips_enabled",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kind: &str, source: &str, destination: &str, place: &str) -> Result<()> {
        let json =
            format!(r#"{{"destination":{destination:?},"type":{kind:?},"source":{source:?}}}"#);
        check(
            &serde_json::from_str(&json).expect("a mount"),
            Path::new(place),
        )
    }

    #[test]
    fn proc_is_proc() {
        verdict("proc", "proc", "/proc", "/proc").expect("the usual one");
        verdict("bind", "/proc", "/proc", "/proc").expect("the host's");
        verdict("bind", "/tmp", "/process", "/process").expect("another folder");
        for kind in ["bind", "tmpfs"] {
            let refused = verdict(kind, "/tmp", "/volume", "/proc").expect_err(kind);
            assert!(refused.to_string().ends_with(
                r#"rootfs at "/volume": "/proc" cannot be mounted because it is not of type proc"#
            ));
        }
    }

    #[test]
    fn within_proc_only_what_is_known_is_covered() {
        verdict("bind", "/tmp", "/proc/cpuinfo", "/proc/cpuinfo").expect("lxcfs");
        for place in ["/proc/sys", "/proc/self", "/proc/cpuinfo/x"] {
            assert!(verdict("bind", "/tmp", place, place).is_err(), "{place}");
        }
    }

    #[test]
    fn the_kernels_own_file_systems_follow_no_link() {
        for kind in ["proc", "sysfs"] {
            let refused = verdict(kind, kind, "/proc", "/etc").expect_err(kind);
            assert!(
                refused
                    .to_string()
                    .ends_with("must be mounted on ordinary directory")
            );
        }
    }
}
