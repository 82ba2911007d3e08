use serde_json::json;

use super::host::{TestCgroup, eventually, parse};
use crate::cgroup::{CgroupError, Kill};

const MEGABYTE: i64 = 1 << 20;

#[test]
fn limits_hold_before_there_is_a_process() {
    let resources = json!({
        "memory": {"limit": 64 * MEGABYTE, "reservation": 32 * MEGABYTE},
        "pids": {"limit": 17},
        "cpu": {"shares": 512, "quota": 20000, "period": 50000, "cpus": "0", "mems": "0"}
    });
    let Some(test) = TestCgroup::limited(resources) else {
        return;
    };
    assert_eq!(test.read("pids.max"), "17");
    assert_eq!(test.read("cpuset.cpus"), "0");
    if test.cgroup.is_unified() {
        assert_eq!(test.read("memory.max"), (64 * MEGABYTE).to_string());
        assert_eq!(test.read("memory.low"), (32 * MEGABYTE).to_string());
        assert_eq!(test.read("cpu.weight"), "59");
        assert_eq!(test.read("cpu.max"), "20000 50000");
    } else {
        assert_eq!(
            test.read("memory.limit_in_bytes"),
            (64 * MEGABYTE).to_string()
        );
        assert_eq!(test.read("cpu.shares"), "512");
        assert_eq!(test.read("cpu.cfs_quota_us"), "20000");
    }
}

#[test]
fn an_update_changes_what_it_says_and_nothing_else() {
    let resources = json!({
        "memory": {"limit": 64 * MEGABYTE}, "pids": {"limit": 17}, "cpu": {"quota": 20000, "period": 50000}
    });
    let Some(test) = TestCgroup::limited(resources) else {
        return;
    };
    test.cgroup
        .update(&parse(json!({"cpu": {"quota": 30000}})))
        .unwrap();
    test.cgroup
        .update(&parse(json!({"memory": {"limit": 128 * MEGABYTE}})))
        .unwrap();
    assert_eq!(test.read("pids.max"), "17");
    if test.cgroup.is_unified() {
        assert_eq!(test.read("cpu.max"), "30000 50000");
        assert_eq!(test.read("memory.max"), (128 * MEGABYTE).to_string());
        test.cgroup
            .update(&parse(json!({"cpu": {"period": 40000}})))
            .unwrap();
        assert_eq!(test.read("cpu.max"), "30000 40000");
    } else {
        assert_eq!(test.read("cpu.cfs_quota_us"), "30000");
        assert_eq!(test.read("cpu.cfs_period_us"), "50000");
        assert_eq!(
            test.read("memory.limit_in_bytes"),
            (128 * MEGABYTE).to_string()
        );
    }
}

/// On v1 the one limit may never be above the other, so the order depends on the direction.
#[test]
fn memory_and_swap_can_be_raised_and_lowered_together() {
    let Some(test) = TestCgroup::limited(json!({})) else {
        return;
    };
    for megabytes in [64, 256, 32] {
        let (memory, both) = (megabytes * MEGABYTE, 2 * megabytes * MEGABYTE);
        test.cgroup
            .update(&parse(json!({"memory": {"limit": memory, "swap": both}})))
            .unwrap();
        if test.cgroup.is_unified() {
            assert_eq!(test.read("memory.max"), memory.to_string());
            assert_eq!(test.read("memory.swap.max"), memory.to_string());
        } else {
            assert_eq!(test.read("memory.limit_in_bytes"), memory.to_string());
            assert_eq!(test.read("memory.memsw.limit_in_bytes"), both.to_string());
        }
    }
}

#[test]
fn a_burst_beyond_the_old_quota_comes_with_the_new_one() {
    let Some(test) =
        TestCgroup::limited_unified(json!({"cpu": {"quota": 10000, "period": 100_000}}))
    else {
        return;
    };
    test.cgroup
        .update(&parse(json!({"cpu": {"quota": 50000, "burst": 20000}})))
        .unwrap();
    assert_eq!(test.read("cpu.max"), "50000 100000");
    assert_eq!(test.read("cpu.max.burst"), "20000");
}

#[test]
fn a_limit_that_fails_leaves_nothing() {
    let Some(test) = TestCgroup::limited(json!({})) else {
        return;
    };
    test.cgroup.remove(Kill::No).unwrap();
    let error = test
        .cgroup
        .create(Some(&parse(json!({"cpu": {"cpus": "4000"}}))))
        .unwrap_err();
    assert!(
        matches!(&error, CgroupError::Set { file, .. } if file == "cpuset.cpus"),
        "{error}"
    );
    assert!(!test.cgroup.exists());
}

/// `--pids-limit 1` is enough for one process, but making it takes more for a moment.
#[test]
fn a_limit_of_one_process_leaves_room_to_start_it() {
    let Some(test) = TestCgroup::limited(json!({})) else {
        return;
    };
    let placeholder = test
        .cgroup
        .create(Some(&parse(json!({"pids": {"limit": 1}}))))
        .unwrap();
    assert_eq!(test.read("pids.max"), "3");
    let _init = test.run("exec sleep 100");
    placeholder.hand_over().unwrap();
    assert_eq!(test.read("pids.max"), "1");
}

#[test]
fn raw_files_are_written_line_by_line() {
    let resources = json!({"unified": {"memory.high": "67108864", "pids.max": "9\n11"}});
    let Some(test) = TestCgroup::limited_unified(resources) else {
        return;
    };
    assert_eq!(test.read("memory.high"), "67108864");
    assert_eq!(test.read("pids.max"), "11");
}

#[test]
fn a_checked_update_refuses_to_go_below_what_is_used() {
    let Some(test) = TestCgroup::limited(json!({"memory": {"limit": 64 * MEGABYTE}})) else {
        return;
    };
    let _process = test.run("x=$(head -c 1000000 /dev/zero | tr '\\0' x); sleep 100");
    eventually("using memory", || {
        test.cgroup.stats().unwrap()["memory"]["usage"]["usage"].as_u64() > Some(1_000_000)
    });
    let error = test
        .cgroup
        .update(&parse(
            json!({"memory": {"limit": 1, "checkBeforeUpdate": true}}),
        ))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("rejecting memory limit 1 <= usage"),
        "{error}"
    );
}

#[test]
fn usage_shows_in_the_stats() {
    let Some(test) =
        TestCgroup::limited(json!({"memory": {"limit": 64 * MEGABYTE}, "pids": {"limit": 17}}))
    else {
        return;
    };
    let script = "x=$(head -c 1000000 /dev/zero | tr '\\0' x); while [ $((i += 1)) -lt 20000 ]; do :; done; sleep 100";
    let _process = test.run(script);
    let used = |path| {
        test.cgroup
            .stats()
            .unwrap()
            .pointer(path)
            .and_then(serde_json::Value::as_u64)
    };
    eventually("using the processor", || {
        used("/cpu/usage/total") > Some(1_000_000)
    });
    eventually("using memory", || {
        used("/memory/usage/usage") > Some(1_000_000)
    });
    let stats = test.cgroup.stats().unwrap();
    assert_eq!(stats["memory"]["usage"]["limit"], json!(64 * MEGABYTE));
    assert_eq!(stats["pids"]["limit"], json!(17));
    assert!(
        stats["pids"]["current"]
            .as_u64()
            .is_some_and(|current| current >= 1)
    );
}
