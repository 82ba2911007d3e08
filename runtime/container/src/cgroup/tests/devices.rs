use serde_json::json;

use super::host::{TestCgroup, parse};

/// A device that every kernel has and no container may open unasked: /dev/mem's neighbour that answers at once.
const KMSG: (u32, u32) = (1, 11);

/// Opens are made through a node of the test's own, since /dev may not have it.
pub(super) fn node(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("kmsg");
    let device = nix::sys::stat::makedev(KMSG.0.into(), KMSG.1.into());
    let mode = nix::sys::stat::Mode::from_bits_truncate(0o600);
    nix::sys::stat::mknod(&path, nix::sys::stat::SFlag::S_IFCHR, mode, device).unwrap();
    path.display().to_string()
}

pub(super) fn can_open(test: &TestCgroup, path: &str) -> bool {
    test.run(&format!(": <{path}")).succeeds()
}

#[test]
fn a_container_opens_the_standard_devices_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    for resources in [
        json!({}),
        json!({"devices": [{"allow": false, "access": "rwm"}]}),
    ] {
        let Some(test) = TestCgroup::created(resources) else {
            return;
        };
        let kmsg = node(&folder);
        assert!(!can_open(&test, &kmsg));
        assert!(can_open(&test, "/dev/null") && can_open(&test, "/dev/urandom"));
        std::fs::remove_file(kmsg).unwrap();
    }
}

#[test]
fn the_list_is_replaced_only_when_it_is_given() {
    let kmsg_allowed = json!([
        {"allow": false, "access": "rwm"},
        {"allow": true, "type": "c", "major": KMSG.0, "minor": KMSG.1, "access": "r"}
    ]);
    let Some(test) = TestCgroup::created(json!({"devices": kmsg_allowed})) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let kmsg = node(&folder);
    assert!(can_open(&test, &kmsg));
    test.cgroup.update(&parse(json!({}))).unwrap();
    assert!(can_open(&test, &kmsg));
    test.cgroup
        .update(&parse(
            json!({"devices": [{"allow": false, "access": "rwm"}]}),
        ))
        .unwrap();
    assert!(!can_open(&test, &kmsg) && can_open(&test, "/dev/null"));
    test.cgroup
        .update(&parse(json!({"devices": kmsg_allowed})))
        .unwrap();
    assert!(can_open(&test, &kmsg) && can_open(&test, "/dev/null"));
    test.cgroup
        .update(&parse(
            json!({"devices": [{"allow": true, "access": "rwm"}]}),
        ))
        .unwrap();
    assert!(can_open(&test, &kmsg));
}

#[test]
fn a_privileged_container_opens_everything_until_it_is_told_otherwise() {
    let Some(test) = TestCgroup::created(json!({"devices": [{"allow": true, "access": "rwm"}]}))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let kmsg = node(&folder);
    assert!(can_open(&test, &kmsg));
    test.cgroup
        .update(&parse(
            json!({"devices": [{"allow": false, "access": "rwm"}]}),
        ))
        .unwrap();
    assert!(!can_open(&test, &kmsg));
}

#[test]
fn a_cgroup_that_was_used_before_gets_the_new_list_alone() {
    let Some(test) = TestCgroup::created(json!({})) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let kmsg = node(&folder);
    assert!(!can_open(&test, &kmsg));
    let _placeholder = test
        .cgroup
        .create(Some(&parse(
            json!({"devices": [{"allow": true, "access": "rwm"}]}),
        )))
        .unwrap();
    assert!(can_open(&test, &kmsg));
    let _placeholder = test.cgroup.create(None).unwrap();
    assert!(!can_open(&test, &kmsg));
}

#[test]
fn a_rule_that_can_not_be_obeyed_is_refused() {
    let Some(test) = TestCgroup::new() else {
        return;
    };
    for devices in [
        json!([{"allow": true, "type": "c", "major": 1, "access": "rw"},
               {"allow": false, "type": "c", "major": 1, "minor": 11, "access": "w"}]),
        json!([{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "rx"}]),
        json!([{"allow": true, "type": "c", "major": 1, "minor": 11}]),
        json!([{"allow": true, "type": "p", "major": 1, "minor": 11, "access": "r"}]),
        json!([{"allow": true, "type": "c", "major": -5, "minor": 11, "access": "r"}]),
    ] {
        test.cgroup
            .create(Some(&parse(json!({"devices": devices}))))
            .unwrap_err();
        assert!(!test.cgroup.exists(), "{devices}");
    }
}
