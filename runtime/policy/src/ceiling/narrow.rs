//! Each field of a request against the host's policy.

use std::time::Duration;

use super::cuts::{self, Cut};
use super::{Effective, Refused};
use crate::error::Error;
use crate::file::Config;
use crate::keys::{Asked, Key};
use crate::model::{
    Access, Action, Components, ExecRule, Feature, FileMatch, FileRule, Gate, Need, NetRule,
    PathPattern, Policy, Program, RuleId, components,
};
use crate::request::Request;
use crate::values::{
    GateStep, List, Mode, NetEntry, PathPrefix, SlmMount, TrustMask, VerdictMode, Window,
};

pub(super) fn narrow(
    config: &Config,
    policy: Policy,
    request: &Request,
) -> Result<Effective, Error> {
    let asked = request.asked();
    let mut narrowing = Narrowing {
        config,
        request,
        cuts: cuts::of_lists(&policy, &asked),
        policy,
    };
    narrowing.settings(&asked)?;
    narrowing.presets(&asked);
    narrowing.lists(&asked);
    narrowing.gate(&asked)?;
    let slm_mount = narrowing.slm_mount(&asked)?;
    Ok(Effective {
        policy: narrowing.policy,
        cuts: narrowing.cuts,
        slm_mount,
        intent: asked.intent,
        agent_id: asked.agent_id,
        agent_name: asked.agent_name,
        privileged: config.privileged,
    })
}

struct Narrowing<'a> {
    config: &'a Config,
    request: &'a Request,
    policy: Policy,
    cuts: Vec<Cut>,
}

impl Narrowing<'_> {
    fn settings(&mut self, asked: &Asked) -> Result<(), Refused> {
        if let Some(mode) = asked.mode {
            self.mode(mode)?;
        }
        if let Some(mask) = asked.trust_mask {
            self.trust_mask(mask, asked)?;
        }
        if let Some(domain) = asked.domain {
            if domain != self.policy.domain && !self.config.domains.contains(&domain) {
                return Err(self.exceeds(Key::Domain, domain, self.policy.domain, "domains"));
            }
            self.policy.domain = domain;
        }
        if let Some(mode) = asked.verdict {
            let own = self.policy.verdict.mode;
            if width(mode) > width(own) {
                return Err(self.exceeds(Key::Verdict, mode, own, ""));
            }
            self.policy.verdict.mode = mode;
        }
        if let Some(timeout) = asked.verdict_timeout {
            let own = self.policy.verdict.timeout;
            if timeout.as_duration() > own {
                let own = milliseconds(own);
                return Err(self.exceeds(Key::VerdictTimeout, timeout, own, ""));
            }
            self.policy.verdict.timeout = timeout.as_duration();
        }
        Ok(())
    }

    /// The only field by which a request can loosen, and only where the host's configuration lists the mode.
    fn mode(&mut self, mode: Mode) -> Result<(), Refused> {
        let granted =
            mode == Mode::Enforce || mode == self.policy.mode || self.config.modes.contains(&mode);
        if !granted {
            return Err(self.exceeds(Key::Mode, mode, self.policy.mode, "modes"));
        }
        self.policy.mode = mode;
        Ok(())
    }

    /// Bits 16-23 mean something else in another domain, so none of them is granted there.
    fn trust_mask(&mut self, mask: TrustMask, asked: &Asked) -> Result<(), Refused> {
        if let Some(own) = self.policy.trust_mask {
            let same_domain = asked
                .domain
                .is_none_or(|domain| domain == self.policy.domain);
            let granted = if same_domain {
                own.bits()
            } else {
                own.bits() & 0xFFFF
            };
            if mask.bits() & !granted != 0 {
                let granted = format!("0x{granted:08X}");
                return Err(self.exceeds(Key::TrustMask, mask, granted, ""));
            }
        }
        self.policy.trust_mask = Some(mask);
        Ok(())
    }

    /// Presets only allow, so that one less can't loosen anything.
    fn presets(&mut self, asked: &Asked) {
        let Some(presets) = &asked.presets else {
            return;
        };
        let kept = |name: &&_| presets.as_slice().contains(name);
        let dropped = self.policy.presets.iter().filter(|name| !kept(name));
        let dropped: Vec<String> = dropped.map(|name| format!("preset.{name}[")).collect();
        self.policy.presets.retain(|name| kept(&name));
        let is_dropped = |id: &RuleId| dropped.iter().any(|list| id.as_str().starts_with(list));
        self.policy.net.rules.retain(|rule| !is_dropped(&rule.id));
    }

    fn lists(&mut self, asked: &Asked) {
        if let Some(entries) = &asked.net_allow {
            let rule = NetRule::new(
                id("net.allow"),
                None,
                at_least_deny(self.policy.net.default),
            );
            self.policy.net.rules.push(NetRule {
                unless: entries.as_slice().to_vec(),
                ..rule
            });
        }
        for (index, entry) in each(&asked.net_deny) {
            self.policy
                .net
                .rules
                .push(denied(index, entry, self.policy.net.default));
        }
        if let Some(prefixes) = &asked.fs_read {
            let kept = trees(prefixes)
                .chain(fixed(DEVICES))
                .chain(fixed(LIBRARIES));
            self.deny_outside("fs.read", "r", kept.collect());
        }
        if let Some(prefixes) = &asked.fs_write {
            let kept = trees(prefixes).chain(fixed(DEVICES));
            self.deny_outside("fs.write", "wc", kept.collect());
        }
        for (index, prefix) in each(&asked.fs_deny) {
            self.deny_inside(index, prefix);
        }
        if let Some(programs) = &asked.exec_allow {
            let programs = programs.as_slice().iter();
            let programs = programs.map(|program| exactly(program.as_str()));
            let rule = ExecRule::new(
                id("exec.allow"),
                Program::Path(everything()),
                at_least_deny(self.policy.exec.default),
            );
            self.policy.exec.rules.push(ExecRule {
                unless: programs.chain(fixed(LIBRARIES)).collect(),
                ..rule
            });
        }
        if asked.dev_allow.is_some() {
            self.policy.asked_needs.push(Need {
                feature: Feature::Devices,
                rule: id("dev.allow"),
            });
        }
    }

    fn deny_outside(&mut self, key: &str, access: &str, unless: Vec<PathPattern>) {
        let object = FileMatch::Path(everything());
        let rule = FileRule::new(
            id(key),
            object,
            letters(access),
            at_least_deny(self.policy.file.default),
        );
        self.policy.file.rules.push(FileRule { unless, ..rule });
    }

    /// What may not be read may not be executed either: that is a way to read it.
    fn deny_inside(&mut self, index: usize, prefix: &PathPrefix) {
        let id = RuleId::element("annotation.fs.deny", index);
        let tree = tree(prefix.as_str());
        let object = FileMatch::Path(tree.clone());
        let file = FileRule::new(
            id.clone(),
            object,
            Access::ALL,
            at_least_deny(self.policy.file.default),
        );
        self.policy.file.rules.push(file);
        let exec = ExecRule::new(
            id,
            Program::Path(tree),
            at_least_deny(self.policy.exec.default),
        );
        self.policy.exec.rules.push(exec);
    }

    /// Tighter: no more violations in no less time.
    fn gate(&mut self, asked: &Asked) -> Result<(), Refused> {
        let Some(limits) = &asked.gate else {
            return Ok(());
        };
        for step in GateStep::ALL {
            let Some(window) = limits.get(*step) else {
                continue;
            };
            let own = *slot(&mut self.policy.gate, *step);
            if window.count > own.count || window.seconds < own.seconds {
                let text = |Window { count, seconds }| format!("{step}={count}/{seconds}s");
                return Err(self.exceeds(Key::Gate, text(window), text(own), ""));
            }
            *slot(&mut self.policy.gate, *step) = window;
        }
        Ok(())
    }

    fn slm_mount(&mut self, asked: &Asked) -> Result<SlmMount, Refused> {
        let mount = asked.slm_mount.unwrap_or(SlmMount::Monitor);
        if mount == SlmMount::Host && !self.config.slm_mounts.contains(&mount) {
            return Err(self.exceeds(Key::SlmMount, mount, SlmMount::Monitor, "slm_mount"));
        }
        Ok(mount)
    }

    /// `setting`: the key of the configuration that could grant it, if one can.
    fn exceeds(
        &self,
        key: Key,
        asked: impl ToString,
        ceiling: impl ToString,
        setting: &str,
    ) -> Refused {
        Refused::Exceeds {
            key: self.request.origin(key),
            asked: asked.to_string(),
            ceiling: ceiling.to_string(),
            place: self.config.place(setting).cloned(),
        }
    }
}

fn denied(index: usize, entry: &NetEntry, default: Action) -> NetRule {
    let id = RuleId::element("annotation.net.deny", index);
    NetRule {
        ports: entry.ports.into_iter().collect(),
        protocol: entry.protocol,
        ..NetRule::new(id, Some(entry.target.clone()), at_least_deny(default))
    }
}

/// Where a rule speaks, the default does not: a rule that narrows must not turn a default kill into a denial.
fn at_least_deny(default: Action) -> Action {
    default.max(Action::Deny)
}

fn id(key: &str) -> RuleId {
    RuleId::setting(&format!("annotation.{key}"))
}

fn each<T>(list: &Option<List<T>>) -> impl Iterator<Item = (usize, &T)> {
    list.iter().flat_map(|list| list.as_slice()).enumerate()
}

fn slot(gate: &mut Gate, step: GateStep) -> &mut Window {
    match step {
        GateStep::Throttle => &mut gate.throttle,
        GateStep::Crack => &mut gate.crack,
        GateStep::Lock => &mut gate.lock,
    }
}

/// How much it lets through: `off` turns every ask into a denial, `quorum` needs more agreement than `ask`.
fn width(mode: VerdictMode) -> u8 {
    match mode {
        VerdictMode::Off => 0,
        VerdictMode::Quorum => 1,
        VerdictMode::Ask => 2,
    }
}

fn milliseconds(time: Duration) -> String {
    time.as_millis().to_string()
}

fn letters(text: &str) -> Access {
    Access {
        read: text.contains('r'),
        write: text.contains('w'),
        change: text.contains('c'),
    }
}

fn everything() -> PathPattern {
    PathPattern::tree(Components::new())
}

fn trees(prefixes: &List<PathPrefix>) -> impl Iterator<Item = PathPattern> {
    let prefixes = prefixes.as_slice().iter();
    prefixes.map(|prefix| tree(prefix.as_str()))
}

fn fixed(paths: &'static [&'static str]) -> impl Iterator<Item = PathPattern> {
    paths.iter().map(|path| tree(path))
}

pub(super) fn tree(path: &str) -> PathPattern {
    PathPattern::tree(plain(path))
}

fn exactly(path: &str) -> PathPattern {
    PathPattern {
        base: plain(path),
        reach: crate::model::Reach::Itself,
    }
}

/// Paths of annotations are plain already.
pub(super) fn plain(path: &str) -> Components {
    components(path).unwrap_or_default()
}

/// They hold nothing, and nothing runs without them: no list of files takes them away.
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];

/// What the listed programs are linked with. A list of programs could not name it: every library is
/// mapped as code, and judged as such. The policy's own rules on them stand.
const LIBRARIES: &[&str] = &[
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libx32",
    "/usr/local/lib",
    "/etc/ld.so.cache",
];
