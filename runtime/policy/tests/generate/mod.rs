//! Policies and acts over few names, so that they meet often.
#![allow(dead_code)] // each test takes what it needs

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sevorix_policy::{
    Access, Act, Action, Components, Destination, Exec, ExecRule, File, FileMatch, FileRule,
    Listen, Local, Mode, Net, NetEntry, NetRule, PathPattern, Policy, Program, Protocol, RuleId,
    Unix, components,
};

pub fn policy() -> impl Strategy<Value = Policy> {
    let never = (vec(file_rule(), 0..3), vec(net_rule(), 0..3));
    let mode = prop_oneof![4 => Just(Mode::Enforce), 1 => Just(Mode::Audit)];
    (exec(), file(), net(), never, mode).prop_map(|(exec, file, net, (files, nets), mode)| {
        let mut policy = Policy::new("generated".parse().expect("a name"));
        policy.exec = exec;
        policy.file = file;
        policy.net = net;
        policy.mode = mode;
        policy.never.file = files.into_iter().map(never_file).collect();
        policy.never.net = nets.into_iter().map(never_net).collect();
        number(&mut policy);
        policy
    })
}

/// One that lets most things through, so that renames are decided by what they carry.
pub fn open_policy() -> impl Strategy<Value = Policy> {
    (vec(file_rule(), 1..3), vec(exec_rule(), 0..2)).prop_map(|(files, execs)| {
        let mut policy = Policy::new("open".parse().expect("a name"));
        policy.file.default = Action::Allow;
        policy.exec.default = Action::Allow;
        policy.file.rules = files;
        policy.exec.rules = execs;
        number(&mut policy);
        policy
    })
}

/// A rename of a folder near the root.
pub fn folder_rename() -> impl Strategy<Value = Act> {
    let near = || {
        let component = select(vec!["a", "b", "other"]);
        vec(component, 1..3)
            .prop_map(|parts| components(&format!("/{}", parts.join("/"))).expect("plain"))
    };
    (near(), near()).prop_map(|(from, to)| Act::Rename {
        from,
        to,
        folder: true,
    })
}

/// In a `never` list: a denial without exception.
fn never_file(rule: FileRule) -> FileRule {
    FileRule::new(rule.id, rule.object, rule.access, Action::Deny)
}

fn never_net(rule: NetRule) -> NetRule {
    NetRule {
        action: Action::Deny,
        audit: false,
        unless: Vec::new(),
        ..rule
    }
}

fn number(policy: &mut Policy) {
    let name = |list: &str, index| RuleId::element(list, index);
    for (index, rule) in policy.exec.rules.iter_mut().enumerate() {
        rule.id = name("exec.rules", index);
    }
    for (index, rule) in policy.file.rules.iter_mut().enumerate() {
        rule.id = name("file.rules", index);
    }
    for (index, rule) in policy.net.rules.iter_mut().enumerate() {
        rule.id = name("net.rules", index);
    }
    for (index, rule) in policy.never.file.iter_mut().enumerate() {
        rule.id = name("never.file", index);
    }
    for (index, rule) in policy.never.net.iter_mut().enumerate() {
        rule.id = name("never.net", index);
    }
}

fn action() -> impl Strategy<Value = Action> {
    select(Action::ALL)
}

/// Half of all defaults let through: rules show only then.
fn default_action() -> impl Strategy<Value = Action> {
    prop_oneof![Just(Action::Allow), action()]
}

fn exec() -> impl Strategy<Value = Exec> {
    let rules = vec(exec_rule(), 0..4);
    (default_action(), action(), action(), rules).prop_map(|(default, writable, jit, rules)| Exec {
        default,
        writable,
        jit,
        rules,
    })
}

fn exec_rule() -> impl Strategy<Value = ExecRule> {
    let parts = (
        pattern(),
        action(),
        vec(pattern(), 0..2),
        any::<bool>(),
        globs(),
    );
    parts.prop_map(|(pattern, action, unless, audit, argv)| ExecRule {
        unless,
        argv,
        audit,
        ..ExecRule::new(RuleId::setting("new"), Program::Path(pattern), action)
    })
}

/// Half of all rules are about the program alone.
fn globs() -> impl Strategy<Value = Vec<String>> {
    let glob = select(vec!["a", "ab", "*", "?", "a*", "*b", "a*b*", "??*"]);
    let rest = prop_oneof![Just(None), Just(Some("**"))];
    let globs = (vec(glob, 0..3), rest).prop_map(|(globs, rest)| {
        let all = globs.into_iter().chain(rest);
        all.map(str::to_owned).collect()
    });
    prop_oneof![Just(Vec::new()), globs]
}

fn argv() -> impl Strategy<Value = Vec<Box<[u8]>>> {
    let long = "a".repeat(2044);
    let word = select(vec!["", "a", "b", "ab", "ba", "aab", "abab"]);
    let words = vec(word, 0..4).prop_map(|words| words.into_iter().map(str::to_owned).collect());
    // one byte too long, and just not
    let edge = select(vec![0_usize, 1]).prop_map(move |more| {
        vec![
            long[more..].to_owned(),
            long[1..].to_owned(),
            "a".to_owned()[..1 - more].to_owned(),
        ]
    });
    prop_oneof![9 => words.boxed(), 1 => edge.boxed()].prop_map(|words: Vec<String>| {
        words
            .into_iter()
            .map(|word| word.into_bytes().into())
            .collect()
    })
}

fn file() -> impl Strategy<Value = File> {
    (default_action(), vec(file_rule(), 0..6)).prop_map(|(default, rules)| File { default, rules })
}

fn file_rule() -> impl Strategy<Value = FileRule> {
    let access = select(vec!["r", "w", "c", "rw", "wc", "rwc"]);
    let parts = (
        object(),
        access,
        action(),
        vec(pattern(), 0..3),
        any::<bool>(),
    );
    parts.prop_map(|(object, access, action, unless, audit)| {
        let access: Access = access.parse().expect("letters");
        let is_path = matches!(object, FileMatch::Path(_));
        FileRule {
            unless: if is_path { unless } else { Vec::new() },
            audit,
            ..FileRule::new(RuleId::setting("new"), object, access, action)
        }
    })
}

fn object() -> impl Strategy<Value = FileMatch> {
    let name = select(vec!["a", "b", "x.b", ".b", "*.b", "*.a"]);
    prop_oneof![
        3 => pattern().prop_map(FileMatch::Path),
        1 => name.prop_map(|name| FileMatch::Name(name.parse().expect(name))),
    ]
}

fn pattern() -> impl Strategy<Value = PathPattern> {
    let end = select(vec!["", "/*", "/**"]);
    (folder(), end).prop_map(|(folder, end)| {
        let text = match folder.as_str() {
            "/" if !end.is_empty() => end.to_owned(),
            folder => format!("{folder}{end}"),
        };
        text.parse().expect(&text)
    })
}

fn folder() -> impl Strategy<Value = String> {
    let component = select(vec!["a", "b", "x.b", ".b"]);
    vec(component, 0..4).prop_map(|parts| format!("/{}", parts.join("/")))
}

pub fn path() -> impl Strategy<Value = Components> {
    let component = select(vec!["a", "b", "x.b", ".b", "other"]);
    vec(component, 0..5)
        .prop_map(|parts| components(&format!("/{}", parts.join("/"))).expect("plain"))
}

const NETS: &[&str] = &[
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3",
    "[::/0]",
    "[2001:db8::/32]",
    "[2001:db8::1]",
    "[::/64]",
];

fn net() -> impl Strategy<Value = Net> {
    let settings = (select(Listen::ALL), select(Unix::ALL));
    (default_action(), vec(net_rule(), 0..6), settings).prop_map(
        |(default, rules, (listen, unix))| Net {
            default,
            rules,
            listen,
            unix,
        },
    )
}

fn net_rule() -> impl Strategy<Value = NetRule> {
    let target = prop::option::weighted(0.8, select(NETS));
    let ports = subsequence(vec!["80", "443", "80-90", "1-65535", "65535"], 0..3);
    let unless = vec(entry(), 0..2);
    let parts = (target, ports, protocol(), action(), unless, any::<bool>());
    parts.prop_map(|(target, ports, protocol, action, unless, audit)| {
        let target = target.map(|text| text.parse::<NetEntry>().expect(text).target);
        NetRule {
            ports: ports
                .into_iter()
                .map(|text| text.parse().expect(text))
                .collect(),
            protocol,
            unless,
            audit,
            ..NetRule::new(RuleId::setting("new"), target, action)
        }
    })
}

fn entry() -> impl Strategy<Value = NetEntry> {
    let ports = select(vec!["", ":443", ":80-85"]);
    (select(NETS), ports, protocol()).prop_map(|(net, ports, protocol)| {
        let entry: NetEntry = format!("{net}{ports}").parse().expect(net);
        NetEntry { protocol, ..entry }
    })
}

fn protocol() -> impl Strategy<Value = Option<Protocol>> {
    select(vec![None, Some(Protocol::Tcp), Some(Protocol::Udp)])
}

pub fn act() -> impl Strategy<Value = Act> {
    let two = || (path(), path(), any::<bool>());
    prop_oneof![
        3 => (path(), any::<bool>(), argv()).prop_map(|(path, written, argv)| Act::Exec { path, written, argv }),
        1 => (path(), any::<bool>()).prop_map(|(path, written)| Act::MapExec { path, written }),
        1 => Just(Act::WritableCode),
        1 => (path(), any::<bool>(), any::<bool>())
            .prop_map(|(path, read, write)| Act::Open { path, read, write }),
        1 => path().prop_map(|path| Act::Create { path }),
        1 => path().prop_map(|path| Act::Unlink { path }),
        1 => path().prop_map(|path| Act::SetAttr { path }),
        4 => two().prop_map(|(from, to, folder)| Act::Rename { from, to, folder }),
        2 => two().prop_map(|(from, to, _)| Act::Link { from, to }),
        4 => destination().prop_map(Act::Connect),
        1 => destination().prop_map(Act::Send),
        1 => local().prop_map(Act::Bind),
        1 => local().prop_map(Act::Listen),
        1 => (prop::option::of(path()), any::<bool>())
            .prop_map(|(path, inside)| Act::Unix { path, inside }),
    ]
}

const ADDRESSES: &[&str] = &[
    "10.1.2.3",
    "::ffff:10.1.2.3",
    "10.1.2.4",
    "10.2.0.1",
    "192.0.2.1",
    "127.0.0.1",
    "2001:db8::1",
    "2001:db8::2",
    "::1",
    "::",
    "fe80::1",
];

fn destination() -> impl Strategy<Value = Destination> {
    let port = select(vec![0, 1, 79, 80, 85, 86, 90, 91, 443, 444, 65534, 65535]);
    let protocol = select(vec![Protocol::Tcp, Protocol::Udp]);
    (select(ADDRESSES), port, protocol).prop_map(|(address, port, protocol)| Destination {
        address: Some(address.parse().expect(address)),
        host: None,
        port,
        protocol,
    })
}

fn local() -> impl Strategy<Value = Local> {
    (select(ADDRESSES), select(vec![0, 80])).prop_map(|(address, port)| Local {
        address: address.parse().expect(address),
        port,
    })
}
