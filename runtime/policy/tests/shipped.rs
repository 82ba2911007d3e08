//! The files we ship mean what they say.

use std::path::{Path, PathBuf};

use sevorix_policy::{
    Act, Destination, Folders, Local, Policy, Protocol, Request, compile, components, judge,
};

fn folders() -> Folders {
    Folders {
        shipped: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs"),
        local: PathBuf::from("/nowhere"),
        config: None,
        must_be_roots: false,
    }
}

fn policy(name: &str) -> Policy {
    let pod = [("io.kubernetes.cri.container-type", "sandbox")];
    let request = match name {
        "pause" => Request::parse(pod, None),
        _ => Request::parse([("io.sevorix.policy", name)], None),
    };
    let effective = folders()
        .effective(&request.expect("valid"))
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    effective.expect("guarded").policy
}

const NAMES: &[&str] = &[
    "coding-agent",
    "default",
    "locked",
    "pause",
    "research-agent",
];

fn act(text: &str) -> Act {
    let (op, object) = text.split_once(' ').expect("an operation and an object");
    let path = || components(object).expect(object);
    match op {
        "exec" => Act::Exec {
            path: path(),
            written: false,
            argv: Vec::new(),
        },
        "exec-written" => Act::Exec {
            path: path(),
            written: true,
            argv: Vec::new(),
        },
        "read" => Act::Open {
            path: path(),
            read: true,
            write: false,
        },
        "write" => Act::Open {
            path: path(),
            read: false,
            write: true,
        },
        "create" => Act::Create { path: path() },
        "unix" => Act::Unix {
            path: Some(path()),
            inside: false,
        },
        "listen" => {
            let (address, port) = object.rsplit_once(':').expect(object);
            Act::Listen(Local {
                address: address.parse().expect(object),
                port: port.parse().expect(object),
            })
        }
        "tcp" | "udp" => {
            let (address, port) = object.rsplit_once(':').expect(object);
            Act::Connect(Destination {
                address: Some(address.parse().expect(object)),
                host: None,
                port: port.parse().expect(object),
                protocol: op.parse::<Protocol>().expect(op),
            })
        }
        other => panic!("{other}"),
    }
}

/// What each policy is expected to say.
const TABLE: &[(&str, &str, &str)] = &[
    ("default", "exec /bin/sh", "allow exec.default"),
    ("default", "exec-written /tmp/a.out", "allow exec.default"),
    ("default", "write /etc/passwd", "allow file.default"),
    ("default", "tcp 192.0.2.1:80", "allow net.default"),
    ("default", "listen 0.0.0.0:80", "allow net.listen"),
    ("default", "unix /shared/mysql.sock", "allow file.default"),
    ("default", "tcp 169.254.169.254:80", "deny never.net[0]"),
    (
        "default",
        "tcp ::ffff:169.254.169.254:80",
        "deny never.net[0]",
    ),
    ("default", "tcp 168.63.129.16:80", "deny never.net[6]"),
    ("default", "udp 168.63.129.16:53", "allow net.default"),
    ("default", "unix /var/run/docker.sock", "deny never.file[0]"),
    (
        "default",
        "unix /mnt/host/docker.sock",
        "deny never.file[0]",
    ),
    (
        "default",
        "write /proc/sysrq-trigger",
        "deny never.file[13]",
    ),
    (
        "default",
        "write /proc/sys/kernel/core_pattern",
        "deny never.file[14]",
    ),
    (
        "default",
        "write /proc/sys/vm/swappiness",
        "deny file.rules[0]",
    ),
    (
        "default",
        "read /proc/sys/vm/swappiness",
        "allow file.default",
    ),
    ("default", "read /sys/fs/bpf/sevorix", "deny never.file[20]"),
    ("coding-agent", "exec /usr/bin/gcc", "allow exec.default"),
    (
        "coding-agent",
        "exec-written /workspace/a.out",
        "allow exec.default",
    ),
    ("coding-agent", "exec /usr/bin/nc", "kill exec.rules[0]"),
    (
        "coding-agent",
        "create /workspace/src/main.rs",
        "allow file.rules[1]",
    ),
    (
        "coding-agent",
        "write /workspace/.git/hooks/pre-commit",
        "deny file.rules[14]",
    ),
    (
        "coding-agent",
        "create /workspace/.git/hooks/pre-commit",
        "deny file.rules[14]",
    ),
    (
        "coding-agent",
        "create /workspace/.git/index",
        "allow file.rules[1]",
    ),
    ("coding-agent", "write /etc/passwd", "deny file.default"),
    ("coding-agent", "read /etc/passwd", "allow file.rules[0]"),
    ("coding-agent", "read /etc/shadow", "deny file.rules[33]"),
    (
        "coding-agent",
        "read /workspace/app/.env",
        "deny file.rules[20]",
    ),
    (
        "coding-agent",
        "read /root/.ssh/config",
        "deny file.rules[28]",
    ),
    (
        "coding-agent",
        "write /root/.cache/x",
        "allow file.rules[2]",
    ),
    (
        "coding-agent",
        "tcp 160.79.104.10:443",
        "allow net.rules[2]",
    ),
    ("coding-agent", "tcp 160.79.104.10:80", "deny net.default"),
    ("coding-agent", "tcp 140.82.121.4:22", "allow net.rules[4]"),
    ("coding-agent", "tcp 10.0.0.5:5432", "deny net.default"),
    ("coding-agent", "udp 10.0.0.2:53", "allow net.rules[8]"),
    ("coding-agent", "tcp 127.0.0.1:8080", "allow net.rules[0]"),
    ("coding-agent", "listen 127.0.0.1:8080", "allow net.listen"),
    ("coding-agent", "listen 0.0.0.0:8080", "deny net.listen"),
    ("research-agent", "tcp 192.0.2.1:443", "allow net.rules[0]"),
    ("research-agent", "tcp 192.0.2.1:25", "deny net.default"),
    ("research-agent", "tcp 10.0.0.5:443", "deny net.rules[5]"),
    ("research-agent", "tcp fd12::1:443", "deny net.rules[9]"),
    (
        "research-agent",
        "tcp 169.254.169.254:80",
        "deny never.net[0]",
    ),
    (
        "research-agent",
        "exec-written /tmp/tool",
        "deny exec.writable",
    ),
    ("research-agent", "listen 127.0.0.1:80", "deny net.listen"),
    ("locked", "exec /bin/sh", "allow exec.default"),
    ("locked", "read /usr/share/x", "allow file.rules[0]"),
    ("locked", "write /tmp/x", "deny file.default"),
    ("locked", "write /dev/null", "allow file.rules[1]"),
    ("locked", "tcp 127.0.0.1:80", "deny net.default"),
    ("pause", "exec /pause", "allow exec.rules[0]"),
    ("pause", "exec /bin/sh", "deny exec.default"),
    ("pause", "read /etc/passwd", "deny file.default"),
    ("pause", "tcp 192.0.2.1:443", "deny net.default"),
];

#[test]
fn every_policy_says_what_is_expected() {
    let told = |name, asked| {
        let judgement = judge(&policy(name), &act(asked));
        format!("{} {}", judgement.action, judgement.rule)
    };
    let rows = TABLE
        .iter()
        .map(|(name, asked, _)| (*name, *asked, told(name, asked)));
    let wrong: Vec<_> = rows
        .zip(TABLE)
        .filter(|(row, (_, _, said))| row.2 != *said)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_policy_compiles_and_needs_no_more_than_the_kernel() {
    let found = folders().policy_names().expect("readable");
    let found: Vec<&str> = found.iter().map(|name| name.as_str()).collect();
    assert_eq!(found, NAMES);
    for name in NAMES {
        let policy = policy(name);
        compile(&policy).expect(name);
        assert_eq!(policy.needs(), [], "{name}");
        assert!(!policy.description.is_empty(), "{name}");
    }
}

#[test]
fn every_preset_is_valid_and_reviewed() {
    let folder = folders().shipped.join("presets.d");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("presets.d") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name");
        let preset = folders()
            .preset(&name.parse().expect(name))
            .unwrap_or_else(|error| panic!("{error}"));
        let preset = preset.expect("there");
        assert!(
            !preset.rules.is_empty() && preset.reviewed.len() == 10,
            "{name}"
        );
        assert!(
            preset.rules.iter().all(|rule| !rule.ports.is_empty()),
            "{name}"
        );
        count += 1;
    }
    assert!(count >= 12);
}

#[test]
fn a_container_that_asks_for_nothing_is_left_alone() {
    let request = Request::parse([], None).expect("valid");
    assert_eq!(folders().effective(&request).expect("granted"), None);
    let unknown = Request::parse([], Some("coding")).expect("valid");
    let refused = folders().effective(&unknown).expect_err("unknown");
    assert!(
        refused.to_string().contains("there is no policy coding"),
        "{refused}"
    );
}
