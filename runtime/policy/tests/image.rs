//! The shape of a compiled policy, and its limits.

use sevorix_policy::{
    Action, Answer, Image, PathNode, Policy, Protocol, TooLarge, compile, components,
};

fn image(text: &str) -> Result<Image, TooLarge> {
    let name = "p".parse().expect("a name");
    compile(&Policy::parse(name, "p.toml", &format!("version = 1\n{text}")).expect(text))
}

fn node<'i>(image: &'i Image, path: &str) -> &'i PathNode {
    let path = components(path).expect(path);
    let found = image.paths.iter().find(|node| node.path == path);
    found.expect("a node")
}

fn said(image: &Image, answer: Answer) -> String {
    format!(
        "{} {}",
        answer.action,
        image.rules[usize::from(answer.rule)]
    )
}

#[test]
fn the_deepest_node_has_the_whole_answer() {
    let image = image(
        r#"
        [file]
        default = "allow"
        rules = [
          { path = "/a/**", access = "w", action = "deny", unless = ["/a/b/*"] },
          { path = "/a/b/c", access = "w", action = "ask" },
        ]
        "#,
    );
    let image = image.expect("small");
    let write = |answer: Answer| said(&image, answer);
    let a = node(&image, "/a");
    assert_eq!(
        [a.own, a.child, a.below].map(|answers| write(answers.write)),
        ["deny file.rules[0]"; 3]
    );
    let b = node(&image, "/a/b");
    assert_eq!(
        [b.own, b.child, b.below].map(|answers| write(answers.write)),
        ["deny file.rules[0]", "allow default", "deny file.rules[0]"]
    );
    assert_eq!(write(node(&image, "/a/b/c").own.write), "ask file.rules[1]");
    assert!(node(&image, "/").guards && a.guards && b.guards);
    assert!(!node(&image, "/a/b/c").guards);
    assert_eq!(image.paths.len(), 4);
}

#[test]
fn a_longer_prefix_holds_what_the_shorter_ones_say() {
    let image = image(
        r#"
        [net]
        rules = [
          { cidr = "10.0.0.0/8", port = [80, 443], proto = "tcp", action = "allow" },
          { cidr = "10.1.0.0/16", port = 443, action = "deny" },
          { cidr = "::/0", action = "allow" },
        ]
        "#,
    );
    let image = image.expect("small");
    let to = |address: &str, port| {
        let address = address.parse().expect(address);
        said(&image, image.destination(address, port, Protocol::Tcp))
    };
    assert_eq!(to("10.1.0.1", 80), "allow net.rules[0]");
    assert_eq!(to("10.1.0.1", 443), "deny net.rules[1]");
    assert_eq!(to("10.2.0.1", 443), "allow net.rules[0]");
    assert_eq!(to("2001:db8::1", 443), "allow net.rules[2]");
    // what is said of IPv6 is not said of IPv4, although IPv4 lies inside it here
    assert_eq!(to("192.0.2.1", 443), "deny default");
    assert_eq!(image.net_default.action, Action::Deny);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let ports: Vec<String> = (1..=33).map(|n| (n * 2).to_string()).collect();
    let many = format!(
        "[net]\nrules = [{{ cidr = \"10.0.0.0/8\", port = [{}], proto = \"tcp\", action = \"allow\" }}]",
        ports.join(", ")
    );
    let refused = image(&many).expect_err("too many");
    assert_eq!(
        refused.to_string(),
        "the rules on 10.0.0.0/8 make 33 different port ranges, 32 are possible"
    );
    let deep = format!(
        "[file]\nrules = [{{ path = \"{}\", access = \"r\", action = \"deny\" }}]",
        "/a".repeat(65)
    );
    let refused = image(&deep).expect_err("too deep");
    assert_eq!(
        refused.to_string(),
        "the path of rule file.rules[0] has 65 components, 64 are possible"
    );
}

#[test]
fn what_may_be_written_and_executed_is_found() {
    let runs = |exec: &str, file: &str| {
        let text = format!(
            "[exec]\ndefault = \"allow\"\nrules = [{exec}]\n[file]\ndefault = \"deny\"\nrules = [{file}]"
        );
        let image = image(&text).expect("small");
        assert_eq!(image.tells_what_was_written(), image.runs_what_it_writes());
        image.runs_what_it_writes()
    };
    let writes = r#"{ path = "/work/**", access = "rwc", action = "allow" }"#;
    let denies = r#"{ path = "/work/**", action = "deny" }"#;
    assert!(runs("", writes));
    assert!(!runs(denies, writes));
    assert!(runs(r#"{ path = "/work/*", action = "deny" }"#, writes));
    assert!(!runs(
        "",
        r#"{ path = "/**", access = "r", action = "allow" }"#
    ));
    assert!(runs(
        "",
        r#"{ name = "notes", access = "w", action = "allow" }"#
    ));
}
