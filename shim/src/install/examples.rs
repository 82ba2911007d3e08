//! The shipped examples are what the installer writes.

use super::Engine;
use super::testing::TestHost;

fn check(host: &TestHost, path: &str, example: &str) {
    host.install().expect("install");
    assert_eq!(host.get(path), example, "{path}");
}

#[test]
fn on_a_host_without_settings() {
    for (engine, path, example) in [
        (
            Engine::Docker,
            "/etc/docker/daemon.json",
            include_str!("../../../configs/engines/docker-daemon.json"),
        ),
        (
            Engine::Containerd,
            "/etc/containerd/config.toml",
            include_str!("../../../configs/engines/containerd-config.toml"),
        ),
        (
            Engine::Podman,
            "/etc/containers/containers.conf.d/99-sevorix.conf",
            include_str!("../../../configs/engines/podman-99-sevorix.conf"),
        ),
        (
            Engine::Crio,
            "/etc/crio/crio.conf.d/99-sevorix.conf",
            include_str!("../../../configs/engines/crio-99-sevorix.conf"),
        ),
    ] {
        check(&TestHost::new(engine), path, example);
    }
}

#[test]
fn on_a_host_whose_containerd_merges() {
    let host = TestHost::new(Engine::Containerd);
    host.put("/etc/containerd/config.toml", "version = 3\n");
    check(
        &host,
        "/etc/containerd/conf.d/99-sevorix.toml",
        include_str!("../../../configs/engines/containerd-99-sevorix.toml"),
    );
}
