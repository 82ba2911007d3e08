//! What a list of granted folders holds of a policy, and that the rest is named.

mod generate;

use proptest::prelude::*;
use proptest::sample::select;
use sevorix_policy::{Answer, Beneath, Config, Image, Policy, Right, compile, components};

fn image(text: &str) -> Image {
    let name = "p".parse().expect("a name");
    let policy = Policy::parse(name, "p.toml", &format!("version = 1\n{text}")).expect(text);
    compile(&policy).expect("small")
}

fn grants(beneath: &Beneath) -> Vec<String> {
    let shown = beneath.grants.iter().map(|grant| {
        let parts = grant.path.iter().map(|part| String::from_utf8_lossy(part));
        let end = if grant.tree { "/**" } else { "" };
        let path: Vec<_> = parts.collect();
        format!("{:?} /{}{end}", grant.right, path.join("/"))
    });
    shown.collect()
}

fn unheld(beneath: &Beneath) -> Vec<&str> {
    beneath.unheld.iter().map(String::as_str).collect()
}

#[test]
fn folders_that_are_allowed_are_granted() {
    let image = image(
        r#"
        [exec]
        default = "allow"
        [file]
        default = "deny"
        rules = [
          { path = "/work/**", access = "rwc", action = "allow" },
          { path = "/etc/**", access = "r", action = "allow" },
          { path = "/dev/null", access = "rw", action = "allow" },
          { path = "/root/**", access = "rwc", action = "deny" },
        ]
        "#,
    );
    let beneath = image.beneath();
    assert_eq!(
        grants(&beneath),
        [
            "Read /dev/null",
            "Read /etc/**",
            "Read /work/**",
            "Write /dev/null",
            "Write /work/**",
            "Change /work/**",
            "Exec //**",
        ]
    );
    assert_eq!(unheld(&beneath), [""; 0]);
}

#[test]
fn what_no_grant_says_is_named() {
    for (rules, named) in [
        (
            r#"{ path = "/a/**", access = "r", action = "allow" }, { path = "/a/b", access = "r", action = "deny" }"#,
            "file.rules[1]",
        ),
        (
            r#"{ path = "/a/*", access = "r", action = "allow" }"#,
            "file.rules[0]",
        ),
        (
            r#"{ path = "/a/f", access = "c", action = "allow" }"#,
            "file.rules[0]",
        ),
        (
            r#"{ path = "/a/**", access = "r", action = "allow" }, { name = ".env", access = "r", action = "deny" }"#,
            "file.rules[1]",
        ),
        (
            r#"{ name = "notes", access = "r", action = "allow" }"#,
            "file.rules[0]",
        ),
        (
            r#"{ path = "/a/**", access = "r", action = "kill" }"#,
            "file.rules[0]",
        ),
        (
            r#"{ path = "/a/**", access = "r", action = "deny", audit = true }, { path = "/a/**", access = "r", action = "allow" }"#,
            "file.rules[0]",
        ),
    ] {
        let image = image(&format!(
            "[exec]\ndefault = \"allow\"\n[file]\ndefault = \"deny\"\nrules = [{rules}]"
        ));
        assert_eq!(unheld(&image.beneath()), [named], "{rules}");
    }
}

#[test]
fn a_program_that_may_not_be_executed_can_still_be_mapped() {
    let image = image(
        r#"
        [exec]
        default = "deny"
        rules = [{ path = "/usr/**", action = "allow" }, { path = "/opt/**", action = "deny" }]
        [file]
        default = "allow"
        "#,
    );
    let beneath = image.beneath();
    assert!(grants(&beneath).contains(&"Exec /usr/**".to_owned()));
    assert_eq!(unheld(&beneath), ["exec.default", "exec.rules[1]"]);
}

#[test]
fn a_name_that_is_refused_where_nothing_is_allowed_is_held() {
    let image = image(
        "[exec]\ndefault = \"allow\"\n[file]\ndefault = \"deny\"\nrules = [{ name = \"x\", access = \"w\", action = \"deny\" }]",
    );
    assert_eq!(unheld(&image.beneath()), [""; 0]);
}

#[test]
fn only_the_hosts_own_configuration_allows_less() {
    let config = |text: &str| Config::default().with("config.toml", text);
    assert!(!config("").expect("empty").degraded);
    let config_of =
        "[floor]\ndegraded = true\naccept = [\"exec.rules\", \"file.rules[2]\", \"never.file\"]";
    let allowed = config(config_of).expect("known keys");
    assert!(allowed.degraded);
    for (rule, accepted) in [
        ("exec.rules[0]", true),
        ("exec.rules[12]", true),
        ("exec.default", false),
        ("file.rules[2]", true),
        ("file.rules[20]", false),
        ("never.file[3]", true),
        ("never.files[3]", false),
    ] {
        assert_eq!(allowed.accepts(rule), accepted, "{rule}");
    }
    let later = allowed
        .with("later.toml", "[floor]\naccept = []")
        .expect("known keys");
    assert!(later.degraded && !later.accepts("exec.rules[0]"));
    assert!(config("[floor]\naccept = [\"everything\"]").is_err());
    assert!(config("[floor]\ndegarded = true").is_err());
    let policy = Policy::parse(
        "p".parse().expect("a name"),
        "p.toml",
        "version = 1\n[floor]\ndegraded = true",
    );
    assert!(policy.is_err());
}

fn rule_of(image: &Image, answer: Answer, right: Right) -> String {
    match (answer.rule, right) {
        (0, Right::Exec) => "exec.default".into(),
        (0, _) => "file.default".into(),
        (rule, _) => image.rules[usize::from(rule)].to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Wherever the grants and the policy differ, the rule that decides is named.
    #[test]
    fn grants_are_the_policy_or_its_rule_is_named(
        policy in generate::policy(),
        path in generate::path(),
        right in select(Right::ALL.to_vec()),
    ) {
        let image = compile(&policy).expect("small");
        let beneath = image.beneath();
        let granted = beneath.grants.iter().any(|grant| {
            let covers = grant.path == path || (grant.tree && path.starts_with(&grant.path));
            grant.right == right && covers
        });
        let answer = right.of(&image.answers(&path));
        let rule = rule_of(&image, answer, right);
        prop_assert!(
            granted == answer.lets_through() || beneath.unheld.contains(&rule),
            "{rule}: {:?}",
            beneath
        );
    }
}

#[test]
fn a_folder_is_granted_from_the_root_where_everything_is_allowed() {
    let image = image("[exec]\ndefault = \"allow\"\n[file]\ndefault = \"allow\"");
    let beneath = image.beneath();
    let root = components("/").expect("the root");
    assert!(
        beneath
            .grants
            .iter()
            .all(|grant| grant.tree && grant.path == root)
    );
    assert_eq!(beneath.grants.len(), Right::ALL.len());
}
