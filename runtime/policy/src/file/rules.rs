//! The rules of a file.

use super::source::{InFile, Place};
use super::table::{Table, Value};
use crate::model::{
    Access, Action, Asker, ExecRule, FileMatch, FileRule, NetRule, PathPattern, Program, REST,
    RuleId,
};
use crate::values::{NetTarget, PortRange};

/// Where each rule and each setting stands.
pub(super) type Places = Vec<(RuleId, Place)>;

/// Reads each element of a list of rules, and remembers where it stands.
pub(super) fn list<R>(
    table: &mut Table,
    key: &'static str,
    name: &str,
    places: &mut Places,
    read: impl Fn(RuleId, &mut Table) -> Result<R, InFile>,
) -> Result<Vec<(R, Place)>, InFile> {
    let rules = table.list(key)?.into_iter().enumerate();
    let rules = rules.map(|(index, value)| {
        let id = RuleId::element(name, index);
        places.push((id.clone(), value.place()));
        value.section(|table| Ok((read(id, table)?, value.place())))
    });
    rules.collect()
}

pub(super) fn exec(id: RuleId, table: &mut Table) -> Result<ExecRule, InFile> {
    let path: Option<PathPattern> = table.parse("path")?;
    let content = table.parse("sha256")?;
    let program = match (path, content) {
        (Some(path), None) => Program::Path(path),
        (None, Some(content)) => Program::Content(content),
        _ => return Err(one_of(table, "path", "sha256")),
    };
    let argv = arguments(&table.list("argv")?)?;
    if !argv.is_empty() && matches!(program, Program::Content(_)) {
        return Err(table.refuse(
            "a rule on sha256 takes no argv",
            "write path instead of sha256",
        ));
    }
    let action = action(table)?;
    let rule = ExecRule {
        argv,
        asker: ask(table, action)?,
        unless: unless(table, matches!(program, Program::Path(_)))?,
        audit: table.flag("audit")?,
        violation: table.flag("violation")?,
        ..ExecRule::new(id, program, action)
    };
    check_violation(table, rule.violation, rule.action)?;
    Ok(rule)
}

fn arguments(values: &[Value]) -> Result<Vec<String>, InFile> {
    let globs: Vec<String> = values.iter().map(argument).collect::<Result<_, _>>()?;
    let before_last = globs.len().saturating_sub(1);
    match globs[..before_last].iter().position(|glob| glob == REST) {
        None => Ok(globs),
        Some(index) => Err(values[index].refuse(
            "** stands for all arguments that are left, and nothing can follow it",
            "write * for one argument, or move it to the end",
        )),
    }
}

fn argument(value: &Value) -> Result<String, InFile> {
    match value.text()? {
        "" => Err(value.refuse(
            "is empty",
            "write one glob for each argument, ** for the rest",
        )),
        glob if glob.contains('\0') => Err(value.refuse(
            "the glob holds a zero byte, which no argument has",
            "remove it",
        )),
        glob => Ok(glob.to_owned()),
    }
}

pub(super) fn file(id: RuleId, table: &mut Table) -> Result<FileRule, InFile> {
    let object = file_match(table)?;
    let access = table.parse("access")?;
    let access = access.ok_or_else(|| missing(table, "access", "access = \"rwc\""))?;
    let is_path = matches!(object, FileMatch::Path(_));
    let action = action(table)?;
    let rule = FileRule {
        asker: ask(table, action)?,
        unless: unless(table, is_path)?,
        label: table.text("label")?.map(str::to_owned),
        audit: table.flag("audit")?,
        violation: table.flag("violation")?,
        ..FileRule::new(id, object, access, action)
    };
    if rule.label.is_some() && !rule.access.read {
        let hint = "add r to its access, or remove the label";
        return Err(table.refuse(
            "a label is put on by reading, and this rule is not about that",
            hint,
        ));
    }
    check_violation(table, rule.violation, rule.action)?;
    Ok(rule)
}

fn file_match(table: &mut Table) -> Result<FileMatch, InFile> {
    let path = table.parse("path")?;
    let name = table.parse("name")?;
    match (path, name) {
        (Some(path), None) => Ok(FileMatch::Path(path)),
        (None, Some(name)) => Ok(FileMatch::Name(name)),
        _ => Err(one_of(table, "path", "name")),
    }
}

/// A rule of `[never]`: it denies, and takes no exception.
pub(super) fn never_file(id: RuleId, table: &mut Table) -> Result<FileRule, InFile> {
    let object = file_match(table)?;
    let access = table.parse("access")?.unwrap_or(Access::ALL);
    Ok(FileRule::new(id, object, access, Action::Deny))
}

pub(super) fn never_net(id: RuleId, table: &mut Table) -> Result<NetRule, InFile> {
    destination(id, table, Action::Deny)
}

pub(super) fn net(id: RuleId, table: &mut Table) -> Result<NetRule, InFile> {
    let action = action(table)?;
    let rule = NetRule {
        asker: ask(table, action)?,
        sni: table.flag("sni")?,
        essential: table.flag("essential")?,
        audit: table.flag("audit")?,
        violation: table.flag("violation")?,
        ..destination(id, table, action)?
    };
    if rule.sni && !rule.names_a_host() {
        let hint = "write the rule for a host, or remove sni";
        return Err(table.refuse("sni compares with a host, and this rule names none", hint));
    }
    if rule.essential && rule.action != Action::Allow {
        let hint = "only what is allowed can stay open";
        return Err(table.refuse(
            "essential has no effect on a rule that does not allow",
            hint,
        ));
    }
    check_violation(table, rule.violation, rule.action)?;
    Ok(rule)
}

/// A rule of a preset: it can only allow.
pub(super) fn preset_net(id: RuleId, table: &mut Table) -> Result<NetRule, InFile> {
    if let Some(action) = table.take("action")
        && action.parse::<Action>()? != Action::Allow
    {
        let hint = "write denials into the policy";
        return Err(action.refuse("a preset only allows", hint));
    }
    destination(id, table, Action::Allow)
}

fn destination(id: RuleId, table: &mut Table, action: Action) -> Result<NetRule, InFile> {
    let host = table
        .take("host")
        .map(|value| value.parse_as(NetTarget::host));
    let cidr = table
        .take("cidr")
        .map(|value| value.parse_as(NetTarget::cidr));
    let target = match (host.transpose()?, cidr.transpose()?) {
        (Some(_), Some(_)) => return Err(one_of(table, "host", "cidr")),
        (host, cidr) => host.or(cidr),
    };
    let rule = NetRule {
        ports: table
            .take("port")
            .map_or(Ok(Vec::new()), |value| ports(&value))?,
        protocol: table.parse("proto")?,
        ..NetRule::new(id, target, action)
    };
    if rule.target.is_none() && rule.ports.is_empty() {
        let hint = "write host, cidr or port; what no rule names is the section's default";
        return Err(table.refuse("the rule names no destination", hint));
    }
    Ok(rule)
}

/// `443`, `"5432-5440"`, or a list of both.
fn ports(value: &Value) -> Result<Vec<PortRange>, InFile> {
    let values = if value.is_list() {
        value.list()?
    } else {
        vec![*value]
    };
    if values.is_empty() {
        let hint = "list the ports; without port the rule is about all of them";
        return Err(value.refuse("an empty list of ports matches nothing", hint));
    }
    let mut ports: Vec<PortRange> = Vec::new();
    for value in values {
        let range: PortRange = if value.is_text() {
            value.parse()?
        } else {
            let number = value.number()?;
            number
                .parse()
                .map_err(|_| value.refuse("is not a port", "a port is 1 to 65535"))?
        };
        if ports.iter().any(|other| other.overlaps(range)) {
            return Err(value.refuse("is listed twice", "list each port once"));
        }
        ports.push(range);
    }
    Ok(ports)
}

fn action(table: &mut Table) -> Result<Action, InFile> {
    let action = table.parse("action")?;
    action.ok_or_else(|| missing(table, "action", "action = \"deny\""))
}

fn ask(table: &mut Table, action: Action) -> Result<Asker, InFile> {
    match table.take("ask") {
        None => Ok(Asker::Jury),
        Some(value) if action == Action::Ask => value.parse(),
        Some(value) => Err(value.refuse(
            format!("nobody is asked by a rule that says {action}"),
            "write action = \"ask\", or remove the key",
        )),
    }
}

fn unless(table: &mut Table, has_path: bool) -> Result<Vec<PathPattern>, InFile> {
    let Some(value) = table.take("unless") else {
        return Ok(Vec::new());
    };
    if !has_path {
        let hint = "remove it; an exception is possible on a rule with a path";
        return Err(value.refuse("unless is not supported on this kind of rule", hint));
    }
    value.list()?.iter().map(Value::parse).collect()
}

fn check_violation(table: &Table, violation: bool, action: Action) -> Result<(), InFile> {
    if violation && action == Action::Allow {
        let hint = "only a refusal can be a violation";
        return Err(table.refuse("violation has no effect on a rule that allows", hint));
    }
    Ok(())
}

fn one_of(table: &Table, one: &str, other: &str) -> InFile {
    table.refuse(
        format!("a rule has one of {one} and {other}"),
        format!("write {one} = \"...\" or {other} = \"...\""),
    )
}

fn missing(table: &Table, key: &str, example: &str) -> InFile {
    table.refuse(
        format!("{key} is missing"),
        format!("write it, as in {example}"),
    )
}
