//! A policy file.

use super::checks;
use super::rules::{self, Places};
use super::sections;
use super::source::{InFile, Source};
use super::table::{Table, Value, read};
use crate::model::{Action, Exec, File, Listen, Net, Policy, RuleId, Unix};
use crate::values::{Domain, Mode, PolicyName};

impl Policy {
    /// Reads a policy. The presets it names are named only: their rules come from their own files.
    pub fn parse(name: PolicyName, file: &str, text: &str) -> Result<Self, InFile> {
        read(&Source::new(file, text), |table| policy(name, table))
    }
}

fn policy(name: PolicyName, table: &mut Table) -> Result<Policy, InFile> {
    check_version(table)?;
    let mut places = Places::new();
    let mut policy = Policy::new(name);
    policy.description = table.text("description")?.unwrap_or_default().to_owned();
    policy.mode = mode(table)?;
    policy.presets = table.parse_list("presets")?;
    policy.domain = table.parse("domain")?.unwrap_or(Domain::General);
    policy.trust_mask = trust_mask(table, policy.domain)?;
    policy.exec = table.section("exec", |table| exec(table, &mut places))?;
    policy.taint = table.section("taint", sections::taint)?;
    policy.file = table.section("file", |table| file(table, &mut places))?;
    policy.net = table.section("net", |table| net(table, &mut places))?;
    policy.intent_max_ttl = table.section("intent", sections::intent)?;
    policy.gate = table.section("gate", sections::gate)?;
    policy.phases = table.section("phases", sections::phases)?;
    policy.receipts = table.section("receipts", sections::receipts)?;
    policy.verdict = table.section("verdict", sections::verdict)?;
    checks::labels(&policy, table)?;
    policy.places = places.into_iter().collect();
    Ok(policy)
}

pub(super) fn check_version(table: &mut Table) -> Result<(), InFile> {
    match table.take("version") {
        None => Err(table.refuse("version is missing", "write version = 1 as the first line")),
        Some(value) if value.number()? == "1" => Ok(()),
        Some(value) => Err(value.refuse("is a version that is not known", "write version = 1")),
    }
}

/// `learn` is asked for by a container, not by a file.
fn mode(table: &mut Table) -> Result<Mode, InFile> {
    match table.take("mode") {
        None => Ok(Mode::Enforce),
        Some(value) => match value.parse()? {
            Mode::Learn => Err(value.refuse("is not a mode of a policy", "write enforce or audit")),
            mode => Ok(mode),
        },
    }
}

fn trust_mask(
    table: &mut Table,
    domain: Domain,
) -> Result<Option<crate::values::TrustMask>, InFile> {
    let Some(value) = table.take("trust_mask") else {
        return Ok(None);
    };
    let mask: crate::values::TrustMask = value.parse()?;
    match mask.undefined_bit(domain) {
        None => Ok(Some(mask)),
        Some(bit) => Err(value.refuse(
            format!("asks for bit {bit}, which {domain} does not define"),
            "bits 0-15 are groups of system calls, 16-23 belong to the domain, 24-31 are reserved",
        )),
    }
}

fn exec(table: &mut Table, places: &mut Places) -> Result<Exec, InFile> {
    let exec = Exec {
        default: setting(table, "default", "exec.default", places)?.unwrap_or(Action::Deny),
        writable: setting(table, "writable", "exec.writable", places)?.unwrap_or(Action::Deny),
        jit: jit(table, places)?,
        rules: Vec::new(),
    };
    let rules = rules::list(table, "rules", "exec.rules", places, rules::exec)?;
    checks::exec(&rules, table)?;
    Ok(Exec {
        rules: rules.into_iter().map(|(rule, _)| rule).collect(),
        ..exec
    })
}

fn jit(table: &mut Table, places: &mut Places) -> Result<Action, InFile> {
    let read = |table: &mut Table| setting(table, "default", "exec.jit.default", places);
    let jit: Option<Action> = table.section("jit", read)?;
    Ok(jit.unwrap_or(Action::Deny))
}

fn file(table: &mut Table, places: &mut Places) -> Result<File, InFile> {
    let default = setting(table, "default", "file.default", places)?.unwrap_or(Action::Deny);
    let rules = rules::list(table, "rules", "file.rules", places, rules::file)?;
    checks::file(&rules, table)?;
    Ok(File {
        default,
        rules: rules.into_iter().map(|(rule, _)| rule).collect(),
    })
}

fn net(table: &mut Table, places: &mut Places) -> Result<Net, InFile> {
    let default = setting(table, "default", "net.default", places)?.unwrap_or(Action::Deny);
    let listen = setting(table, "listen", "net.listen", places)?.unwrap_or(Listen::None);
    let unix = setting(table, "unix", "net.unix", places)?.unwrap_or(Unix::Container);
    let rules = rules::list(table, "rules", "net.rules", places, rules::net)?;
    checks::net(&rules, table)?;
    Ok(Net {
        default,
        listen,
        unix,
        rules: rules.into_iter().map(|(rule, _)| rule).collect(),
    })
}

fn setting<T: std::str::FromStr<Err = crate::values::Invalid>>(
    table: &mut Table,
    key: &'static str,
    name: &str,
    places: &mut Places,
) -> Result<Option<T>, InFile> {
    let value: Option<Value> = table.take(key);
    if let Some(value) = &value {
        places.push((RuleId::setting(name), value.place()));
    }
    value.map(|value| value.parse()).transpose()
}
