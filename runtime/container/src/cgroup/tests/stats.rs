//! Our stats of a container of runc's, beside runc's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::host::{TestCgroup, takes_this_host};
use crate::cgroup::{Cgroup, Driver};

const ID: &str = "sevorix-stats";
const CGROUP: &str = "/sevorix-stats/box";

/// What runc 1.2 and later tell and 1.1 does not, beside pressure: the highest use of memory on v2.
const YOUNGER: [&str; 1] = ["/memory/usage/max"];

#[test]
fn stats_have_the_keys_and_limits_of_runcs() {
    if !takes_this_host()
        || !["/usr/sbin/runc", "/usr/bin/busybox"]
            .iter()
            .all(|file| Path::new(file).exists())
    {
        eprintln!("skipped: this takes a host with runc and busybox that may be changed");
        return;
    }
    // runc needs the same controllers
    let Some(_) = TestCgroup::limited(json!({})) else {
        return;
    };
    let bundle = tempfile::tempdir().unwrap();
    write_bundle(bundle.path());
    runc(&[
        "run",
        "--detach",
        "--bundle",
        &bundle.path().display().to_string(),
        ID,
    ]);
    let theirs: Value = serde_json::from_str(&runc(&["events", "--stats", ID])).unwrap();
    let ours = Cgroup::locate(Some(Path::new(CGROUP)), ID, Driver::Cgroupfs)
        .unwrap()
        .stats();
    runc(&["delete", "--force", ID]);
    let (ours, theirs) = (ours.unwrap(), &theirs["data"]);
    let (only_ours, only_theirs) = (&keys(&ours) - &keys(theirs), &keys(theirs) - &keys(&ours));
    assert!(
        only_ours.iter().all(|key| YOUNGER.contains(&key.as_str())) && only_theirs.is_empty(),
        "{only_ours:?} {only_theirs:?}"
    );
    for path in [
        "/memory/usage/limit",
        "/memory/swap/limit",
        "/pids",
        "/cpuset",
        "/hugetlb",
        "/blkio",
        "/intel_rdt",
    ] {
        assert_eq!(
            without_pressure(&ours).pointer(path),
            theirs.pointer(path),
            "{path}"
        );
    }
}

fn write_bundle(bundle: &Path) {
    fs::create_dir_all(bundle.join("rootfs/bin")).unwrap();
    fs::copy("/usr/bin/busybox", bundle.join("rootfs/bin/busybox")).unwrap();
    let spec = Command::new("runc")
        .arg("spec")
        .current_dir(bundle)
        .status()
        .unwrap();
    assert!(spec.success());
    let config = bundle.join("config.json");
    let mut spec: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    spec["process"]["terminal"] = json!(false);
    spec["process"]["args"] = json!(["/bin/busybox", "sleep", "100"]);
    spec["linux"]["cgroupsPath"] = json!(CGROUP);
    spec["linux"]["resources"]["memory"] = json!({"limit": 64 << 20});
    spec["linux"]["resources"]["pids"] = json!({"limit": 20});
    fs::write(config, spec.to_string()).unwrap();
}

fn runc(arguments: &[&str]) -> String {
    // the detached container would keep a pipe open: a file does not
    let mut output = tempfile::tempfile().unwrap();
    let status = Command::new("runc")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .status()
        .unwrap();
    assert!(status.success(), "runc {arguments:?}");
    std::io::Seek::rewind(&mut output).unwrap();
    std::io::read_to_string(output).unwrap()
}

/// runc has it since 1.2.
fn without_pressure(stats: &Value) -> Value {
    let mut stats = stats.clone();
    for part in ["cpu", "memory", "blkio"] {
        stats[part].as_object_mut().unwrap().remove("psi");
    }
    stats
}

fn keys(stats: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
        keys.insert(path.into());
        for (key, value) in value.as_object().into_iter().flatten() {
            walk(value, &format!("{path}/{key}"), keys);
        }
    }
    let mut keys = BTreeSet::new();
    walk(&without_pressure(stats), "", &mut keys);
    keys
}
