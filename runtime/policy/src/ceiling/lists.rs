//! Lists in annotations, as rules that refuse what the list leaves out.

use crate::keys::Asked;
use crate::model::{
    Access, Action, Components, ExecRule, Feature, FileMatch, FileRule, Need, NetRule, PathPattern,
    Policy, Program, Reach, RuleId, components,
};
use crate::values::{List, NetEntry, PathPrefix};

pub(super) fn narrow(policy: &mut Policy, asked: &Asked) {
    Lists { policy }.lists(asked);
}

struct Lists<'a> {
    policy: &'a mut Policy,
}

impl Lists<'_> {
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
        reach: Reach::Itself,
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
