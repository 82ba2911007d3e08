//! `features`: what this runtime can do, for engines that ask before they use it.

use std::ffi::OsString;

use libseccomp::ScmpVersion;
use nix::errno::Errno;
use serde_json::{Value, json};

use super::{alone, print};
use crate::cli::{COMMIT, Globals, SPEC, VERSION};
use crate::error::Result;
use crate::grammar::options;

options! {
    /// print what this runtime supports as JSON
    pub struct Features("features", "") {
    }
}

pub fn run(_: &Globals, words: &[OsString]) -> Result<u8> {
    alone::<Features>(words)?;
    print(&format!("{}\n", super::pretty(&features())?))
}

fn features() -> Value {
    json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": SPEC,
        "hooks": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
        "mountOptions": MOUNT_OPTIONS.split_whitespace().collect::<Vec<_>>(),
        "linux": {
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
            "capabilities": named("CAP_", CAPABILITIES),
            "cgroup": {"v1": true, "v2": true, "systemd": true, "systemdUser": true, "rdma": true},
            "seccomp": seccomp(),
            "apparmor": {"enabled": true},
            "selinux": {"enabled": false},
            "intelRdt": {"enabled": false},
            // libcontainer 0.7 checks the mappings of a mount and does not apply them
            "mountExtensions": {"idmap": {"enabled": false}},
            "netDevices": {"enabled": true},
            "memoryPolicy": {"modes": named("MPOL_", MEMORY_MODES), "flags": named("MPOL_F_", MEMORY_FLAGS)},
        },
        "annotations": {
            "io.sevorix.version": VERSION,
            "io.sevorix.commit": COMMIT,
            "io.github.seccomp.libseccomp.version": libseccomp_version(),
        },
        "potentiallyUnsafeConfigAnnotations": ["io.sevorix.", "org.systemd.property."],
    })
}

fn libseccomp_version() -> String {
    let version = ScmpVersion::current();
    version.map_or("unknown".into(), |version| {
        format!("{}.{}.{}", version.major, version.minor, version.micro)
    })
}

fn named(prefix: &str, names: &str) -> Vec<String> {
    names
        .split_whitespace()
        .map(|name| format!("{prefix}{name}"))
        .collect()
}

fn seccomp() -> Value {
    let mut architectures = named("SCMP_ARCH_", ARCHITECTURES);
    let has_newest = libseccomp::check_version(ScmpVersion::from((2, 6, 0))).unwrap_or(false);
    architectures.retain(|name| has_newest || name != "SCMP_ARCH_LOONGARCH64");
    let flags = |list: &[(&str, _)]| {
        list.iter()
            .map(|(name, _)| format!("SECCOMP_FILTER_FLAG_{name}"))
            .collect::<Vec<_>>()
    };
    let supported: Vec<_> = FLAGS
        .iter()
        .copied()
        .filter(|(_, flag)| kernel_has(*flag))
        .collect();
    json!({
        "enabled": true,
        "actions": named("SCMP_ACT_", "ALLOW ERRNO KILL KILL_PROCESS KILL_THREAD LOG NOTIFY TRACE TRAP"),
        "operators": named("SCMP_CMP_", "EQ GE GT LE LT MASKED_EQ NE"),
        "archs": architectures,
        "knownFlags": flags(&FLAGS),
        "supportedFlags": flags(&supported),
    })
}

/// A known flag is complained about later than an unknown one: the filter that is missing here comes in between.
fn kernel_has(flag: libc::c_ulong) -> bool {
    let no_filter = std::ptr::null::<libc::sock_fprog>();
    // this one is for listeners, and refused without one
    let listener = if flag == WAIT_KILLABLE_RECV {
        libc::SECCOMP_FILTER_FLAG_NEW_LISTENER
    } else {
        0
    };
    // SAFETY: the kernel checks the pointer and refuses it; nothing is loaded.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flag | listener,
            no_filter,
        )
    };
    Errno::result(result) == Err(Errno::EFAULT)
}

const FLAGS: [(&str, libc::c_ulong); 4] = [
    ("TSYNC", libc::SECCOMP_FILTER_FLAG_TSYNC),
    ("LOG", libc::SECCOMP_FILTER_FLAG_LOG),
    ("SPEC_ALLOW", libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW),
    ("WAIT_KILLABLE_RECV", WAIT_KILLABLE_RECV),
];
const WAIT_KILLABLE_RECV: libc::c_ulong = libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

const ARCHITECTURES: &str = "AARCH64 ARM LOONGARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 \
    PPC64LE RISCV64 S390 S390X X32 X86 X86_64";

const MEMORY_MODES: &str =
    "DEFAULT BIND INTERLEAVE WEIGHTED_INTERLEAVE PREFERRED PREFERRED_MANY LOCAL";
const MEMORY_FLAGS: &str = "NUMA_BALANCING RELATIVE_NODES STATIC_NODES";

const MOUNT_OPTIONS: &str = "acl async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noacl \
    noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private \
    ratime rbind rdev rdiratime relatime remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime \
    rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw \
    shared silent slave strictatime suid symfollow sync tmpcopyup unbindable";

const CAPABILITIES: &str = "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE \
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE \
    SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL \
    SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";

#[cfg(test)]
mod tests {
    use oci_spec::runtime::{Features, Spec};

    use super::*;

    #[test]
    fn the_features_are_of_the_shape_they_name() {
        let read: Features = serde_json::from_value(features()).expect("features");
        assert_eq!(serde_json::to_value(&read).expect("JSON"), features());
    }

    /// What each version up to the highest one added to config.json is read, and none of it lost.
    #[test]
    fn the_highest_version_is_one_we_read() {
        let config = json!({
            "ociVersion": SPEC,
            "domainname": "example.org",
            "process": {
                "cwd": "/", "user": {"uid": 0, "gid": 0},
                "ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 0},
                "scheduler": {"policy": "SCHED_BATCH", "nice": 3},
                "execCPUAffinity": {"initial": "0", "final": "0-3"},
            },
            "linux": {
                "timeOffsets": {"boottime": {"secs": 1, "nanosecs": 2}},
                "resources": {"cpu": {"burst": 5, "idle": 1}},
                "netDevices": {"eth0": {"name": "inside"}},
                "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
                "intelRdt": {"schemata": ["L3:0=f"], "enableMonitoring": true},
            },
        });
        let spec: Spec = serde_json::from_value(config.clone()).expect("a spec");
        let read = serde_json::to_value(&spec).expect("JSON");
        assert_is_within(&config, &read);
    }

    fn assert_is_within(part: &Value, whole: &Value) {
        match (part, whole) {
            (Value::Object(part), Value::Object(whole)) => part.iter().for_each(|(key, value)| {
                assert_is_within(
                    value,
                    whole.get(key).unwrap_or_else(|| panic!("{key} is lost")),
                );
            }),
            _ => assert_eq!(part, whole),
        }
    }
}
