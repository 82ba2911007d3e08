//! Policy, preset and configuration files: what they mean, and how their mistakes are told.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sevorix_policy::{
    Act, Action, Asker, Config, Feature, Folders, InFile, Listen, Mode, Need, Policy, Preset,
    RuleId, components, judge,
};

fn parse(text: &str) -> Result<Policy, InFile> {
    Policy::parse("test".parse().expect("a name"), "test.toml", text)
}

/// Every section and every key there is.
const WHOLE: &str = r#"
version     = 1
description = "A coding agent: builds in /workspace"
mode        = "enforce"
presets     = ["github", "llm-anthropic"]
domain      = "general"
trust_mask  = "0x0000E0FF"

[exec]
default  = "allow"
writable = "ask"
rules = [
  { path = "/usr/bin/nc",         action = "kill" },
  { path = "/usr/bin/git", argv = ["push", "**"], action = "ask" },
  { sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", action = "deny" },
]

[file]
default = "allow"
rules = [
  { path = "/workspace/**",            access = "rwc", action = "allow" },
  { path = "/workspace/.git/hooks/**", access = "wc",  action = "deny" },
  { name = ".env",                     access = "r",   action = "ask", label = "secret" },
  { name = "*.pem",                    access = "r",   action = "deny", violation = true },
  { path = "/etc/**", access = "wc", action = "deny", unless = ["/etc/ssl/agent/**"] },
]

[net]
default = "deny"
rules = [
  { host = "api.anthropic.com",  port = 443,           action = "allow" },
  { host = "*.github.com",       port = [22, 443],     action = "allow" },
  { cidr = "10.20.0.0/16", port = "5432-5440", proto = "tcp", action = "allow" },
  { host = "gist.github.com",    port = 443, action = "ask", ask = "operator" },
  { host = "pay.example.com",    port = 443, action = "allow", sni = true, essential = true },
]
listen = "loopback"
unix   = "container"

[intent]
max_ttl = "10m"

[taint]
labels = { secret = "slam", internal = "ask" }
sources = [ { path = "/workspace/customers/**", label = "internal" } ]

[gate]
throttle = "3/60s"
crack    = "6/60s"
lock     = "10/300s"
on_lock  = "freeze"

[phases]
run = { net_deny = ["*"], exec_writable = "deny" }

[exec.jit]
default = "allow"

[receipts]
detail   = "hash"
required = false

[verdict]
mode        = "ask"
on_primary_loss = "local-strict"
on_error    = "deny"
timeout     = "2s"
cache_ttl   = "5m"
budget      = "60/60s"
"#;

#[test]
fn every_key_is_read() {
    let policy = parse(WHOLE).expect("valid");
    assert_eq!(policy.mode, Mode::Enforce);
    assert_eq!(
        (policy.exec.default, policy.exec.writable),
        (Action::Allow, Action::Ask)
    );
    assert_eq!(policy.exec.jit, Action::Allow);
    assert_eq!(policy.exec.rules[1].argv, ["push", "**"]);
    assert_eq!(policy.file.rules.len(), 5);
    assert_eq!(policy.file.rules[4].unless.len(), 1);
    assert_eq!(policy.net.rules[3].asker, Asker::Operator);
    assert_eq!(policy.net.listen, Listen::Loopback);
    assert_eq!(policy.phases["run"].net_deny, [None]);
    let place = &policy.places[&RuleId::element("net.rules", 2)];
    assert_eq!(place.to_string(), "test.toml:33");
    assert_eq!(policy.places[&RuleId::setting("net.default")].line, 29);
}

#[test]
fn a_person_is_asked_if_any_rule_that_asks_wants_one() {
    let text = r#"
version = 1
[exec]
default = "ask"
rules = [
  { path = "/usr/bin/git",  action = "ask" },
  { path = "/usr/bin/git",  argv = ["push", "**"], action = "ask", ask = "operator" },
]
"#;
    let policy = parse(text).expect("valid");
    let asker = |program: &str, word: &str| {
        let act = Act::Exec {
            path: components(program).expect("a path"),
            written: false,
            argv: vec![Box::from(*b"x"), word.as_bytes().into()],
        };
        policy.asker(&judge(&policy, &act))
    };
    assert_eq!(asker("/usr/bin/git", "push"), Asker::Operator);
    assert_eq!(asker("/usr/bin/git", "status"), Asker::Jury);
    assert_eq!(asker("/bin/sh", "push"), Asker::Jury);
}

#[test]
fn what_the_kernel_alone_cannot_do_is_told_by_its_rule() {
    let policy = parse(WHOLE).expect("valid");
    let needs = policy.needs();
    let of = |feature| needs.iter().filter(move |need| need.feature == feature);
    let rules = |feature| {
        of(feature)
            .map(|need| need.rule.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(rules(Feature::ContentRules), ["exec.rules[2]"]);
    assert_eq!(rules(Feature::HostRules).len(), 4);
    let lifting = parse(
        "version = 1\n[exec]\ndefault = \"deny\"\nrules = [{ path = \"/a\", argv = [\"x\"], action = \"allow\" }]",
    );
    let needs_of_lifting = lifting.expect("valid").needs();
    let named = |need: &Need| need.feature == Feature::ArgumentAllowances;
    assert!(needs_of_lifting.iter().any(named));
    assert_eq!(rules(Feature::ArgumentAllowances).len(), 0);
    assert_eq!(rules(Feature::ServerName), ["net.rules[4]"]);
    assert_eq!(
        rules(Feature::Ask),
        [
            "exec.writable",
            "exec.rules[1]",
            "file.rules[2]",
            "net.rules[3]"
        ]
    );
    assert_eq!(rules(Feature::Taint), ["file.rules[2]", "taint.sources[0]"]);
    assert_eq!(rules(Feature::Phases), ["phases.run"]);
    assert_eq!(rules(Feature::TrustMask), ["trust_mask"]);
    assert!(
        parse("version = 1")
            .expect("valid")
            .needs()
            .iter()
            .all(|need| need.feature == Feature::Jit)
    );
}

#[test]
fn what_is_not_said_is_denied() {
    let policy = parse("version = 1").expect("valid");
    let actions = [
        policy.exec.default,
        policy.exec.writable,
        policy.exec.jit,
        policy.file.default,
        policy.net.default,
    ];
    assert_eq!(actions, [Action::Deny; 5]);
    assert_eq!(policy.net.listen, Listen::None);
}

/// A text after the version line, the place, and words of the error and its hint.
fn refused(text: &str, place: &str, error: &str, hint: &str) {
    let wrong = parse(&format!("version = 1\n{text}")).expect_err(text);
    assert_eq!(
        wrong.to_string(),
        format!("test.toml:{place}: {error}"),
        "{text}"
    );
    assert!(wrong.hint.contains(hint), "{text}: {}", wrong.hint);
}

#[test]
fn a_mistake_is_told_with_its_place_and_the_way_out() {
    for (text, place, error, hint) in [
        (
            "descripton = \"x\"",
            "2:1",
            "unknown key descripton",
            "did you mean description",
        ),
        ("[exek]", "2:2", "unknown key exek", "did you mean exec"),
        (
            "[exec]\ndefualt = \"deny\"",
            "3:1",
            "unknown key defualt",
            "did you mean default",
        ),
        (
            "[exec]\ndefault = \"alow\"",
            "3:11",
            "\"alow\" is none of allow, ask, deny, kill",
            "did you mean allow",
        ),
        (
            "[exec]\ndefault = true",
            "3:11",
            "is a TOML boolean, and a text is meant",
            "quotes",
        ),
        (
            "[exec]\nrules = [{ path = \"/a\", argv = [\"**\", \"x\"], action = \"deny\" }]",
            "3:33",
            "** stands for all arguments that are left, and nothing can follow it",
            "move it to the end",
        ),
        (
            "[exec]\nrules = [{ path = \"/a\", argv = [\"a\\u0000\"], action = \"deny\" }]",
            "3:33",
            "the glob holds a zero byte, which no argument has",
            "remove it",
        ),
        (
            "mode = \"learn\"",
            "2:8",
            "is not a mode of a policy",
            "audit",
        ),
        (
            "trust_mask = \"0x01000000\"",
            "2:14",
            "asks for bit 24, which general does not define",
            "reserved",
        ),
        (
            "presets = [\"GitHub\"]",
            "2:12",
            "\"GitHub\" is not a name",
            "a-z",
        ),
        (
            "[exec]\nrules = [{ path = \"/a\" }]",
            "3:10",
            "action is missing",
            "action =",
        ),
        (
            "[exec]\nrules = [{ action = \"deny\" }]",
            "3:10",
            "a rule has one of path and sha256",
            "path =",
        ),
        (
            "[exec]\nrules = [{ path = \"a\", action = \"deny\" }]",
            "3:19",
            "\"a\" is not an absolute path",
            "begin it with /",
        ),
        (
            "[exec]\nrules = [{ path = \"/a/*/b\", action = \"deny\" }]",
            "3:19",
            "\"/a/*/b\" has a wildcard that is not its last component",
            "/**",
        ),
        (
            "[file]\nrules = [{ path = \"/a\", action = \"deny\" }]",
            "3:10",
            "access is missing",
            "rwc",
        ),
        (
            "[file]\nrules = [{ path = \"/a\", access = \"rx\", action = \"deny\" }]",
            "3:34",
            "\"rx\" asks for x, which is not an access of files",
            "[exec]",
        ),
        (
            "[file]\nrules = [{ name = \"a.*\", access = \"r\", action = \"deny\" }]",
            "3:19",
            "\"a.*\" is not a name that can be matched",
            "*.pem",
        ),
        (
            "[file]\nrules = [{ name = \"a\", access = \"r\", action = \"deny\", unless = [\"/b\"] }]",
            "3:64",
            "unless is not supported on this kind of rule",
            "path",
        ),
        (
            "[file]\nrules = [{ path = \"/a\", access = \"r\", action = \"ask\", label = \"x\" }]",
            "1:1",
            "label \"x\" has no meaning",
            "[taint]",
        ),
        (
            "[net]\nrules = [{ cidr = \"10.0.0.1/8\", action = \"deny\" }]",
            "3:19",
            "\"10.0.0.1/8\" has address bits after its prefix",
            "10.0.0.0/8",
        ),
        (
            "[net]\nrules = [{ host = \"*.com\", action = \"deny\" }]",
            "3:19",
            "\"*.com\" covers a whole top-level domain",
            "two labels",
        ),
        (
            "[net]\nrules = [{ host = \"a.b\", port = 0, action = \"deny\" }]",
            "3:33",
            "is not a port",
            "65535",
        ),
        (
            "[net]\nrules = [{ host = \"a.b\", port = [], action = \"deny\" }]",
            "3:33",
            "an empty list of ports matches nothing",
            "all of them",
        ),
        (
            "[net]\nrules = [{ host = \"a.b\", port = [80, \"80-81\"], action = \"deny\" }]",
            "3:38",
            "is listed twice",
            "once",
        ),
        (
            "[net]\nrules = [{ host = \"a.b\", cidr = \"10.0.0.0/8\", action = \"deny\" }]",
            "3:10",
            "a rule has one of host and cidr",
            "host",
        ),
        (
            "[net]\nrules = [{ action = \"deny\" }]",
            "3:10",
            "the rule names no destination",
            "default",
        ),
        (
            "[net]\nrules = [{ cidr = \"10.0.0.0/8\", sni = true, action = \"allow\" }]",
            "3:10",
            "sni compares with a host, and this rule names none",
            "host",
        ),
        (
            "[net]\nrules = [{ host = \"a.b\", action = \"deny\", ask = \"jury\" }]",
            "3:49",
            "nobody is asked by a rule that says deny",
            "ask",
        ),
        (
            "[gate]\nlock = \"10\"",
            "3:8",
            "\"10\" is not a count within a time",
            "300s",
        ),
        (
            "[intent]\nmax_ttl = \"10 minutes\"",
            "3:11",
            "\"10\\x20minutes\" is not a time",
            "5m",
        ),
        (
            "[verdict]\non_error = \"allow\"",
            "3:12",
            "\"allow\" is none of deny",
            "deny",
        ),
    ] {
        refused(text, place, error, hint);
    }
    assert!(
        parse("version = 2")
            .expect_err("unknown")
            .to_string()
            .contains("version")
    );
    assert!(parse("").expect_err("none").hint.contains("version = 1"));
    assert!(
        parse("version = 1\nversion = 1")
            .expect_err("twice")
            .to_string()
            .starts_with("test.toml:2:1: ")
    );
    assert!(parse("version = ").is_err());
}

#[test]
fn a_rule_without_effect_is_refused() {
    let file = |rules: &str| format!("[file]\nrules = [\n{rules}\n]");
    let hidden = "this rule can never decide: a stricter rule covers all of it";
    for (text, place, error, hint) in [
        (
            file("{ path = \"/a\", access = \"r\", action = \"deny\" },\n{ path = \"/a\", access = \"r\", action = \"deny\" },"),
            "5:1", "this rule says what an earlier rule says", "line 4",
        ),
        (
            file("{ path = \"/a/b\", access = \"r\", action = \"allow\" },\n{ path = \"/a/**\", access = \"rw\", action = \"deny\" },"),
            "4:1", hidden, "line 5",
        ),
        (
            file("{ path = \"/a/**\", access = \"r\", action = \"deny\", unless = [\"/**\"] },"),
            "4:1", "this rule can never match: /** excepts all of it", "narrow",
        ),
        (
            file("{ path = \"/a/**\", access = \"r\", action = \"deny\", unless = [\"/b/**\"] },"),
            "4:1", "/b/** excepts nothing from /a/**", "inside /a/**",
        ),
        (
            "[net]\nrules = [\n{ cidr = \"10.0.0.0/8\", action = \"deny\" },\n{ cidr = \"10.1.0.0/16\", port = 80, action = \"allow\" },\n]".into(),
            "5:1", hidden, "line 4",
        ),
        (
            "[exec]\nrules = [\n{ path = \"/bin/**\", action = \"deny\" },\n{ path = \"/bin/sh\", action = \"allow\" },\n]".into(),
            "5:1", hidden, "unless",
        ),
    ] {
        refused(&text, place, error, hint);
    }
    for text in [
        file(
            "{ path = \"/a/**\", access = \"w\", action = \"deny\" },\n{ path = \"/a/b\", access = \"rw\", action = \"allow\" },",
        ),
        file(
            "{ path = \"/a/**\", access = \"r\", action = \"deny\", unless = [\"/a/b\"] },\n{ path = \"/a/b\", access = \"r\", action = \"allow\" },",
        ),
        file(
            "{ path = \"/a/**\", access = \"r\", action = \"deny\", audit = true },\n{ path = \"/a/b\", access = \"r\", action = \"allow\" },",
        ),
    ] {
        parse(&format!("version = 1\n{text}")).expect(&text);
    }
}

#[test]
fn a_preset_only_allows() {
    let preset = |rules: &str| {
        let text = format!(
            "version = 1\ndescription = \"x\"\nreviewed = \"2026-11-20\"\naccepts_uploads = true\n[net]\nrules = [{rules}]"
        );
        Preset::parse("github".parse().expect("a name"), "github.toml", &text)
    };
    let github = preset("{ host = \"github.com\", port = 443 }").expect("valid");
    assert_eq!(github.rules[0].id.as_str(), "preset.github[0]");
    for rules in [
        "",
        "{ host = \"github.com\", action = \"deny\" }",
        "{ host = \"a.b\", sni = true }",
    ] {
        assert!(preset(rules).is_err(), "{rules}");
    }
}

#[test]
fn the_host_says_where_the_verdict_service_listens() {
    let usual = Config::default();
    assert_eq!(
        usual.verdict_socket().to_str(),
        Some("/run/sevorix/slm.sock")
    );
    let moved = usual.with("a.toml", "[verdict]\nsocket = \"/srv/jury.sock\"");
    assert_eq!(
        moved.expect("valid").verdict_socket().to_str(),
        Some("/srv/jury.sock")
    );
    for wrong in ["\"jury.sock\"", "\"/srv/../jury.sock\"", "\"\"", "7"] {
        let text = format!("[verdict]\nsocket = {wrong}");
        assert!(Config::default().with("a.toml", &text).is_err(), "{wrong}");
    }
}

#[test]
fn later_configuration_wins_and_never_adds_up() {
    let first = "default_policy = \"default\"\npolicies = [\"locked\"]\n[never]\nfile = [{ path = \"/a\" }]";
    let second = "policies = [\"coding-agent\"]\nannotations = [\"net.deny\"]\n[never]\nfile = [{ path = \"/b\", access = \"w\" }]\nnet = [{ cidr = \"fd00:ec2::254/128\" }]";
    let config = Config::default().with("1.toml", first).expect("valid");
    let config = config.with("2.toml", second).expect("valid");
    assert_eq!(
        config.default_policy.as_ref().map(|name| name.as_str()),
        Some("default")
    );
    assert_eq!(config.policies.len(), 1);
    assert_eq!(
        config.place("policies").expect("set").to_string(),
        "2.toml:1"
    );
    let ids: Vec<_> = config
        .never
        .file
        .iter()
        .map(|rule| rule.id.as_str())
        .collect();
    assert_eq!(ids, ["never.file[0]", "never.file[1]"]);
    for text in [
        "annotations = [\"net.dney\"]",
        "[never]\nfile = [{ path = \"/a\", unless = [\"/a/b\"] }]",
        "[never]\nfile = [{ path = \"/a\", action = \"allow\" }]",
        "modes = [\"off\"]",
        "[policy.a]",
        "polices = []",
    ] {
        assert!(Config::default().with("c.toml", text).is_err(), "{text}");
    }
}

#[test]
fn a_file_that_others_can_write_is_not_believed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let folders = Folders {
        shipped: folder.path().join("shipped"),
        local: folder.path().to_owned(),
        config: None,
        must_be_roots: true,
    };
    let path = folder.path().join("policies.d/mine.toml");
    std::fs::create_dir(folder.path().join("policies.d")).expect("a folder");
    std::fs::write(&path, "version = 1").expect("written");
    let read = || {
        folders
            .policy(&"mine".parse().expect("a name"))
            .map_err(|error| error.to_string())
    };
    let allow =
        |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("set");
    allow(0o664);
    let refused = read().expect_err("writable");
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path).expect("there"));
    let reason = if owner == 0 {
        "can be written by others than root"
    } else {
        "does not belong to root"
    };
    assert!(refused.ends_with(reason), "{refused}");
    allow(0o644);
    assert_eq!(read().is_ok_and(|policy| policy.is_some()), owner == 0);
    assert_eq!(folders.policy(&"other".parse().expect("a name")), Ok(None));
}

/// Pieces that are near to what a policy file holds.
fn piece() -> impl Strategy<Value = String> {
    let known = select(vec![
        "version = 1\n",
        "[exec]\n",
        "[file]\n",
        "[net]\n",
        "[never]\n",
        "[policy.a]\n",
        "default = \"deny\"\n",
        "rules = [",
        "{ path = \"/a/**\", access = \"rw\", action = \"deny\" },",
        "{ host = \"*.a.b\", port = [1, \"2-3\"] },",
        "]\n",
        "}",
        "\"",
        "unless = [\"/a\"]",
        "ü",
        "\u{2028}",
        "\n",
        " = ",
        "'",
        "\\",
        "#",
        ",",
        "{",
        "\"\"\"",
        "0x1",
        "1_0",
        "-1",
        "\r\n",
        "\0",
    ]);
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

proptest! {
    #[test]
    fn whatever_stands_in_a_file_is_read_or_refused_at_a_place_of_it(pieces in vec(piece(), 0..12)) {
        let text = pieces.concat();
        let name = || "a".parse().expect("a name");
        let refusals = [
            Policy::parse(name(), "f", &text).err(),
            Preset::parse("a".parse().expect("a name"), "f", &text).err(),
            Config::default().with("f", &text).err(),
        ];
        for wrong in refusals.into_iter().flatten() {
            prop_assert!(wrong.place.line <= text.matches('\n').count() + 1);
            prop_assert!(wrong.column >= 1 && !wrong.hint.is_empty() && wrong.excerpt().contains('^'));
            prop_assert!(!wrong.to_string().contains('\n'), "{}", wrong);
        }
    }
}
