//! Each key: values that are taken, values that are refused, the empty value, a mistyped neighbour.

use sevorix_policy::{Error, Key, Request};

struct Row {
    key: Key,
    valid: &'static [&'static str],
    invalid: &'static [&'static str],
}

const LONG: &str = concat!(
    "0123456789012345678901234567890123456789012345678901234567890123456789",
    "0123456789012345678901234567890123456789012345678901234567890123456789"
);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { key: Key::Policy, valid: &["strict", " strict ", "none", "coding-agent"], invalid: &["Strict", "a/b", "../x", "a b", LONG] },
    Row { key: Key::Mode, valid: &["enforce", "audit", "learn"], invalid: &["ENFORCE", "permissive", "enforce,audit"] },
    Row { key: Key::Domain, valid: &["general", "maritime", "logistics", "ot", "finance"], invalid: &["sea", "Ot"] },
    Row { key: Key::TrustMask, valid: &["0", "0x0000E0FF", "65535"], invalid: &["-1", "0x1FFFFFFFF", "ff", "0x00010000", "0x01000000", "1.0"] },
    Row { key: Key::Preset, valid: &["github", "llm-anthropic, github,pypi"], invalid: &["github,", "github,github", "Github", "a.b"] },
    Row { key: Key::NetAllow, valid: &["api.openai.com:443,10.0.0.0/8:5432/tcp"], invalid: &["*", "*.com", "host:0", "a,a", "A.b,a.b."] },
    Row { key: Key::NetDeny, valid: &["169.254.0.0/16", "*.example.com"], invalid: &["10.0.0.1/8", "host/icmp", "a,,b"] },
    Row { key: Key::FsRead, valid: &["/etc,/usr/", "/"], invalid: &["etc", "/etc,/etc/", "/a/../b"] },
    Row { key: Key::FsWrite, valid: &["/workspace"], invalid: &["/workspace/**", "workspace"] },
    Row { key: Key::FsDeny, valid: &["/root/.ssh,/proc/1"], invalid: &["~/.ssh", "/a\n,/b"] },
    Row { key: Key::ExecAllow, valid: &["/usr/bin/git,/bin/sh"], invalid: &["git", "/usr/bin/", "/", "/bin/sh,/bin/sh"] },
    Row { key: Key::DevAllow, valid: &["/dev/ttyUSB0,nvidia.com/gpu=0"], invalid: &["/etc/passwd", "gpu", "/dev/null,/dev/null"] },
    Row { key: Key::Verdict, valid: &["off", "ask", "quorum"], invalid: &["on", "Ask"] },
    Row { key: Key::VerdictTimeout, valid: &["1", "2000", "4294967295"], invalid: &["0", "2s", "4294967296", "-1", "007"] },
    Row { key: Key::Intent, valid: &["run the tests, then report", "x"], invalid: &["a\nb", "a\u{0}", "a\u{202e}b"] },
    Row { key: Key::SlmMount, valid: &["monitor", "host", "none"], invalid: &["yes", "Host"] },
    Row { key: Key::Gate, valid: &["throttle=3/60s,crack=6/60s,lock=10/300s", "lock=1/1s"], invalid: &["throttle=3", "lock=0/1s", "lock=1/1s,lock=2/1s"] },
    Row { key: Key::AgentId, valid: &["7f3a", "agent 7"], invalid: &["a\u{7}", LONG] },
    Row { key: Key::AgentName, valid: &["Ada Lovelace", "机"], invalid: &["a\tb", LONG] },
];

fn annotation(key: Key) -> String {
    format!("io.sevorix.{}", key.name())
}

fn parse(key: &str, value: &str) -> Result<Request, Error> {
    Request::parse([(key, value)], None)
}

#[test]
fn every_key_has_a_row() {
    let tested: Vec<Key> = ROWS.iter().map(|row| row.key).collect();
    assert_eq!(tested, Key::ALL);
}

#[test]
fn valid_values_are_taken() {
    for row in ROWS {
        for value in row.valid {
            let request = parse(&annotation(row.key), value).expect(value);
            let nothing = Request::parse([], None).expect("empty");
            assert_ne!(request, nothing, "{:?} {value}", row.key);
        }
    }
}

#[test]
fn invalid_values_are_refused_by_key_with_a_hint() {
    for row in ROWS {
        for value in row.invalid.iter().chain(&["", " ", "\u{0}"]) {
            let key = annotation(row.key);
            let error = parse(&key, value).expect_err(&format!("{key}={value}"));
            let text = error.to_string();
            assert!(text.starts_with(&key), "{text}");
            assert!(!error.hint().is_empty(), "{text}");
        }
    }
}

#[test]
fn overrides_are_as_strict_wherever_they_apply() {
    let pod = ("io.kubernetes.cri.container-name", "web");
    for row in ROWS {
        for name in ["web", "db"] {
            let key = format!("io.sevorix.container.{name}.{}", row.key.name());
            for value in row.valid {
                Request::parse([pod, (&key, value)], None).expect(value);
            }
            for value in row.invalid {
                let error = Request::parse([pod, (&key, value)], None).expect_err(value);
                assert!(error.to_string().starts_with(&key), "{error}");
            }
        }
    }
}

#[test]
fn a_mistyped_key_is_refused_with_its_neighbour() {
    for row in ROWS {
        let right = annotation(row.key);
        let typo = format!("{right}s");
        let error = parse(&typo, row.valid[0]).expect_err(&typo);
        assert_eq!(error.to_string(), format!("unknown annotation {typo}"));
        assert_eq!(error.hint(), format!("did you mean {right}"));
    }
}

#[test]
fn a_key_given_twice_is_refused_even_with_equal_values() {
    for row in ROWS {
        let key = annotation(row.key);
        let twice = [(&*key, row.valid[0]), (&*key, row.valid[0])];
        let error = Request::parse(twice, None).expect_err(&key);
        assert_eq!(
            error.to_string(),
            format!("annotation {key} is given twice")
        );
    }
}

#[test]
fn only_names_for_receipts_need_no_enforcement() {
    for row in ROWS {
        let key = annotation(row.key);
        let needs = |value: &str| {
            let request = parse(&key, value).expect(value);
            request.needs_enforcement().map(|origin| origin.to_string())
        };
        for value in row.valid {
            let expected = match (row.key, *value) {
                (Key::AgentId | Key::AgentName, _) => None,
                (Key::Policy | Key::SlmMount, "none") => None,
                _ => Some(key.clone()),
            };
            assert_eq!(needs(value), expected, "{key}={value}");
        }
    }
}
