//! Every shape of the configuration, there and back.

use super::super::testing::TestHost;
use super::super::{Engine, Error, NAME, Options, install};
use super::*;

const TWO: &str = r#"# the node's own
version = 2
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    sandbox_image = "pause:3.9" # keep
    [plugins."io.containerd.grpc.v1.cri".containerd]
      default_runtime_name = "runc"   # the default
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
        runtime_type = "io.containerd.runc.v2"
        pod_annotations = ["example.org/*"]
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
          Root = "/run/other"
          SystemdCgroup = true # as systemd wants it

  [x-unknown]
    a = 1
#   b = 2
"#;

const THREE: &str = r#"version = 3
root = '/var/lib/containerd' # here

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
  options = { SystemdCgroup = true, BinaryName = '' }
"#;

fn host(text: &str) -> TestHost {
    TestHost::new(Engine::Containerd).with(MAIN, text)
}

/// The entry of the runtime in a file.
fn entry(host: &TestHost, path: &str, version: i64, name: &str) -> Option<String> {
    let document = toml_text::parse(path, &host.get(path)).expect("valid TOML");
    let keys = [PLUGINS, plugin(version), "containerd", "runtimes", name];
    toml_text::table(&document, &keys).map(toml_text::said)
}

#[test]
fn every_form_of_the_file_comes_back() {
    TestHost::new(Engine::Containerd).check_round_trip();
    for text in [
        "",
        "# nothing\n",
        "disabled_plugins = [\"cri\"]\n\n#root = \"/var\"",
        "version = 2",
        "version = 2\r\n[plugins]\r\n",
        TWO,
        THREE,
        "version = 3",
        "version = 3\nimports = [\n  \"/a/*.toml\", # a\n]\n",
        "version = 4\nimports = ['conf.d/*.toml']\n",
    ] {
        host(text).check_round_trip();
    }
}

#[test]
fn before_version_3_the_section_itself_is_extended() {
    let host = host(TWO);
    host.install().expect("install");
    let text = host.get(MAIN);
    assert!(text.starts_with(TWO), "{text}");
    let ours = entry(&host, MAIN, 2, NAME).expect("an entry");
    assert_eq!(
        ours,
        r#"{ runtime_type = "io.containerd.runc.v2", pod_annotations = ["example.org/*", "io.sevorix.*"], options = { SystemdCgroup = true, BinaryName = "/usr/bin/sevorix" } }"#
    );
    host.install_as_default().expect("install");
    let text = host.get(MAIN);
    assert!(
        text.contains("default_runtime_name = \"sevorix\"   # the default"),
        "{text}"
    );
}

#[test]
fn the_file_whose_section_counts_is_the_last_one_that_has_it() {
    let other = "/etc/containerd/conf.d/50-other.toml";
    let section = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n";
    let host = host(TWO).with(other, section);
    host.install().expect("install");
    assert_eq!(host.get(MAIN), TWO);
    assert!(entry(&host, other, 2, NAME).is_some());
    host.uninstall().expect("uninstall");
    assert_eq!(host.get(other), section);
    host.check_round_trip();
}

#[test]
fn runc_is_named_where_only_the_built_in_one_was() {
    let runc = r#"{ runtime_type = "io.containerd.runc.v2" }"#;
    for (text, version, path) in [
        ("version = 2\n", 2, MAIN),
        ("root = '/x'\n", 1, MAIN),
        ("version = 3\n", 3, DROP_IN),
    ] {
        let host = host(text);
        host.install().expect("install");
        assert_eq!(
            entry(&host, path, version, "runc").as_deref(),
            Some(runc),
            "{text}"
        );
        assert!(entry(&host, path, version, NAME).is_some());
    }
}

#[test]
fn from_version_3_on_a_file_of_our_own_is_imported() {
    let other = "/etc/containerd/conf.d/50-other.toml";
    let host = host(THREE).with(other, "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]\nsnapshotter = 'stargz'\n");
    host.install_as_default().expect("install");
    assert_eq!(
        host.get(MAIN),
        THREE.replace(
            "# here\n",
            "# here\nimports = [\"/etc/containerd/conf.d/99-sevorix*.toml\"]\n"
        )
    );
    // The other file was not in force before, and is not now.
    assert_eq!(
        entry(&host, DROP_IN, 3, NAME).expect("an entry"),
        r#"{ runtime_type = "io.containerd.runc.v2", pod_annotations = ["io.sevorix.*"], options = { SystemdCgroup = true, BinaryName = "/usr/bin/sevorix" } }"#
    );
    assert_eq!(entry(&host, DROP_IN, 3, "runc"), None);
    assert!(
        host.get(DROP_IN)
            .contains("default_runtime_name = \"sevorix\"")
    );
}

#[test]
fn another_path_of_the_runtime_is_corrected() {
    for (text, version, path) in [(TWO, 2, MAIN), (THREE, 3, DROP_IN)] {
        let host = host(text).with("/opt/sevorix", "");
        let moved = Options {
            binary: "/opt/sevorix".into(),
            ..host.options()
        };
        install(&moved).expect("install");
        assert!(host.install().expect("install").changes_anything());
        let ours = entry(&host, path, version, NAME).expect("an entry");
        assert!(
            ours.contains("\"/usr/bin/sevorix\"") && !ours.contains("/opt"),
            "{ours}"
        );
        host.uninstall().expect("uninstall");
        assert_eq!(host.get(MAIN), text);
    }
}

#[test]
fn what_the_operator_changed_since_stays() {
    let host = host(TWO);
    host.install_as_default().expect("install");
    host.put(MAIN, &host.get(MAIN).replace("pause:3.9", "pause:3.10"));
    host.uninstall().expect("uninstall");
    let text = host.get(MAIN);
    assert!(
        text.contains("pause:3.10") && !text.contains(NAME),
        "{text}"
    );
}

#[test]
fn of_a_file_that_was_migrated_since_nothing_stays() {
    let host = host(TWO);
    host.install().expect("install");
    let migrated = host.get(MAIN).replace("version = 2", "version = 3");
    host.put(MAIN, &migrated.replace(plugin(2), plugin(3)));
    host.install().expect("install");
    host.put(MAIN, &host.get(MAIN).replace("pause:3.9", "pause:3.10"));
    host.uninstall().expect("uninstall");
    let text = host.get(MAIN);
    assert!(
        text.contains("pause:3.10") && !text.contains(NAME),
        "{text}"
    );
    assert!(!host.at(DROP_IN).exists());
}

#[test]
fn a_file_that_cannot_take_it_is_refused() {
    for (text, line) in [
        ("version = 2\n[plugins\n", 2),
        ("version = 5\n", 1),
        ("version = \"2\"\n", 1),
        ("version = 2\nversion = 2\n", 2),
    ] {
        host(text).check_refused(MAIN, line);
    }
    for text in [
        "version = 2\n[plugins]\n\"io.containerd.grpc.v1.cri\" = { containerd = {} }\n",
        "version = 2\nplugins = 1\n",
        "version = 3\nimports = 'x'\n",
    ] {
        let host = host(text);
        let before = host.tree();
        let error = host.install().expect_err(text);
        assert!(matches!(error, Error::Broken { .. }), "{error}");
        assert_eq!(host.tree(), before);
    }
}

#[test]
fn a_policy_needs_no_runtime_of_its_own() {
    let host = host(TWO);
    let bound = Options {
        policy: Some("strict".to_owned()),
        ..host.options()
    };
    let error = install(&bound).expect_err("policy");
    assert!(matches!(error, Error::PolicyNotNeeded { .. }), "{error}");
}
