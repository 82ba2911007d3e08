//! From arguments to the bytes on the wire, and back from an engine's bytes.

use clap::Parser;
use prost::Message;

use crate::grammar::{CommandLine, ContainerVerb, Verb};
use crate::messages::*;
use crate::values::User;

fn parse(arguments: &[&str]) -> Result<Verb, clap::Error> {
    let words = std::iter::once("sevorix-cri").chain(arguments.iter().copied());
    CommandLine::try_parse_from(words).map(|command_line| command_line.verb)
}

fn refusal(arguments: &[&str]) -> String {
    parse(arguments).unwrap_err().to_string()
}

fn pod_run(arguments: &[&str]) -> (PodSandboxConfig, ContainerConfig) {
    let all = [&["pod-run", "--name", "web"], arguments].concat();
    let Verb::PodRun { pod, container, .. } = parse(&all).unwrap() else {
        panic!("another verb");
    };
    let pod = pod.config("u1", container.privileged);
    let container = container.config(&pod);
    (pod, container)
}

#[test]
fn the_grammar_is_sound() {
    use clap::CommandFactory;
    CommandLine::command().debug_assert();
}

#[test]
fn a_pod_request_has_the_protocols_bytes() {
    let (config, _) = pod_run(&[
        "--annotation",
        "a=b",
        "--log-dir",
        "/l",
        "--cgroup-parent",
        "/p",
        "image",
    ]);
    let request = RunPodSandboxRequest {
        config: Some(config),
        runtime_handler: "sevorix".to_owned(),
    };
    let expected = [
        &b"\x0a\x30"[..],                                // config
        b"\x0a\x12\x0a\x03web\x12\x02u1\x1a\x07default", // metadata: name, uid, namespace
        b"\x1a\x02/l",                                   // log_directory
        b"\x3a\x06\x0a\x01a\x12\x01b",                   // annotations
        b"\x42\x0e",                                     // linux
        b"\x0a\x02/p",                                   // cgroup_parent
        b"\x12\x08\x0a\x04\x08\x02\x10\x01\x4a\x00", // security_context: network NODE, pid CONTAINER, seccomp
        b"\x12\x07sevorix",                          // runtime_handler
    ];
    assert_eq!(request.encode_to_vec(), expected.concat());
}

#[test]
fn a_container_has_the_protocols_bytes() {
    let (_, config) = pod_run(&[
        "--env",
        "A=b=c",
        "--memory",
        "300",
        "--read-only",
        "busybox",
        "sh",
        "-c",
        "true",
    ]);
    let linux = config.linux.clone().unwrap();
    assert_eq!(linux.resources.unwrap().encode_to_vec(), b"\x20\xac\x02");
    let expected = b"\x0a\x00\x1a\x04\x08\x02\x10\x01\x38\x01"; // capabilities, namespaces, readonly_rootfs
    assert_eq!(linux.security_context.unwrap().encode_to_vec(), expected);
    let expected = [
        &b"\x0a\x06\x0a\x04main"[..],        // metadata: name
        b"\x12\x09\x0a\x07busybox",          // image
        b"\x22\x02sh\x22\x02-c\x22\x04true", // args
        b"\x32\x08\x0a\x01A\x12\x03b=c",     // envs
        b"\x5a\x08main.log",                 // log_path
        b"\x7a\x11",                         // linux
    ];
    let encoded = config.encode_to_vec();
    assert_eq!(encoded[..encoded.len() - 17], expected.concat());
}

#[test]
fn an_answer_with_unknown_fields_is_read() {
    let bytes = [
        &b"\x0a\x02c1"[..],   // id
        b"\x18\x02",          // state
        b"\x38\x89\x01",      // exit_code
        b"\x52\x09OOMKilled", // reason
        b"\x4a\x03sha",       // image_ref, which nothing here reads
        b"\x7a\x02/l",        // log_path
    ]
    .concat();
    let status = ContainerStatus::decode(&bytes[..]).unwrap();
    assert_eq!(status.state(), ContainerState::Exited);
    assert_eq!(status.exit_code, 137);
    assert_eq!(
        (&status.reason[..], &status.log_path[..]),
        ("OOMKilled", "/l")
    );
    let shown = serde_json::to_value(&status).unwrap();
    assert_eq!(shown["state"], "exited");
}

#[test]
fn a_pods_configuration_comes_back_from_the_engines_json() {
    let told = r#"{
        "metadata": {"name": "web", "uid": "u1", "namespace": "default"},
        "log_directory": "/l",
        "annotations": {"a": "b"},
        "port_mappings": [{"container_port": 80}],
        "linux": {"cgroup_parent": "/p", "security_context": {"namespace_options": {"network": 2, "pid": 1}, "seccomp": {}}}
    }"#;
    let (sent, _) = pod_run(&[
        "--annotation",
        "a=b",
        "--log-dir",
        "/l",
        "--cgroup-parent",
        "/p",
        "image",
    ]);
    assert_eq!(
        serde_json::from_str::<PodSandboxConfig>(told).unwrap(),
        sent
    );
}

#[test]
fn security_options_reach_the_container() {
    let (pod, container) = pod_run(&[
        "--privileged",
        "--user=1000:2000",
        "--seccomp=localhost/strict.json",
        "--cap-add=NET_ADMIN",
        "--cap-drop=ALL",
        "--pid=host",
        "image",
    ]);
    let pod = pod.linux.unwrap().security_context.unwrap();
    assert!(pod.privileged);
    let context = container.linux.unwrap().security_context.unwrap();
    assert!(context.privileged);
    assert_eq!(context.run_as_user, Some(Int64Value { value: 1000 }));
    assert_eq!(context.run_as_group, Some(Int64Value { value: 2000 }));
    let seccomp = context.seccomp.unwrap();
    assert_eq!(seccomp.profile_type(), ProfileType::Localhost);
    assert_eq!(seccomp.localhost_ref, "strict.json");
    let capabilities = context.capabilities.unwrap();
    assert_eq!(capabilities.add_capabilities, ["NET_ADMIN"]);
    assert_eq!(capabilities.drop_capabilities, ["ALL"]);
    assert_eq!(
        context.namespace_options.unwrap().pid(),
        NamespaceMode::Node
    );
}

#[test]
fn mounts_have_their_options() {
    let (_, container) = pod_run(&["--mount=/a:/b:ro:rshared", "--mount=/c:/d", "image"]);
    let [first, second] = &container.mounts[..] else {
        panic!("two mounts were given");
    };
    assert_eq!(
        (&first.host_path[..], &first.container_path[..]),
        ("/a", "/b")
    );
    assert!(first.readonly);
    assert_eq!(first.propagation(), MountPropagation::Bidirectional);
    assert!(!second.readonly);
    assert_eq!(second.propagation(), MountPropagation::Private);
}

#[test]
fn a_pod_with_its_own_network_has_its_own_host_name() {
    assert_eq!(pod_run(&["image"]).0.hostname, "");
    assert_eq!(pod_run(&["--network=pod", "image"]).0.hostname, "web");
}

#[test]
fn words_behind_the_image_are_the_containers() {
    let (_, container) = pod_run(&[
        "--command=/bin/sh",
        "--command=-e",
        "image",
        "--name",
        "x",
        "--",
        "y",
    ]);
    assert_eq!(container.command, ["/bin/sh", "-e"]);
    assert_eq!(container.args, ["--name", "x", "--", "y"]);
    let Verb::ExecSync {
        container, command, ..
    } = parse(&["exec-sync", "c1", "ls", "-l"]).unwrap()
    else {
        panic!("another verb");
    };
    assert_eq!(
        (&container[..], &command[..]),
        ("c1", &["ls".to_owned(), "-l".to_owned()][..])
    );
}

#[test]
fn users_are_numbers_or_a_name() {
    let user = |text| match parse(&["create", "p1", "--user", text, "image"]) {
        Ok(Verb::Container(ContainerVerb::Create { container, .. })) => container.user,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        user("7"),
        Some(User::Id {
            user: 7,
            group: None
        })
    );
    assert_eq!(user("daemon"), Some(User::Name("daemon".to_owned())));
    assert!(
        refusal(&["create", "p1", "--user", "7:staff", "image"]).contains("'staff': invalid digit")
    );
    assert!(
        refusal(&["create", "p1", "--user", "daemon:1", "image"])
            .contains("a user's name stands alone")
    );
    assert!(refusal(&["create", "p1", "--user", "4294967296", "image"]).contains("too large"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (option, reason) in [
        ("--env=A", "no '='"),
        ("--env==b", "no '='"),
        ("--seccomp=default", "none of runtime/default"),
        ("--seccomp=localhost/", "none of runtime/default"),
        ("--mount=/a", "not HOST:CONTAINER"),
        ("--mount=a:/b", "must be absolute"),
        ("--mount=/a:/b:rx", "'rx' is none of"),
        ("--memory=64M", "invalid digit"),
    ] {
        let refusal = refusal(&["create", "p1", option, "image"]);
        assert!(refusal.contains(reason), "{option}: {refusal}");
    }
    assert!(refusal(&["run-pod"]).contains("--name"));
    assert!(
        refusal(&["create", "p1", "--evn=A=b", "image"]).contains("unexpected argument '--evn'")
    );
    assert!(refusal(&["create", "p1"]).contains("<IMAGE>"));
    assert!(refusal(&["exec-sync", "c1"]).contains("<COMMAND>"));
}
