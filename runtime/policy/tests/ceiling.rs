//! What the host grants, narrowed by what its caller asks.

mod generate;

use generate::{act, policy};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use sevorix_policy::{
    Act, Action, Config, Effective, Error, Feature, Key, Policy, Reason, Refused, Request,
    components, effective, judge,
};

const CONFIG: &str = r#"
default_policy = "default"
policies = ["default", "coding"]
annotations = ["mode", "domain", "trust-mask", "preset", "net.allow", "net.deny", "fs.read", "fs.write", "fs.deny",
  "exec.allow", "dev.allow", "verdict", "verdict.timeout-ms", "gate", "slm.mount", "agent.id"]
domains = ["maritime"]
[policy.coding]
annotations = ["net.deny"]
[never]
file = [{ path = "/run/docker.sock" }]
net = [{ cidr = "169.254.0.0/16" }]
"#;

const POLICY: &str = r#"
version = 1
trust_mask = "0x00000007"
[exec]
default = "allow"
writable = "allow"
[file]
default = "allow"
rules = [{ path = "/etc/**", access = "wc", action = "deny", unless = ["/etc/agent/**"] }]
[net]
rules = [{ cidr = "10.0.0.0/8", port = [80, 443], action = "allow" }, { cidr = "10.9.0.0/16", action = "deny" }]
"#;

fn config() -> Config {
    Config::default()
        .with("config.toml", CONFIG)
        .expect("valid")
}

fn asked(text: &str, annotations: &[(&str, &str)]) -> Result<Effective, Error> {
    let policy =
        Policy::parse("default".parse().expect("a name"), "default.toml", text).expect(text);
    let owned: Vec<_> = annotations
        .iter()
        .map(|(key, value)| (format!("io.sevorix.{key}"), *value))
        .collect();
    let request = Request::parse(
        owned.iter().map(|(key, value)| (key.as_str(), *value)),
        None,
    )?;
    effective(&config(), policy, &request)
}

fn narrowed(annotations: &[(&str, &str)]) -> Policy {
    asked(POLICY, annotations).expect("granted").policy
}

fn decided(policy: &Policy, act: &Act) -> String {
    let judgement = judge(policy, act);
    format!("{} {}", judgement.action, judgement.rule)
}

fn write(path: &str) -> Act {
    Act::Open {
        path: components(path).expect(path),
        read: false,
        write: true,
    }
}

fn read(path: &str) -> Act {
    Act::Open {
        path: components(path).expect(path),
        read: true,
        write: false,
    }
}

fn run(path: &str) -> Act {
    Act::Exec {
        path: components(path).expect(path),
        written: false,
        argv: Vec::new(),
    }
}

fn connect(address: &str, port: u16) -> Act {
    Act::Connect(sevorix_policy::Destination {
        address: Some(address.parse().expect(address)),
        host: None,
        port,
        protocol: sevorix_policy::Protocol::Tcp,
    })
}

#[test]
fn a_list_of_paths_leaves_what_it_names_to_the_policy() {
    let policy = narrowed(&[
        ("fs.write", "/project,/etc/agent"),
        ("fs.read", "/project,/usr"),
        ("fs.deny", "/project/secret"),
    ]);
    for (act, said) in [
        (write("/project/x"), "allow file.default"),
        (write("/project"), "allow file.default"),
        (write("/projectx"), "deny annotation.fs.write"),
        (write("/etc/agent/x"), "allow file.default"),
        (write("/etc/x"), "deny file.rules[0]"),
        (write("/dev/null"), "allow file.default"),
        (write("/project/secret/x"), "deny annotation.fs.deny[0]"),
        (write("/run/docker.sock"), "deny never.file[0]"),
        (read("/usr/share/x"), "allow file.default"),
        (read("/lib/libc.so"), "allow file.default"),
        (read("/home/x"), "deny annotation.fs.read"),
        (run("/project/secret/tool"), "deny annotation.fs.deny[0]"),
        (run("/bin/sh"), "allow exec.default"),
    ] {
        assert_eq!(decided(&policy, &act), said, "{act:?}");
    }
}

#[test]
fn a_list_of_programs_or_destinations_leaves_what_it_names_to_the_policy() {
    let policy = narrowed(&[
        ("exec.allow", "/usr/bin/git"),
        ("net.allow", "10.0.0.0/8:443,192.0.2.0/24"),
        ("net.deny", "10.1.0.0/16"),
    ]);
    for (act, said) in [
        (run("/usr/bin/git"), "allow exec.default"),
        (run("/usr/bin/git2"), "deny annotation.exec.allow"),
        (run("/usr/lib/git-core/git"), "allow exec.default"),
        (connect("10.2.0.1", 443), "allow net.rules[0]"),
        (connect("10.2.0.1", 80), "deny annotation.net.allow"),
        (connect("10.1.0.1", 443), "deny annotation.net.deny[0]"),
        (connect("10.9.0.1", 443), "deny net.rules[1]"),
        (connect("192.0.2.1", 443), "deny net.default"),
        (connect("169.254.169.254", 80), "deny never.net[0]"),
        (connect("2001:db8::1", 443), "deny annotation.net.allow"),
    ] {
        assert_eq!(decided(&policy, &act), said, "{act:?}");
    }
}

#[test]
fn what_is_listed_and_not_granted_is_told_with_the_line_that_says_so() {
    let cuts = |key: &str, value: &str| {
        let effective = asked(POLICY, &[(key, value)]).expect("granted");
        effective
            .cuts
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    for (key, value, told) in [
        ("fs.write", "/project", None),
        (
            "fs.write",
            "/etc",
            Some("a part of /etc is granted, because of file.rules[0] (default.toml:9)"),
        ),
        (
            "fs.write",
            "/etc/ssh",
            Some("nothing of /etc/ssh is granted, because of file.rules[0] (default.toml:9)"),
        ),
        (
            "fs.write",
            "/run",
            Some("a part of /run is granted, because of never.file[0] (config.toml:10)"),
        ),
        ("fs.read", "/etc", None),
        ("net.allow", "10.2.0.0/16:443/tcp", None),
        (
            "net.allow",
            "10.0.0.0/8:443",
            Some("a part of 10.0.0.0/8:443 is granted, because of net.rules[1] (default.toml:11)"),
        ),
        (
            "net.allow",
            "10.2.0.0/16:442-443",
            Some("a part of 10.2.0.0/16:442-443 is granted, because of net.default"),
        ),
        (
            "net.allow",
            "api.example.com",
            Some("nothing of api.example.com is granted, because of net.default"),
        ),
        (
            "preset",
            "github",
            Some("nothing of github is granted, because of presets"),
        ),
        ("exec.allow", "/bin/sh", None),
    ] {
        let expected: Vec<String> = told
            .iter()
            .map(|told| format!("io.sevorix.{key}: {told}"))
            .collect();
        assert_eq!(cuts(key, value), expected);
    }
}

#[test]
fn a_single_value_beyond_the_grant_is_refused() {
    for (key, value, granted) in [
        ("mode", "audit", false),
        ("mode", "learn", false),
        ("mode", "enforce", true),
        ("domain", "finance", false),
        ("domain", "maritime", true),
        ("trust-mask", "0x0000000F", false),
        ("trust-mask", "0x00000003", true),
        ("verdict", "off", true),
        ("verdict.timeout-ms", "2001", false),
        ("verdict.timeout-ms", "100", true),
        ("gate", "lock=11/300s", false),
        ("gate", "lock=10/299s", false),
        ("gate", "lock=5/600s", true),
        ("slm.mount", "host", false),
        ("slm.mount", "none", true),
        ("agent.id", "a", true),
        ("agent.name", "a", false),
        ("intent", "a", false),
    ] {
        let result = asked(POLICY, &[(key, value)]);
        assert_eq!(result.is_ok(), granted, "{key}={value}: {result:?}");
        if let Err(error) = result {
            assert!(
                error.to_string().contains(key) && !error.hint().is_empty(),
                "{error}"
            );
        }
    }
    let quorum = format!("{POLICY}[verdict]\nmode = \"quorum\"\n");
    assert!(asked(&quorum, &[("verdict", "ask")]).is_err());
    assert!(asked(&quorum, &[("verdict", "off")]).is_ok());
    let maritime = "version = 1\ndomain = \"general\"\ntrust_mask = \"0x0000FFFF\"";
    assert!(
        asked(
            maritime,
            &[("domain", "maritime"), ("trust-mask", "0x00010001")]
        )
        .is_err()
    );
}

#[test]
fn only_the_hosts_keys_and_policies_may_be_named() {
    let named = |annotations: &[(&str, &str)], policy: &str| {
        let policy =
            Policy::parse(policy.parse().expect("a name"), "p.toml", "version = 1").expect("valid");
        let request = Request::parse(annotations.iter().copied(), None).expect("valid");
        effective(&config(), policy, &request)
    };
    let net = ("io.sevorix.net.deny", "10.0.0.0/8");
    let file = ("io.sevorix.fs.deny", "/a");
    assert!(named(&[net], "coding").is_ok());
    let refused = named(&[net, file], "coding").expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "annotation io.sevorix.fs.deny is not permitted (config.toml:7)"
    );
    let Error::Refused(refused) = refused else {
        panic!("the host's configuration refuses it");
    };
    assert!(matches!(*refused, Refused::NotPermitted { .. }));
    assert!(named(&[net, file], "default").is_ok());
}

#[test]
fn the_pause_container_gets_its_policy_whatever_the_pod_asks() {
    let request = Request::parse(
        [
            ("io.kubernetes.cri.container-type", "sandbox"),
            ("io.sevorix.fs.deny", "/a"),
        ],
        None,
    );
    let pause = Policy::parse(
        "pause".parse().expect("a name"),
        "pause.toml",
        "version = 1",
    )
    .expect("valid");
    let effective = effective(&config(), pause.clone(), &request.expect("valid")).expect("granted");
    assert_eq!(effective.policy.file, pause.file);
    assert_eq!(effective.policy.never, config().never);
}

#[test]
fn where_nobody_is_asked_every_ask_is_a_denial() {
    let asks = POLICY.replace("writable = \"allow\"", "writable = \"ask\"");
    let judged = |annotations: &[(&str, &str)]| {
        let policy = asked(&asks, annotations).expect("granted").policy;
        let path = components("/tmp/x").expect("plain");
        let action = judge(
            &policy,
            &Act::Exec {
                path,
                written: true,
                argv: Vec::new(),
            },
        )
        .action;
        let needs = policy.needs();
        (
            action,
            needs.iter().any(|need| need.feature == Feature::Ask),
        )
    };
    assert_eq!(judged(&[]), (Action::Ask, true));
    assert_eq!(judged(&[("verdict", "off")]), (Action::Deny, false));
}

#[test]
fn devices_are_a_need() {
    let policy = narrowed(&[("dev.allow", "/dev/null")]);
    assert!(
        policy
            .needs()
            .iter()
            .any(|need| need.feature == Feature::Devices)
    );
}

/// Annotations over the names that the generated policies and acts are about.
fn annotation() -> impl Strategy<Value = (Key, String)> {
    let paths = || {
        subsequence(vec!["/a", "/b", "/a/b", "/x.b", "/", "/other/a"], 1..4)
            .prop_map(|list| list.join(","))
    };
    let programs = subsequence(vec!["/a", "/b", "/a/b"], 1..3).prop_map(|list| list.join(","));
    let nets = || {
        let entries = vec![
            "10.0.0.0/8:80-90",
            "10.1.0.0/16",
            "[2001:db8::/32]:443",
            "0.0.0.0/0/udp",
            "a.example",
        ];
        subsequence(entries, 1..4).prop_map(|list| list.join(","))
    };
    prop_oneof![
        paths().prop_map(|value| (Key::FsRead, value)),
        paths().prop_map(|value| (Key::FsWrite, value)),
        paths().prop_map(|value| (Key::FsDeny, value)),
        programs.prop_map(|value| (Key::ExecAllow, value)),
        nets().prop_map(|value| (Key::NetAllow, value)),
        nets().prop_map(|value| (Key::NetDeny, value)),
        select(vec!["off", "quorum", "ask"]).prop_map(|value| (Key::Verdict, value.to_owned())),
        Just((Key::Preset, "github".to_owned())),
    ]
}

fn request(annotations: &[(Key, String)]) -> Option<Request> {
    let keys: Vec<String> = annotations
        .iter()
        .map(|(key, _)| format!("io.sevorix.{}", key.name()))
        .collect();
    let pairs = keys
        .iter()
        .zip(annotations)
        .map(|(key, (_, value))| (key.as_str(), value.as_str()));
    Request::parse(pairs, None).ok()
}

proptest! {
    /// Checked against the judge, not against the lists.
    #[test]
    fn an_annotation_never_allows_what_was_denied(
        policy in policy(), annotations in vec(annotation(), 1..5), acts in vec(act(), 16),
    ) {
        // one key twice is no request
        let (Some(with), Some(without)) = (request(&annotations), request(&annotations[1..])) else {
            return Ok(());
        };
        let narrow = |request| effective(&config(), policy.clone(), request);
        let (Ok(with), Ok(without)) = (narrow(&with), narrow(&without)) else {
            return Ok(());
        };
        for act in acts {
            let (more, less) = (judge(&without.policy, &act), judge(&with.policy, &act));
            // a move between places that are now refused alike carries nothing out of reach any more
            if more.reason == Reason::OutOfReach {
                continue;
            }
            prop_assert!(less.lets_through() <= more.lets_through(), "{act:?}\n{more:?}\n{less:?}");
            prop_assert!(
                more.lets_through() || more.refusal == less.refusal || less.action >= more.action,
                "{act:?}\n{more:?}\n{less:?}"
            );
            if more.action == Action::Deny && !more.audit {
                prop_assert!(less.action >= Action::Deny && !less.audit);
            }
        }
    }
}
