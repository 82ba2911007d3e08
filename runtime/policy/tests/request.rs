//! What no single key shows: pods, the runtime's own policy, domains, the words of errors.

use sevorix_policy::{Annotations, ContainerKind, Error, Host, Request, SystemdProperties};

const TYPE: &str = "io.kubernetes.cri.container-type";
const NAME: &str = "io.kubernetes.cri.container-name";
const POLICY: &str = "io.sevorix.policy";

fn parse(annotations: &[(&str, &str)]) -> Result<Request, Error> {
    Request::parse(annotations.iter().copied(), None)
}

fn policy(annotations: &[(&str, &str)], node: Option<&str>) -> Result<Option<String>, Error> {
    let request = Request::parse(annotations.iter().copied(), node)?;
    Ok(request.policy().map(|policy| policy.to_string()))
}

fn needs(annotations: &[(&str, &str)], node: Option<&str>) -> Option<String> {
    let request = Request::parse(annotations.iter().copied(), node).expect("valid");
    request.needs_enforcement().map(|origin| origin.to_string())
}

#[test]
fn a_container_without_keys_asks_nothing() {
    let foreign = [("org.example.note", "x"), ("org.example.note", "y")];
    let request = parse(&foreign).expect("foreign keys are ignored");
    assert_eq!(request, parse(&[]).expect("empty"));
    assert_eq!(request.kind(), &ContainerKind::Plain);
    assert_eq!(request.policy(), None);
    assert_eq!(request.needs_enforcement(), None);
}

#[test]
fn the_runtimes_policy_and_the_annotation_must_agree() {
    let strict = Ok(Some("strict".to_owned()));
    assert_eq!(policy(&[], Some("strict")), strict);
    assert_eq!(policy(&[(POLICY, "strict")], None), strict);
    assert_eq!(policy(&[(POLICY, "strict")], Some("strict")), strict);
    let error = policy(&[(POLICY, "loose")], Some("strict")).expect_err("two policies");
    assert_eq!(
        error.to_string(),
        "io.sevorix.policy names policy loose, and the runtime is registered with policy strict"
    );
    let error = policy(&[], Some("Strict")).expect_err("bad name");
    assert!(
        error.to_string().starts_with("--policy: \"Strict\""),
        "{error}"
    );
}

#[test]
fn the_runtimes_policy_needs_enforcement_unless_it_is_none() {
    assert_eq!(needs(&[], Some("strict")).as_deref(), Some("--policy"));
    assert_eq!(needs(&[], Some("none")), None);
    assert_eq!(needs(&[(POLICY, "none")], None), None);
}

#[test]
fn bits_belong_to_the_domain() {
    let mask = "io.sevorix.trust-mask";
    let domain = "io.sevorix.domain";
    assert!(parse(&[(mask, "0x00FF0000"), (domain, "maritime")]).is_ok());
    let error = parse(&[(mask, "0x08000000"), (domain, "maritime")]).expect_err("reserved");
    assert_eq!(
        error.to_string(),
        "io.sevorix.trust-mask asks for bit 27, which maritime does not define"
    );
    assert_eq!(error.hint(), "bits 24-31 are reserved");
    for annotations in [
        vec![(mask, "0x00010000")],
        vec![(mask, "0x00010000"), (domain, "general")],
    ] {
        let error = parse(&annotations).expect_err("no such bit");
        assert!(
            error
                .to_string()
                .ends_with("bit 16, which general does not define")
        );
        assert!(error.hint().contains("io.sevorix.domain"));
    }
}

#[test]
fn a_sandbox_gets_pause_and_its_keys_are_checked() {
    for key in [TYPE, "io.kubernetes.cri-o.ContainerType"] {
        let sandbox = (key, "sandbox");
        let pause = Ok(Some("pause".to_owned()));
        assert_eq!(policy(&[sandbox], None), pause);
        assert_eq!(policy(&[sandbox, (POLICY, "none")], None), pause);
        assert_eq!(policy(&[sandbox], Some("strict")), pause);
        assert!(parse(&[sandbox, ("io.sevorix.polcy", "x")]).is_err());
        assert!(parse(&[sandbox, ("io.sevorix.container.web.mode", "x")]).is_err());
        assert_eq!(needs(&[sandbox], None), None);
    }
}

#[test]
fn a_sandbox_answers_for_its_whole_pod() {
    let sandbox = (TYPE, "sandbox");
    let own = ("io.sevorix.container.web.mode", "audit");
    assert_eq!(needs(&[sandbox, own], None).as_deref(), Some(own.0));
    let pod = [sandbox, own, (POLICY, "strict")];
    assert_eq!(needs(&pod, None).as_deref(), Some(POLICY));
    assert_eq!(
        needs(&[sandbox], Some("strict")).as_deref(),
        Some("--policy")
    );
}

#[test]
fn an_override_applies_to_the_container_of_that_name_only() {
    let own = "io.sevorix.container.web.policy";
    let pod = |name| [(NAME, name), (POLICY, "strict"), (own, "loose")];
    assert_eq!(policy(&pod("web"), None), Ok(Some("loose".to_owned())));
    assert_eq!(policy(&pod("db"), None), Ok(Some("strict".to_owned())));
    assert_eq!(needs(&pod("web"), None).as_deref(), Some(own));
    assert_eq!(needs(&pod("db"), None).as_deref(), Some(POLICY));
    let none = [(NAME, "web"), (POLICY, "strict"), (own, "none")];
    assert_eq!(needs(&none, None), None);
}

#[test]
fn a_deny_of_the_pod_outlives_an_override() {
    let annotations = [
        (NAME, "web"),
        ("io.sevorix.net.deny", "a.example"),
        ("io.sevorix.net.allow", "b.example"),
        ("io.sevorix.container.web.net.deny", "c.example"),
        ("io.sevorix.container.web.net.allow", "d.example"),
    ];
    let asked = parse(&annotations).expect("valid").asked();
    let text = |list: Option<sevorix_policy::List<_>>| list.map(|list| list.to_string());
    assert_eq!(text(asked.net_deny).as_deref(), Some("c.example,a.example"));
    assert_eq!(text(asked.net_allow).as_deref(), Some("d.example"));
}

#[test]
fn every_override_is_checked_against_the_pod() {
    let name = (NAME, "db");
    let mask = "io.sevorix.container.web.trust-mask";
    let maritime = ("io.sevorix.container.web.domain", "maritime");
    let error = parse(&[name, (mask, "0x00010000")]).expect_err("no domain");
    assert!(error.to_string().starts_with(mask), "{error}");
    assert!(parse(&[name, (mask, "0x00010000"), maritime]).is_ok());
    let own = "io.sevorix.container.web.policy";
    let error = policy(&[name, (own, "loose")], Some("strict")).expect_err("two policies");
    assert!(error.to_string().starts_with(own), "{error}");
}

#[test]
fn an_override_outside_a_pod_is_refused() {
    let own = ("io.sevorix.container.web.policy", "strict");
    for annotations in [vec![own], vec![own, (TYPE, "container")]] {
        let error = parse(&annotations).expect_err("no pod");
        assert!(matches!(error, Error::NotInAPod { .. }), "{error}");
    }
}

#[test]
fn keys_of_the_cri_given_twice_are_refused() {
    for key in [TYPE, NAME] {
        assert!(
            parse(&[(key, "container"), (key, "sandbox")]).is_err(),
            "{key}"
        );
    }
}

#[test]
fn systemd_properties_are_refused_unless_an_engine_or_the_host_sets_them() {
    let stop = ("org.systemd.property.TimeoutStopUSec", "uint64 10000000");
    let exec = (
        "org.systemd.property.ExecStopPost",
        "[('/bin/sh', ['sh'], false)]",
    );
    assert!(parse(&[stop]).is_ok());
    let error = parse(&[stop, exec]).expect_err("any property");
    assert!(error.to_string().contains(exec.0), "{error}");
    let host = Host {
        systemd_properties: SystemdProperties::Any,
        ..Host::default()
    };
    assert!(Request::parse_on(&host, [stop, exec]).is_ok());
}

#[test]
fn duplicates_of_a_config_reach_the_request() {
    let config = br#"{"annotations":{"io.sevorix.mode":"audit","io.sevorix.mode":"enforce"}}"#;
    let annotations = Annotations::of_config(config).expect("json");
    let error = Request::parse(annotations.iter(), None).expect_err("twice");
    assert!(matches!(error, Error::DuplicateKey { .. }), "{error}");
}

#[test]
fn errors_read_as_the_contract_says() {
    let error = parse(&[("io.sevorix.net.alow", "x")]).expect_err("typo");
    assert_eq!(error.to_string(), "unknown annotation io.sevorix.net.alow");
    assert_eq!(error.hint(), "did you mean io.sevorix.net.allow");
    let error = parse(&[("io.sevorix.mode", "enforcing")]).expect_err("value");
    assert_eq!(
        error.to_string(),
        r#"io.sevorix.mode: "enforcing" is none of enforce, audit, learn"#
    );
    let error = parse(&[("io.sevorix.net.allow", "a.b, *.com")]).expect_err("element");
    assert_eq!(
        error.to_string(),
        r#"io.sevorix.net.allow: "*.com" covers a whole top-level domain"#
    );
}
