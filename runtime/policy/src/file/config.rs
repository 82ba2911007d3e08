//! The host's ceiling: what callers may name, which keys they may use, and what nothing gets past.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::checks;
use super::rules::{self, Places};
use super::source::{InFile, Place, Source};
use super::table::{Table, read};
use crate::keys::{Key, PREFIX};
use crate::model::{Never, RuleId};
use crate::values::{Domain, Invalid, Mode, PolicyName, SlmMount, check_path, nearest};

/// What `config.toml` and the files of `config.d` say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// For containers that name none.
    pub default_policy: Option<PolicyName>,
    /// The policies that may be named, beside the default one.
    pub policies: Vec<PolicyName>,
    /// The annotation keys that may be used; `policy` is not one of them when it is not listed.
    pub annotations: Vec<Key>,
    /// Other keys with one policy.
    pub annotations_of: BTreeMap<PolicyName, Vec<Key>>,
    /// The modes that an annotation may ask for, beside `enforce`.
    pub modes: Vec<Mode>,
    pub domains: Vec<Domain>,
    pub slm_mounts: Vec<SlmMount>,
    /// Containers may mount, unshare and trace inside themselves.
    pub privileged: bool,
    /// `[floor] degraded`: where the kernel can't hold whole policies, containers may start under what it can hold.
    pub degraded: bool,
    /// `[floor] accept`: rules that need not be held then.
    pub accept: Vec<String>,
    /// `[verdict] socket`: where the verdict service listens, when not at the usual place.
    pub verdict_socket: Option<PathBuf>,
    pub never: Never,
    pub(crate) places: BTreeMap<String, Place>,
    pub(crate) never_places: Vec<(RuleId, Place)>,
}

impl Config {
    /// This configuration with a later file over it. What is never allowed adds up.
    pub fn with(mut self, file: &str, text: &str) -> Result<Self, InFile> {
        read(&Source::new(file, text), |table| {
            self.read(table)?;
            Ok(())
        })?;
        Ok(self)
    }

    /// The line that sets a key, for whoever is refused by it.
    pub fn place(&self, key: &str) -> Option<&Place> {
        self.places.get(key)
    }

    /// Where asks are put.
    pub fn verdict_socket(&self) -> PathBuf {
        let usual = || PathBuf::from(VERDICT_SOCKET);
        self.verdict_socket.clone().unwrap_or_else(usual)
    }

    /// The annotation keys that may be used with a policy.
    pub fn annotations_with(&self, policy: &PolicyName) -> &[Key] {
        self.annotations_of.get(policy).unwrap_or(&self.annotations)
    }

    fn read(&mut self, table: &mut Table) -> Result<(), InFile> {
        if let Some(value) = table.take("default_policy") {
            self.default_policy = Some(value.parse()?);
            self.places.insert("default_policy".into(), value.place());
        }
        self.replace(table, "policies", |config| &mut config.policies, str::parse)?;
        self.replace(table, "annotations", |config| &mut config.annotations, key)?;
        self.replace(table, "modes", |config| &mut config.modes, str::parse)?;
        self.replace(table, "domains", |config| &mut config.domains, str::parse)?;
        self.replace(
            table,
            "slm_mount",
            |config| &mut config.slm_mounts,
            str::parse,
        )?;
        if let Some(value) = table.take("privileged") {
            self.privileged = value.flag()?;
            self.places.insert("privileged".into(), value.place());
        }
        table.section("floor", |table| self.read_floor(table))?;
        table.section("verdict", |table| self.read_verdict(table))?;
        table.section("policy", |table| self.read_policies(table))?;
        table.section("never", |table| self.read_never(table))
    }

    fn replace<T>(
        &mut self,
        table: &mut Table,
        name: &'static str,
        field: impl FnOnce(&mut Self) -> &mut Vec<T>,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Result<(), InFile> {
        let Some(value) = table.take(name) else {
            return Ok(());
        };
        let values = value.list()?;
        let values = values.iter().map(|value| value.parse_as(&parse));
        *field(self) = values.collect::<Result<_, _>>()?;
        self.places.insert(name.into(), value.place());
        Ok(())
    }

    /// Whether a rule need not be held on a host that can't hold whole policies: it is listed, or its list is.
    pub fn accepts(&self, rule: &str) -> bool {
        self.accept.iter().any(|accepted| {
            let rest = rule.strip_prefix(accepted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    fn read_floor(&mut self, table: &mut Table) -> Result<(), InFile> {
        if let Some(value) = table.take("degraded") {
            self.degraded = value.flag()?;
            self.places.insert("floor.degraded".into(), value.place());
        }
        if let Some(value) = table.take("accept") {
            let rules = value.list()?;
            let rules = rules.iter().map(|value| value.parse_as(rule_name));
            self.accept = rules.collect::<Result<_, _>>()?;
            self.places.insert("floor.accept".into(), value.place());
        }
        Ok(())
    }

    fn read_verdict(&mut self, table: &mut Table) -> Result<(), InFile> {
        if let Some(value) = table.take("socket") {
            let path = value.parse_as(|text| check_path(text).map(|()| PathBuf::from(text)))?;
            self.verdict_socket = Some(path);
            self.places.insert("verdict.socket".into(), value.place());
        }
        Ok(())
    }

    fn read_policies(&mut self, table: &mut Table) -> Result<(), InFile> {
        for (name, value) in table.entries() {
            let policy: PolicyName = name.parse().map_err(|invalid: Invalid| {
                value.refuse(format!("{name} {}", invalid.text), invalid.hint)
            })?;
            let keys = value.section(|table| {
                let keys = table.take("annotations");
                let keys = keys.ok_or_else(|| {
                    table.refuse(
                        "annotations is missing",
                        "list the keys that may be used with this policy",
                    )
                })?;
                keys.list()?
                    .iter()
                    .map(|value| value.parse_as(key))
                    .collect()
            })?;
            self.places
                .insert(format!("policy.{policy}.annotations"), value.place());
            self.annotations_of.insert(policy, keys);
        }
        Ok(())
    }

    fn read_never(&mut self, table: &mut Table) -> Result<(), InFile> {
        let mut places = Places::new();
        let files = rules::list(table, "file", "never.file", &mut places, rules::never_file)?;
        let nets = rules::list(table, "net", "never.net", &mut places, rules::never_net)?;
        checks::file(&files, table)?;
        checks::net(&nets, table)?;
        // numbered on through all files: an id names one rule
        for (mut rule, place) in files {
            rule.id = RuleId::element("never.file", self.never.file.len());
            self.never_places.push((rule.id.clone(), place));
            self.never.file.push(rule);
        }
        for (mut rule, place) in nets {
            rule.id = RuleId::element("never.net", self.never.net.len());
            self.never_places.push((rule.id.clone(), place));
            self.never.net.push(rule);
        }
        Ok(())
    }
}

const VERDICT_SOCKET: &str = "/run/sevorix/slm.sock";

/// A rule as it is named in errors, or the list it stands in.
fn rule_name(text: &str) -> Result<String, Invalid> {
    const SECTIONS: [&str; 11] = [
        "exec",
        "file",
        "intent",
        "mode",
        "net",
        "never",
        "phases",
        "receipts",
        "taint",
        "trust_mask",
        "verdict",
    ];
    let section = text.split(['.', '[']).next().unwrap_or_default();
    if SECTIONS.contains(&section) {
        return Ok(text.to_owned());
    }
    Err(Invalid::new(
        "names no rule",
        "write a rule or a list of them as errors name it, as in \"file.rules[2]\" or \"exec.rules\"",
    ))
}

fn key(text: &str) -> Result<Key, Invalid> {
    let name = text.strip_prefix(PREFIX).unwrap_or(text);
    let known = Key::ALL.iter().find(|key| key.name() == name);
    known.copied().ok_or_else(|| {
        let hint = match nearest(name, Key::ALL.iter().map(|key| key.name())) {
            Some(near) => format!("did you mean {near}"),
            None => "write a key without its prefix, as in net.deny".to_owned(),
        };
        Invalid::new("is not an annotation key", hint)
    })
}
