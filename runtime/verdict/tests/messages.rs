//! What is a message, and what is none: the examples of docs/verdict-protocol.md, and their spoiled copies.

use sevorix_verdict::{Ask, Decided, FromService, Op, ToService, Vote};

const CLIENT_HELLO: &str =
    r#"{"hello":{"proto":"sevorix.verdict","versions":[1],"boot":"8c2d5c1e"}}"#;
const SERVICE_HELLO: &str =
    r#"{"hello":{"version":1,"jury":"JURY","max_inflight":64,"features":["cancel"]}}"#;
const ASK: &str = r#"{"id":7,"deadline_ms":2000,"op":"exec","rule":"exec.rules[1]","risk":"high","policy":"POLICY","action":"ACTION",
    "facts":{"hook":"bprm_check_security","container":"3ad7","uid":1000,
        "exe":{"dev":64769,"ino":131882,"sha256":"BARE","layer":"lower"},
        "fds":{"0":"pipe","1":"tty"},"ancestors":[{"exe":"/bin/bash","ino":7}],
        "net":{"ip":"203.0.113.7","port":443,"proto":"tcp","host":"ci.example.com"},
        "taint":["secret"],"gate":"open","writable_exe":false},
    "tainted":{"argv":[{"s":"curl"},{"b64":"/w=="}],"argv_total":9,"argv_truncated":false,
        "path":{"s":"/workspace/x"},"cwd":{"s":"/workspace"},"env_names":["PATH"]},
    "intent":{"source":"operator","sha256":"BARE","text":"run the tests and publish the report"},
    "history":[{"ago_ms":120,"op":"open","class":"secret","result":"allow"}]}"#;
const ANSWER: &str = r#"{"id":7,"verdict":"allow","action":"ACTION","jury":"JURY","code":"quorum",
    "cache":{"ttl_ms":60000,"uses":100},
    "jurors":[{"name":"linear","vote":"allow","us":9},{"name":"intent","vote":"abstain","why":"deadline"}],
    "why":"one line for people","us":412}"#;

/// The digests are named, because there are many of them and they are long.
fn filled(text: &str) -> String {
    let digits = |digit: &str| digit.repeat(64);
    text.replace("BARE", &digits("b"))
        .replace("ACTION", &format!("sha256:{}", digits("a")))
        .replace("POLICY", &format!("sha256:{}", digits("c")))
        .replace("JURY", &format!("sha256:{}", digits("d")))
}

fn ask(text: &str) -> Option<Ask> {
    match ToService::decode(filled(text).as_bytes()) {
        Ok(ToService::Ask(ask)) => Some(*ask),
        _ => None,
    }
}

#[test]
fn the_examples_are_messages() {
    assert!(matches!(
        ToService::decode(CLIENT_HELLO.as_bytes()),
        Ok(ToService::Hello(_))
    ));
    assert!(matches!(
        ToService::decode(br#"{"cancel":7}"#),
        Ok(ToService::Cancel(7))
    ));
    let ask = ask(ASK).expect("an ask");
    assert_eq!(
        (ask.id, ask.question.op, ask.extra_jurors),
        (7, Op::Exec, 0)
    );
    assert_eq!(ask.question.tainted.argv[1].judged().as_ref(), b"\xff");
    let hello = FromService::decode(filled(SERVICE_HELLO).as_bytes());
    assert!(matches!(hello, Ok(FromService::Hello(hello)) if hello.has("cancel")));
    let Ok(FromService::Answer(answer)) = FromService::decode(filled(ANSWER).as_bytes()) else {
        panic!("an answer");
    };
    assert_eq!(
        (answer.verdict, answer.jurors[1].vote),
        (Decided::Allow, Vote::Abstain)
    );
}

#[test]
fn whatever_is_more_or_less_than_a_message_is_none() {
    for (from, to) in [
        (r#""id":7"#, r#""id":7,"sure":true"#),
        (r#""id":7"#, r#""id":7,"id":7"#),
        (r#""id":7,"#, ""),
        (r#""id":7"#, r#""id":"7""#),
        (r#""id":7"#, r#""id":-7"#),
        (r#""id":7"#, r#""id":7.5"#),
        (r#""id":7"#, r#""id":18446744073709551616"#),
        (r#""id":7"#, r#""id":7,"extra_jurors":null"#),
        ("2000", "0"),
        ("2000", "300001"),
        (r#""op":"exec""#, r#""op":"fly""#),
        (r#""uid":1000"#, r#""uid":1000,"gid":1"#),
        (r#""uid":1000"#, r#""uid":1000,"uid":0"#),
        (r#""host":"ci.example.com""#, r#""host":null"#),
        (r#""1":"tty""#, r#""01":"tty""#),
        (r#""1":"tty""#, r#""0":"tty""#),
        (r#"{"b64":"/w=="}"#, r#"{"b64":"Y3VybA=="}"#),
        (r#"{"b64":"/w=="}"#, r#"{"b64":"/w==","s":"x"}"#),
        ("\"ACTION\"", "\"sha256:00\""),
        ("203.0.113.7", "203.0.113.700"),
    ] {
        assert!(ASK.contains(from), "{from}");
        assert!(ask(&ASK.replacen(from, to, 1)).is_none(), "{from} -> {to}");
    }
    for (from, to) in [
        (r#""verdict":"allow""#, r#""verdict":"Allow""#),
        (
            r#""verdict":"allow""#,
            r#""verdict":"deny","verdict":"allow""#,
        ),
        (r#""verdict":"allow","#, ""),
        (r#""us":412"#, r#""us":412,"score":0.9"#),
        (r#""us":9"#, r#""us":9,"score":0.9"#),
        (r#""code":"quorum""#, r#""code":"QUORUM""#),
        ("one line", &"a".repeat(1100)),
    ] {
        assert!(ANSWER.contains(from), "{from}");
        let text = filled(&ANSWER.replacen(from, to, 1));
        assert!(
            FromService::decode(text.as_bytes()).is_err(),
            "{from} -> {to}"
        );
    }
}

#[test]
fn a_hello_is_of_this_protocol_and_a_message_says_one_thing() {
    for wrong in [
        CLIENT_HELLO.replace("sevorix.verdict", "other.verdict"),
        CLIENT_HELLO.replace("[1]", "[]"),
        CLIENT_HELLO.replacen('{', r#"{"cancel":7,"#, 1),
        r#"{"cancel":7,"id":7}"#.into(),
        r#"{"cancel":null}"#.into(),
        "{}".into(),
    ] {
        assert!(ToService::decode(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let nothing = filled(SERVICE_HELLO).replace("64,", "0,");
    assert!(
        FromService::decode(nothing.as_bytes()).is_err(),
        "a service that takes nothing"
    );
}

/// Caches and receipts hold digests: what a question is hashed to is part of the protocol's version.
#[test]
fn a_digest_stays_what_it_is() {
    let ask = ask(ASK).expect("an ask");
    assert_eq!(
        ask.question.digest().to_string(),
        "sha256:c25d360027629cf4a8448f268aa70e7e9ba085d306d0dcc504b97cf87b6a9d31"
    );
}
