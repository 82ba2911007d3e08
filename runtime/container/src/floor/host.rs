//! What the kernel floor needs of a host, what is there, and the one line that gives what is missing.
//!
//! Read by `create`, which refuses below the floor, and by `sevorix doctor`, which tells all of it. The facts are read
//! in one place; what they mean is decided without touching the system, so that every answer can be tested.

use std::fs;
use std::path::{Path, PathBuf};

/// Linux 6.1 is the first whose programs can judge all that the floor judges.
const OLDEST_KERNEL: (u32, u32) = (6, 1);
/// Loading programs, pinning them, and attaching them to a cgroup's network.
const CAPABILITIES: &[(u32, &str)] = &[
    (12, "CAP_NET_ADMIN"),
    (21, "CAP_SYS_ADMIN"),
    (39, "CAP_BPF"),
];

/// How one requirement stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub state: Standing,
    /// what was found
    pub found: String,
    /// what to do about it, as a command or a setting
    pub fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Good,
    /// Worth doing; nothing fails without it.
    Advice,
    /// Below the floor: nothing can be enforced.
    Missing,
}

/// What a host says of itself; `None` where the file is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub kernel: Option<String>,
    pub type_information: bool,
    pub security_modules: Option<String>,
    pub lockdown: Option<String>,
    /// where the v2 hierarchy is mounted
    pub cgroups: Option<PathBuf>,
    /// where programs and maps are pinned
    pub pins: Option<PathBuf>,
    pub status: String,
    pub seccomp_actions: Option<String>,
    pub unprivileged_bpf: Option<String>,
}

impl Facts {
    pub fn of_this_host() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        Self {
            kernel: read("/proc/sys/kernel/osrelease"),
            type_information: Path::new("/sys/kernel/btf/vmlinux").exists(),
            security_modules: read("/sys/kernel/security/lsm"),
            lockdown: read("/sys/kernel/security/lockdown"),
            cgroups: sevorix_bpf::floor::cgroup_hierarchy().ok(),
            pins: sevorix_bpf::floor::pin_file_system().ok(),
            status: read("/proc/self/status").unwrap_or_default(),
            seccomp_actions: read("/proc/sys/kernel/seccomp/actions_avail"),
            unprivileged_bpf: read("/proc/sys/kernel/unprivileged_bpf_disabled"),
        }
    }

    /// Every requirement, the most basic first: what stands behind another can often not be seen before that is mended.
    pub fn checks(&self) -> Vec<Check> {
        vec![
            self.kernel_version(),
            self.btf(),
            self.bpf_among_the_security_modules(),
            self.not_locked_down(),
            self.capabilities(),
            self.cgroups(),
            self.bpf_file_system(),
            self.seccomp(),
            self.unprivileged_programs(),
        ]
    }

    /// The first requirement that is missing.
    pub fn below_the_floor(&self) -> Option<Check> {
        let mut checks = self.checks().into_iter();
        checks.find(|check| check.state == Standing::Missing)
    }

    /// The first requirement of the layers that are left without LSM programs that is missing.
    pub fn below_degraded(&self) -> Option<Check> {
        let spared = [self.btf(), self.bpf_among_the_security_modules()];
        let mut checks = self.checks().into_iter().chain([self.landlock()]);
        checks.find(|check| check.state == Standing::Missing && !spared.contains(check))
    }

    /// For files, where no LSM program can hold them.
    fn landlock(&self) -> Check {
        let modules = self.security_modules.as_deref().unwrap_or_default().trim();
        if modules.split(',').any(|name| name == "landlock") {
            return good("Landlock", "active");
        }
        missing(
            "Landlock",
            "it is not among the active security modules",
            format!("boot with lsm=landlock,{modules}"),
        )
    }

    fn kernel_version(&self) -> Check {
        let name = "kernel";
        let release = self.kernel.as_deref().unwrap_or_default().trim();
        match version(release) {
            Some(version) if version >= OLDEST_KERNEL => good(name, format!("Linux {release}")),
            Some(_) => missing(
                name,
                format!("Linux {release} is older than 6.1"),
                "boot Linux 6.1 or newer",
            ),
            None => missing(
                name,
                "the version of the kernel can't be read",
                "mount -t proc proc /proc",
            ),
        }
    }

    fn btf(&self) -> Check {
        if self.type_information {
            return good("type information", "/sys/kernel/btf/vmlinux");
        }
        missing(
            "type information",
            "there is no /sys/kernel/btf/vmlinux",
            "boot a kernel that was built with CONFIG_DEBUG_INFO_BTF=y",
        )
    }

    /// Without it every program loads, attaches and is never asked.
    fn bpf_among_the_security_modules(&self) -> Check {
        let name = "BPF security module";
        let Some(modules) = self.security_modules.as_deref().map(str::trim) else {
            return missing(
                name,
                "the active security modules can't be read",
                "mount -t securityfs securityfs /sys/kernel/security",
            );
        };
        if modules.split(',').any(|module| module == "bpf") {
            return good(name, modules);
        }
        missing(
            name,
            format!("the active security modules are {modules}"),
            format!(
                "add lsm={modules},bpf to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, reboot"
            ),
        )
    }

    fn not_locked_down(&self) -> Check {
        match self.lockdown.as_deref() {
            Some(mode) if mode.contains("[confidentiality]") => missing(
                "lockdown",
                "confidentiality: programs may not read kernel memory",
                "boot with lockdown=integrity or without lockdown=",
            ),
            Some(mode) if mode.contains("[integrity]") => good("lockdown", "integrity"),
            _ => good("lockdown", "none"),
        }
    }

    fn capabilities(&self) -> Check {
        let held = self
            .status
            .lines()
            .find_map(|line| line.strip_prefix("CapEff:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or(0);
        let lacking: Vec<&str> = CAPABILITIES
            .iter()
            .filter(|(bit, _)| held & (1 << bit) == 0)
            .map(|(_, name)| *name)
            .collect();
        if lacking.is_empty() {
            return good("capabilities", "all that are needed");
        }
        missing(
            "capabilities",
            format!("{} not held", lacking.join(", ")),
            "run it as root of the host, outside of any container",
        )
    }

    /// The v2 hierarchy alone, or mounted beside v1.
    fn cgroups(&self) -> Check {
        match &self.cgroups {
            Some(place) => good("cgroup v2", place.display().to_string()),
            None => missing(
                "cgroup v2",
                "the v2 hierarchy is not mounted",
                "boot with systemd.unified_cgroup_hierarchy=1",
            ),
        }
    }

    fn bpf_file_system(&self) -> Check {
        match &self.pins {
            Some(place) => good("bpf file system", place.display().to_string()),
            None => missing(
                "bpf file system",
                "it is not mounted",
                "mount -t bpf bpf /sys/fs/bpf",
            ),
        }
    }

    fn seccomp(&self) -> Check {
        let actions = self.seccomp_actions.as_deref().unwrap_or_default();
        if actions.split_whitespace().any(|word| word == "user_notif") {
            return good("seccomp", "filters can notify");
        }
        missing(
            "seccomp",
            "filters can't notify",
            "boot a kernel that was built with CONFIG_SECCOMP_FILTER=y",
        )
    }

    fn unprivileged_programs(&self) -> Check {
        let name = "unprivileged BPF";
        match self.unprivileged_bpf.as_deref().map(str::trim) {
            Some("0") => Check {
                name,
                state: Standing::Advice,
                found: "every user of the host may load programs".into(),
                fix: Some("sysctl -w kernel.unprivileged_bpf_disabled=1".into()),
            },
            _ => good(name, "off"),
        }
    }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn good(name: &'static str, found: impl Into<String>) -> Check {
    Check {
        name,
        state: Standing::Good,
        found: found.into(),
        fix: None,
    }
}

fn missing(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Check {
    Check {
        name,
        state: Standing::Missing,
        found: found.into(),
        fix: Some(fix.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able() -> Facts {
        Facts::able()
    }

    impl Facts {
        /// A host that can hold whole policies.
        pub fn able() -> Self {
            Self {
                kernel: Some("6.1.0-25-cloud-amd64\n".into()),
                type_information: true,
                security_modules: Some("landlock,lockdown,yama,bpf".into()),
                lockdown: Some("[none] integrity confidentiality\n".into()),
                cgroups: Some("/sys/fs/cgroup".into()),
                pins: Some("/sys/fs/bpf".into()),
                status: "Name:\tx\nCapEff:\t000001ffffffffff\n".into(),
                seccomp_actions: Some("kill_process user_notif log allow\n".into()),
                unprivileged_bpf: Some("2\n".into()),
            }
        }
    }

    #[test]
    fn an_able_host_lacks_nothing() {
        assert_eq!(able().below_the_floor(), None);
        assert!(
            able()
                .checks()
                .iter()
                .all(|check| check.state == Standing::Good)
        );
    }

    #[test]
    fn what_is_missing_is_named_with_its_fix() {
        type Spoil = fn(&mut Facts);
        let cases: [(&str, &str, Spoil); 10] = [
            ("kernel", "6.1", |facts| {
                facts.kernel = Some("5.15.0".into());
            }),
            ("kernel", "/proc", |facts| facts.kernel = None),
            ("type information", "BTF", |facts| {
                facts.type_information = false;
            }),
            ("BPF security module", "lsm=landlock,bpf to", |facts| {
                facts.security_modules = Some("landlock".into());
            }),
            ("BPF security module", "securityfs", |facts| {
                facts.security_modules = None;
            }),
            ("lockdown", "lockdown=", |facts| {
                facts.lockdown = Some("none integrity [confidentiality]".into());
            }),
            ("capabilities", "root", |facts| facts.status.clear()),
            ("cgroup v2", "unified", |facts| facts.cgroups = None),
            ("bpf file system", "/sys/fs/bpf", |facts| facts.pins = None),
            ("seccomp", "SECCOMP", |facts| facts.seccomp_actions = None),
        ];
        for (name, fix, spoil) in cases {
            let mut facts = able();
            spoil(&mut facts);
            let check = facts.below_the_floor().expect(name);
            assert_eq!(check.name, name);
            assert!(
                check.fix.as_deref().unwrap_or_default().contains(fix),
                "{check:?}"
            );
        }
    }

    #[test]
    fn bpf_must_be_a_module_of_its_own_name() {
        let mut facts = able();
        facts.security_modules = Some("landlock,bpfish".into());
        assert!(facts.below_the_floor().is_some());
    }

    #[test]
    fn loose_settings_are_told_and_stop_nothing() {
        let mut facts = able();
        facts.unprivileged_bpf = Some("0".into());
        assert_eq!(facts.below_the_floor(), None);
        assert!(
            facts
                .checks()
                .iter()
                .any(|check| check.state == Standing::Advice)
        );
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("6.12.9+deb13"), Some((6, 12)));
        assert_eq!(version("10.0"), Some((10, 0)));
        assert!(version("6.1-rc3").expect("a version") >= OLDEST_KERNEL);
        assert_eq!(version("six"), None);
    }
}
