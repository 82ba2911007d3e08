//! The systemd driver, where there is a systemd to be tried.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::devices::{can_open, node};
use super::host::{TestCgroup, parse, takes_this_host};
use crate::cgroup::{CgroupError, Kill};

const MEGABYTE: i64 = 1 << 20;

fn scope(test: &str) -> Option<TestCgroup> {
    if !takes_this_host() || !Path::new("/run/systemd/system").is_dir() {
        eprintln!("skipped: this takes a host with systemd that may be changed");
        return None;
    }
    let test = TestCgroup::systemd(&format!("sevorix-test.slice:sevorix:{test}"));
    if !test.has_controllers() {
        eprintln!("skipped: the hierarchy has not all controllers here");
        return None;
    }
    Some(test)
}

fn systemctl(arguments: &[&str]) -> String {
    let output = Command::new("systemctl").args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn is_active(unit: &str) -> bool {
    systemctl(&["is-active", unit]) == "active"
}

fn memory_limit(test: &TestCgroup) -> String {
    test.read(if test.cgroup.is_unified() {
        "memory.max"
    } else {
        "memory.limit_in_bytes"
    })
}

#[test]
fn a_scope_lives_from_create_to_remove() {
    let Some(test) = scope("life") else { return };
    assert_eq!(
        test.cgroup.path(),
        Path::new("/sevorix.slice/sevorix-test.slice/sevorix-life.scope")
    );
    test.cgroup.refuse_strangers().unwrap();
    let placeholder = test
        .cgroup
        .create(Some(&parse(json!({"memory": {"limit": 64 * MEGABYTE}}))))
        .unwrap();
    assert!(is_active("sevorix-life.scope"));
    assert_eq!(memory_limit(&test), (64 * MEGABYTE).to_string());
    let mut init = test.run("exec sleep 100");
    placeholder.hand_over().unwrap();
    assert_eq!(test.cgroup.pids().unwrap(), [init.pid()]);
    systemctl(&["daemon-reload"]);
    assert!(is_active("sevorix-life.scope"));
    assert!(test.cgroup.remove(Kill::No).is_err());
    assert!(!init.has_ended());
    test.cgroup.remove(Kill::Yes).unwrap();
    assert!(!is_active("sevorix-life.scope") && !test.cgroup.exists());
    assert_eq!(init.signal_that_ended_it(), Some(libc::SIGKILL));
    test.cgroup.remove(Kill::Yes).unwrap();
}

#[test]
fn a_reload_takes_no_limit_back() {
    let Some(test) = scope("reload") else { return };
    let resources = json!({
        "memory": {"limit": 64 * MEGABYTE}, "pids": {"limit": 20}, "cpu": {"shares": 512, "quota": 50000, "period": 100_000}
    });
    let placeholder = test.cgroup.create(Some(&parse(resources))).unwrap();
    let _init = test.run("exec sleep 100");
    placeholder.hand_over().unwrap();
    test.cgroup
        .update(&parse(
            json!({"memory": {"limit": 128 * MEGABYTE}, "pids": {"limit": 30}}),
        ))
        .unwrap();
    let quota = if test.cgroup.is_unified() {
        "cpu.max"
    } else {
        "cpu.cfs_quota_us"
    };
    let before = test.read(quota);
    systemctl(&["daemon-reload"]);
    assert_eq!(memory_limit(&test), (128 * MEGABYTE).to_string());
    assert_eq!(test.read("pids.max"), "30");
    assert_eq!(test.read(quota), before);
}

#[test]
fn a_reload_opens_no_device() {
    let Some(test) = scope("devices") else { return };
    let resources = json!({"devices": [{"allow": false, "access": "rwm"}]});
    let placeholder = test.cgroup.create(Some(&parse(resources))).unwrap();
    let _init = test.run("exec sleep 100");
    placeholder.hand_over().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kmsg = node(&folder);
    assert!(
        !can_open(&test, &kmsg) && can_open(&test, "/dev/null") && can_open(&test, "/dev/ptmx")
    );
    systemctl(&["daemon-reload"]);
    test.cgroup
        .update(&parse(json!({"pids": {"limit": 50}})))
        .unwrap();
    assert!(
        !can_open(&test, &kmsg) && can_open(&test, "/dev/null") && can_open(&test, "/dev/ptmx")
    );
}

#[test]
fn what_fails_half_way_leaves_no_unit() {
    let Some(test) = scope("half") else { return };
    let error = test
        .cgroup
        .create(Some(&parse(json!({"cpu": {"cpus": "0", "mems": "70"}}))))
        .unwrap_err();
    assert!(
        matches!(error, CgroupError::Set { .. } | CgroupError::Systemd { .. }),
        "{error:?}"
    );
    assert!(!is_active("sevorix-half.scope") && !test.cgroup.exists());
}

#[test]
fn a_name_in_use_is_refused_and_left_alone() {
    let Some(test) = scope("twice") else { return };
    let placeholder = test.cgroup.create(None).unwrap();
    let mut init = test.run("exec sleep 100");
    placeholder.hand_over().unwrap();
    let error = test.cgroup.create(None).unwrap_err();
    assert!(
        matches!(
            error,
            CgroupError::Systemd {
                action: "start",
                ..
            }
        ),
        "{error}"
    );
    assert!(is_active("sevorix-twice.scope") && !init.has_ended());
}

#[test]
fn an_empty_scope_goes_by_itself() {
    let Some(test) = scope("empty") else { return };
    drop(test.cgroup.create(None).unwrap());
    super::host::eventually("systemd's removal", || !is_active("sevorix-empty.scope"));
    test.cgroup.remove(Kill::No).unwrap();
}
