//! A table of decisions.

use super::*;
use crate::model::{
    Access, Components, ExecRule, FileMatch, FileRule, NetRule, Program, components,
};
use crate::values::{Mode, NetEntry, Protocol};

fn policy() -> Policy {
    let mut policy = Policy::new("test".parse().expect("a name"));
    policy.exec.default = Action::Allow;
    policy.exec.jit = Action::Allow;
    policy.exec.writable = Action::Deny;
    policy.exec.rules = vec![exec(0, "/usr/bin/nc", Action::Kill)];
    policy.file.default = Action::Allow;
    policy.file.rules = vec![
        file(0, "/etc/**", "wc", Action::Deny, &["/etc/agent/**"]),
        file(1, "/project/.git/hooks/**", "wc", Action::Deny, &[]),
        file(2, ".env", "r", Action::Ask, &[]),
        file(3, "/keys/*", "r", Action::Deny, &[]),
    ];
    policy.never.file = vec![file(9, "/run/docker.sock", "rwc", Action::Deny, &[])];
    policy.net.rules = vec![
        net(0, "10.0.0.0/8:5432", Action::Allow),
        net(1, "10.9.0.0/16", Action::Kill),
    ];
    policy
}

fn exec(index: usize, path: &str, action: Action) -> ExecRule {
    let program = Program::Path(path.parse().expect(path));
    ExecRule::new(RuleId::element("exec.rules", index), program, action)
}

fn file(index: usize, what: &str, access: &str, action: Action, unless: &[&str]) -> FileRule {
    let object = match what.starts_with('/') {
        true => FileMatch::Path(what.parse().expect(what)),
        false => FileMatch::Name(what.parse().expect(what)),
    };
    let access: Access = access.parse().expect(access);
    let mut rule = FileRule::new(RuleId::element("file.rules", index), object, access, action);
    rule.unless = unless
        .iter()
        .map(|text| text.parse().expect(text))
        .collect();
    rule
}

fn net(index: usize, entry: &str, action: Action) -> NetRule {
    let entry: NetEntry = entry.parse().expect(entry);
    let mut rule = NetRule::new(
        RuleId::element("net.rules", index),
        Some(entry.target),
        action,
    );
    rule.ports = entry.ports.into_iter().collect();
    rule
}

fn path(text: &str) -> Components {
    components(text).expect(text)
}

fn told(policy: &Policy, act: &Act) -> String {
    let judgement = judge(policy, act);
    let errno = judgement.refusal.map_or("", Refusal::as_str);
    let audit = if judgement.audit { " audit" } else { "" };
    format!(
        "{} {} {} {errno}{audit}",
        judgement.action, judgement.rule, judgement.reason
    )
}

fn open(text: &str, mode: &str) -> Act {
    Act::Open {
        path: path(text),
        read: mode.contains('r'),
        write: mode.contains('w'),
    }
}

fn rename(from: &str, to: &str, folder: bool) -> Act {
    Act::Rename {
        from: path(from),
        to: path(to),
        folder,
    }
}

fn connect(address: &str, port: u16) -> Act {
    Act::Connect(Destination {
        address: Some(address.parse().expect(address)),
        host: None,
        port,
        protocol: Protocol::Tcp,
    })
}

#[test]
fn objects() {
    let policy = policy();
    let run = |program: &str, written| Act::Exec {
        path: path(program),
        written,
        argv: Vec::new(),
    };
    for (act, said) in [
        (run("/bin/sh", false), "allow exec.default no-match "),
        (run("/bin/sh", true), "deny exec.writable written EACCES"),
        (run("/usr/bin/nc", true), "kill exec.rules[0] match EPERM"),
        (open("/etc/passwd", "r"), "allow file.default no-match "),
        (open("/etc/passwd", "rw"), "deny file.rules[0] match EACCES"),
        (open("/etc/agent/x", "rw"), "allow file.default no-match "),
        (open("/any/.env", "r"), "ask file.rules[2] match EACCES"),
        (
            open("/run/docker.sock", "r"),
            "deny file.rules[9] never EACCES",
        ),
        (open("/etc/passwd", ""), "allow file.default setting "),
        (
            Act::SetAttr { path: path("/etc") },
            "deny file.rules[0] match EACCES",
        ),
        (
            Act::Create {
                path: path("/project/.git/hooks/x"),
            },
            "deny file.rules[1] match EACCES",
        ),
        (Act::WritableCode, "allow exec.jit.default setting "),
    ] {
        assert_eq!(told(&policy, &act), said, "{act:?}");
    }
}

#[test]
fn nothing_is_carried_out_of_a_rules_reach_or_into_it() {
    let policy = policy();
    for (act, said) in [
        (rename("/a", "/b", true), "allow file.default no-match "),
        (
            rename("/a", "/etc/a", false),
            "deny file.rules[0] match EACCES",
        ),
        (
            rename("/project", "/old", true),
            "deny file.rules[1] out-of-reach EXDEV",
        ),
        (
            rename("/tmp/git", "/project/.git", true),
            "deny file.rules[1] out-of-reach EXDEV",
        ),
        (
            rename("/tmp/file", "/project/.git", false),
            "allow file.default no-match ",
        ),
        (
            rename("/x/.env", "/x/plain", false),
            "deny file.rules[2] out-of-reach EXDEV",
        ),
        (
            rename("/keys/a", "/tmp/a", false),
            "deny file.rules[3] out-of-reach EXDEV",
        ),
        (
            rename("/keys", "/tmp/keys", true),
            "deny file.rules[3] out-of-reach EXDEV",
        ),
        (
            rename("/usr/bin/nc", "/tmp/x", false),
            "deny exec.rules[0] out-of-reach EXDEV",
        ),
    ] {
        assert_eq!(told(&policy, &act), said, "{act:?}");
    }
    let link = Act::Link {
        from: path("/keys/a"),
        to: path("/tmp/a"),
    };
    assert_eq!(
        told(&policy, &link),
        "deny file.rules[3] out-of-reach EXDEV"
    );
}

#[test]
fn destinations_and_sockets() {
    let mut policy = policy();
    policy.net.listen = Listen::Loopback;
    let local = |address: &str, port| Local {
        address: address.parse().expect(address),
        port,
    };
    let unix = |place: Option<&str>, inside| Act::Unix {
        path: place.map(path),
        inside,
    };
    for (act, said) in [
        (connect("10.1.1.1", 5432), "allow net.rules[0] match "),
        (
            connect("::ffff:10.1.1.1", 5432),
            "allow net.rules[0] match ",
        ),
        (connect("10.1.1.1", 5433), "deny net.default no-match EPERM"),
        (connect("10.9.1.1", 5432), "kill net.rules[1] match EPERM"),
        (
            connect("2001:db8::1", 5432),
            "deny net.default no-match EPERM",
        ),
        (Act::Bind(local("0.0.0.0", 0)), "allow net.listen setting "),
        (
            Act::Bind(local("0.0.0.0", 80)),
            "deny net.listen setting EPERM",
        ),
        (
            Act::Listen(local("0.0.0.0", 0)),
            "deny net.listen setting EPERM",
        ),
        (
            Act::Listen(local("::ffff:127.0.0.1", 80)),
            "allow net.listen setting ",
        ),
        (unix(None, true), "allow net.unix setting "),
        (unix(None, false), "deny net.unix setting EACCES"),
        (
            unix(Some("/run/x.sock"), true),
            "allow file.default no-match ",
        ),
        (
            unix(Some("/run/docker.sock"), true),
            "deny file.rules[9] never EACCES",
        ),
        (
            unix(Some("/run/docker.sock"), false),
            "deny file.rules[9] never EACCES",
        ),
    ] {
        assert_eq!(told(&policy, &act), said, "{act:?}");
    }
}

#[test]
fn audit_mode_lets_everything_through_but_never() {
    let mut policy = policy();
    policy.mode = Mode::Audit;
    assert_eq!(
        told(&policy, &open("/etc/x", "w")),
        "deny file.rules[0] match EACCES audit"
    );
    assert_eq!(
        told(&policy, &open("/run/docker.sock", "w")),
        "deny file.rules[9] never EACCES"
    );
    assert_eq!(
        told(&policy, &rename("/keys", "/tmp/keys", true)),
        "allow file.default no-match "
    );
    assert_eq!(
        told(&policy, &rename("/run", "/tmp/run", true)),
        "deny file.rules[9] out-of-reach EXDEV"
    );
}

#[test]
fn the_beaten_are_named() {
    let judgement = judge(&policy(), &connect("10.9.1.1", 5432));
    let beaten: Vec<_> = judgement
        .beaten
        .iter()
        .map(|beaten| beaten.rule.as_str())
        .collect();
    assert_eq!(beaten, ["net.rules[0]"]);
}
