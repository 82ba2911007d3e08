//! What holds where the kernel takes no LSM programs, if the host's configuration allows less than a whole policy.
//!
//! Three layers are left: programs on the container's cgroup for its network, Landlock for its files, and the seccomp
//! filter. Every rule that they don't hold whole is told by its name; `create` goes on only if the host accepts each.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sevorix_policy::{Action, Answer, Config, Feature, Image, Listen, Policy, Right, Unix};

use super::host::{Check, Facts};
use crate::landlock::Grant;
use crate::{Error, Result};

/// The layers of one container, and what they leave open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Degraded {
    /// what the host lacks
    pub lack: String,
    /// rules and settings that are not held, or not whole
    pub unheld: Vec<String>,
    pub(super) grants: Vec<Grant>,
    pub(super) may_listen: bool,
}

/// What the floor holds beside every policy, and these layers don't. Nobody has to accept it rule by rule: it is what
/// `degraded` means.
pub const NEVER_HELD: [&str; 5] = [
    "floor.kernel-interface",
    "floor.setattr",
    "floor.foreign-descriptors",
    "floor.signals-and-tracing",
    "floor.reports",
];

impl Degraded {
    /// `None`: this host can hold whole policies.
    pub(super) fn where_needed(
        facts: &Facts,
        config: &Config,
        policy: &Policy,
        image: &Image,
    ) -> Result<Option<Self>> {
        let Some(lack) = facts.below_the_floor() else {
            return Ok(None);
        };
        if !config.degraded {
            return Err(below(lack));
        }
        if let Some(lack) = facts.below_degraded() {
            return Err(below(lack));
        }
        let unheld = unheld(policy, image);
        let refused = unheld.iter().filter(|rule| !config.accepts(rule));
        let refused: Vec<String> = refused.cloned().collect();
        if !refused.is_empty() {
            return Err(Error::NotHeldDegraded {
                policy: policy.name.to_string(),
                rules: refused,
            });
        }
        Ok(Some(Self {
            lack: format!("{}: {}", lack.name, lack.found),
            unheld: unheld.into_iter().collect(),
            grants: grants(image),
            may_listen: policy.net.listen != Listen::None,
        }))
    }

    /// Everything that is not held, in words that `status` and `state` tell.
    pub fn told(&self) -> Vec<&str> {
        let rules = self.unheld.iter().map(String::as_str);
        rules.chain(NEVER_HELD).collect()
    }
}

fn below(lack: Check) -> Error {
    Error::BelowTheFloor {
        lack: format!("{}: {}", lack.name, lack.found),
        fix: lack.fix.unwrap_or_default(),
    }
}

/// By name, each once.
fn unheld(policy: &Policy, image: &Image) -> BTreeSet<String> {
    let mut unheld = image.beneath().unheld;
    // an ask is a denial, and an intent opens nothing, as long as nobody answers
    let needs = policy.needs().into_iter();
    let needs = needs.filter(|need| !matches!(need.feature, Feature::Ask | Feature::Intent));
    unheld.extend(needs.map(|need| need.rule.to_string()));
    // nothing looks at a command line
    let lines = policy.exec.rules.iter();
    let lines = lines.filter(|rule| !rule.argv.is_empty());
    unheld.extend(lines.map(|rule| rule.id.to_string()));
    let settings = [
        ("exec.writable", policy.exec.writable == Action::Allow),
        ("net.listen", policy.net.listen != Listen::Loopback),
        ("net.unix", holds_unix(policy, image)),
    ];
    let open = settings.into_iter().filter(|(_, held)| !held);
    unheld.extend(open.map(|(name, _)| name.to_owned()));
    let answers = image.port_sets.iter().flat_map(|set| &set.0);
    let answers = answers.map(|ports| ports.answer).chain([image.net_default]);
    unheld.extend(
        answers
            .filter(asks_for_more)
            .map(|answer| match answer.rule {
                0 => "net.default".to_owned(),
                rule => image.rules[usize::from(rule)].to_string(),
            }),
    );
    unheld
}

/// Nobody reports what is on trial, and nobody kills.
fn asks_for_more(answer: &Answer) -> bool {
    match answer.action {
        Action::Allow => false,
        Action::Kill => true,
        Action::Ask | Action::Deny => answer.audit,
    }
}

/// Nothing judges who connects to a socket in a folder: the setting holds where it lets everything be.
fn holds_unix(policy: &Policy, image: &Image) -> bool {
    let places = image.paths.iter();
    let places = places.flat_map(|node| [node.own, node.child, node.below]);
    let names = image.names.iter().map(|node| node.answers);
    let mut writes = places.chain(names).map(|answers| answers.write);
    policy.net.unix == Unix::Any
        && image.defaults.write.lets_through()
        && writes.all(Answer::lets_through)
}

/// One entry for each place.
fn grants(image: &Image) -> Vec<Grant> {
    let mut places: BTreeMap<(String, bool), Grant> = BTreeMap::new();
    for grant in image.beneath().grants {
        let parts = grant.path.iter();
        let path: String = parts
            .map(|part| format!("/{}", String::from_utf8_lossy(part)))
            .collect();
        let path = if path.is_empty() { "/".into() } else { path };
        let place = places
            .entry((path.clone(), grant.tree))
            .or_insert_with(|| Grant {
                path,
                tree: grant.tree,
                read: false,
                write: false,
                change: false,
                exec: false,
            });
        match grant.right {
            Right::Read => place.read = true,
            Right::Write => place.write = true,
            Right::Change => place.change = true,
            Right::Exec => place.exec = true,
        }
    }
    places.into_values().collect()
}

#[cfg(test)]
mod tests {
    use sevorix_policy::compile;

    use super::*;

    fn policy(text: &str) -> (Policy, Image) {
        let name = "p".parse().expect("a name");
        let text = format!("version = 1\n{text}");
        let policy = Policy::parse(name, "p.toml", &text).expect("a policy");
        let image = compile(&policy).expect("small");
        (policy, image)
    }

    fn config(text: &str) -> Config {
        Config::default()
            .with("config.toml", text)
            .expect("known keys")
    }

    /// A host whose kernel does not ask BPF programs.
    fn host() -> Facts {
        Facts {
            security_modules: Some("landlock,lockdown,yama".into()),
            ..Facts::able()
        }
    }

    const OPEN: &str = r#"
        [exec]
        default = "allow"
        writable = "allow"
        [exec.jit]
        default = "allow"
        [file]
        default = "allow"
        [net]
        default = "deny"
        listen = "any"
        unix = "any"
    "#;

    #[test]
    fn a_host_that_can_hold_policies_is_not_degraded() {
        let (policy, image) = policy(OPEN);
        let allowed = config("[floor]\ndegraded = true");
        let found = Degraded::where_needed(&Facts::able(), &allowed, &policy, &image);
        assert!(found.expect("able").is_none());
    }

    #[test]
    fn only_the_configuration_allows_less() {
        let (policy, image) = policy(OPEN);
        let refused = Degraded::where_needed(&host(), &config(""), &policy, &image);
        assert!(matches!(refused, Err(Error::BelowTheFloor { .. })));
        let allowed = config("[floor]\ndegraded = true");
        let held = Degraded::where_needed(&host(), &allowed, &policy, &image)
            .expect("allowed")
            .expect("degraded");
        assert_eq!(held.unheld, [""; 0]);
        assert!(held.lack.contains("BPF") && held.told() == NEVER_HELD);
    }

    #[test]
    fn no_rule_on_command_lines_is_held() {
        let rules = r#"writable = "allow"
            rules = [{ path = "/opt/x", argv = ["-v"], action = "deny" }]"#;
        let (policy, image) = policy(&OPEN.replace("writable = \"allow\"", rules));
        let some = config("[floor]\ndegraded = true");
        match Degraded::where_needed(&host(), &some, &policy, &image) {
            Err(Error::NotHeldDegraded { rules, .. }) => assert_eq!(rules, ["exec.rules[0]"]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_layers_need_must_be_there() {
        let (policy, image) = policy(OPEN);
        let allowed = config("[floor]\ndegraded = true");
        for spoil in [
            (|facts: &mut Facts| facts.security_modules = Some("yama".into())) as fn(&mut Facts),
            |facts| facts.cgroups = None,
            |facts| facts.kernel = Some("5.10.0".into()),
            |facts| facts.seccomp_actions = None,
        ] {
            let mut facts = host();
            spoil(&mut facts);
            let refused = Degraded::where_needed(&facts, &allowed, &policy, &image);
            assert!(
                matches!(refused, Err(Error::BelowTheFloor { .. })),
                "{facts:?}"
            );
        }
    }

    #[test]
    fn each_rule_that_is_not_held_must_be_accepted() {
        let (policy, image) = policy(
            r#"
            [exec]
            default = "deny"
            writable = "deny"
            rules = [{ path = "/usr/**", action = "allow" }, { path = "/opt/x", argv = ["-v"], action = "allow" }]
            [file]
            default = "deny"
            rules = [
              { path = "/work/**", access = "rwc", action = "allow" },
              { path = "/work/.git/**", access = "w", action = "deny" },
            ]
            [net]
            default = "deny"
            rules = [{ cidr = "10.0.0.0/8", action = "kill" }, { host = "a.example", action = "allow" }]
            listen = "loopback"
            "#,
        );
        let all = [
            "exec.default",
            "exec.jit.default",
            "exec.rules[1]",
            "exec.writable",
            "file.rules[1]",
            "net.listen",
            "net.rules[0]",
            "net.rules[1]",
            "net.unix",
        ];
        let some = config("[floor]\ndegraded = true\naccept = [\"exec\", \"net.listen\"]");
        match Degraded::where_needed(&host(), &some, &policy, &image) {
            Err(Error::NotHeldDegraded { rules, .. }) => {
                assert_eq!(
                    rules,
                    ["file.rules[1]", "net.rules[0]", "net.rules[1]", "net.unix"]
                );
            }
            other => panic!("{other:?}"),
        }
        let every =
            config("[floor]\ndegraded = true\naccept = [\"exec\", \"net\", \"file.rules[1]\"]");
        let held = Degraded::where_needed(&host(), &every, &policy, &image)
            .expect("accepted")
            .expect("degraded");
        assert_eq!(held.unheld, all);
        let work = held.grants.iter().find(|grant| grant.path == "/work");
        let work = work.expect("granted");
        assert!(work.tree && work.read && work.write && work.change && !work.exec);
        let kept: Degraded =
            serde_json::from_str(&serde_json::to_string(&held).expect("text")).expect("read again");
        assert_eq!(kept, held);
    }
}
