//! The verbs about policies, on the policies we ship.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A root folder whose /usr/share/sevorix is our configs.
fn host() -> tempfile::TempDir {
    let host = tempfile::tempdir().expect("a folder");
    let share = host.path().join("usr/share");
    std::fs::create_dir_all(&share).expect("made");
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
    std::os::unix::fs::symlink(configs, share.join("sevorix")).expect("linked");
    host
}

fn sevorix(host: &tempfile::TempDir, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sevorix"));
    command
        .arg("--root")
        .arg(host.path().join("state"))
        .args(words);
    command.arg("--host-root").arg(host.path());
    command
        .env_remove("SEVORIX_CONFIG")
        .output()
        .expect("started")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_valid_file_has_an_id_and_a_wrong_one_a_caret() {
    let host = host();
    let valid = sevorix(&host, &["policy", "check", "coding-agent"]);
    assert_eq!(valid.status.code(), Some(0), "{}", err(&valid));
    assert!(out(&valid).starts_with("policy coding-agent is valid, id "));

    let path = host.path().join("mine.toml");
    std::fs::write(&path, "version = 1\n[exec]\ndefault = \"alow\"\n").expect("written");
    let file = path.to_str().expect("UTF-8");
    let wrong = sevorix(&host, &["policy", "check", file]);
    assert_eq!(wrong.status.code(), Some(1));
    let expected = format!(
        "error: {file}:3:11: \"alow\" is none of allow, ask, deny, kill\n  |\n3 | default = \"alow\"\n  |           ^^^^^^\n\
         hint: did you mean allow\n"
    );
    assert_eq!(err(&wrong), expected);

    let wrong = sevorix(&host, &["policy", "check", "--json", file]);
    let told: Value = serde_json::from_slice(&wrong.stdout).expect("JSON");
    assert_eq!(told["valid"], false);
    assert_eq!(told["error"]["place"]["column"], 11);
    assert_eq!(told["error"]["hint"], "did you mean allow");
}

#[test]
fn annotations_are_checked_and_cuts_are_findings() {
    let host = host();
    let check = |annotations: &[&str]| {
        let mut words = vec!["policy", "check"];
        words.extend(
            annotations
                .iter()
                .flat_map(|annotation| ["--annotation", annotation]),
        );
        sevorix(&host, &words)
    };
    assert_eq!(
        check(&["policy=locked", "fs.read=/usr"]).status.code(),
        Some(0)
    );
    let cut = check(&["policy=locked", "fs.write=/etc"]);
    assert_eq!(cut.status.code(), Some(1));
    assert!(
        out(&cut).contains(
            "cut io.sevorix.fs.write: nothing of /etc is granted, because of file.default"
        )
    );
    let unknown = check(&["net.alow=a.example"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(
        err(&unknown),
        "error: unknown annotation io.sevorix.net.alow\nhint: did you mean io.sevorix.net.allow\n"
    );
    assert_eq!(check(&["nothing"]).status.code(), Some(2));
}

#[test]
fn an_act_is_judged_without_a_container() {
    let host = host();
    let test = |words: &[&str]| {
        sevorix(
            &host,
            &[&["policy", "test", "coding-agent"], words].concat(),
        )
    };
    let denied = test(&["open", "/workspace/.git/hooks/pre-commit", "w"]);
    assert_eq!(denied.status.code(), Some(1));
    let text = out(&denied);
    assert!(text.starts_with("deny EACCES  file.rules["), "{text}");
    assert!(text.contains("\n  beats allow  file.rules[1]  ("), "{text}");
    assert_eq!(
        test(&["open", "/workspace/main.rs", "w"]).status.code(),
        Some(0)
    );
    assert_eq!(test(&["fork"]).status.code(), Some(2));

    let explained = sevorix(
        &host,
        &[
            "explain",
            "default",
            "connect",
            "169.254.169.254:80",
            "--json",
        ],
    );
    assert_eq!(explained.status.code(), Some(0), "{}", err(&explained));
    let told: Value = serde_json::from_slice(&explained.stdout).expect("JSON");
    assert_eq!(
        (&told["result"], &told["rule"]),
        (&"deny".into(), &"never.net[0]".into())
    );
    assert!(
        told["place"]
            .as_str()
            .is_some_and(|place| place.contains("config.toml:"))
    );
}

#[test]
fn what_holds_and_what_changes_is_shown() {
    let host = host();
    let shown = sevorix(
        &host,
        &[
            "policy",
            "show",
            "locked",
            "--annotation",
            "net.deny=10.0.0.0/8",
        ],
    );
    let text = out(&shown);
    assert!(
        text.starts_with("policy locked  mode enforce  domain general\n"),
        "{text}"
    );
    assert!(text.contains("annotation.net.deny[0]"), "{text}");
    let diff = |old, new| sevorix(&host, &["policy", "diff", old, new]);
    assert_eq!(out(&diff("locked", "locked")), "the same\n");
    assert_eq!(diff("locked", "locked").status.code(), Some(0));
    let opens = diff("locked", "coding-agent");
    assert_eq!(opens.status.code(), Some(1));
    assert!(
        out(&opens).contains("+ wider     write /workspace/**: deny -> allow\n"),
        "{}",
        out(&opens)
    );
    assert!(
        out(&diff("coding-agent", "locked"))
            .contains("- narrower  write /workspace/**: allow -> deny\n")
    );
}
