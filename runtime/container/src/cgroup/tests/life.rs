use std::fs;

use super::host::{TestCgroup, eventually};
use crate::cgroup::{Cgroup, CgroupError, Kill, folder};

#[test]
fn it_is_stored_and_found_again() {
    let Some(test) = TestCgroup::created(serde_json::json!({})) else {
        return;
    };
    let stored = serde_json::to_string(&test.cgroup).unwrap();
    let loaded: Cgroup = serde_json::from_str(&stored).unwrap();
    assert_eq!(loaded, test.cgroup);
    assert!(loaded.exists());
    loaded.remove(Kill::No).unwrap();
    assert!(!test.cgroup.exists());
}

#[test]
fn strangers_are_refused_wherever_they_are() {
    let Some(test) = TestCgroup::new() else {
        return;
    };
    test.cgroup.refuse_strangers().unwrap();
    let _placeholder = test.cgroup.create(None).unwrap();
    test.cgroup.refuse_strangers().unwrap();
    let stranger = test.run_below("deep", "exec sleep 100");
    let error = test.cgroup.refuse_strangers().unwrap_err();
    assert_eq!(
        error.to_string(),
        "container's cgroup is not empty: 1 process(es) found"
    );
    assert_eq!(test.cgroup.pids().unwrap(), [stranger.pid()]);
    drop(stranger);
    eventually("leaving", || test.cgroup.refuse_strangers().is_ok());
    test.cgroup.freeze().unwrap();
    assert!(matches!(
        test.cgroup.refuse_strangers(),
        Err(CgroupError::Frozen)
    ));
}

#[test]
fn a_frozen_process_stands_still_and_goes_on() {
    let Some(test) = TestCgroup::created(serde_json::json!({})) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let beat = folder.path().join("beat");
    let script = format!("while :; do echo >>{}; done", beat.display());
    let _busy = test.run(&script);
    let beats = || fs::metadata(&beat).map_or(0, |file| file.len());
    eventually("a beat", || beats() > 0);
    assert!(!test.cgroup.is_frozen().unwrap());
    test.cgroup.freeze().unwrap();
    assert!(test.cgroup.is_frozen().unwrap());
    let frozen_at = beats();
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(beats(), frozen_at);
    test.cgroup.thaw().unwrap();
    assert!(!test.cgroup.is_frozen().unwrap());
    eventually("another beat", || beats() > frozen_at);
}

#[test]
fn a_signal_reaches_everybody_and_nothing_escapes_the_kill() {
    let Some(test) = TestCgroup::created(serde_json::json!({})) else {
        return;
    };
    let mut polite = test.run("trap 'exit 0' TERM; while :; do sleep 0.01; done");
    let _storm = test.run_below(
        "deep",
        "storm() { sleep 0.01; storm & storm; }; ulimit -u 300; storm",
    );
    eventually("a storm", || test.cgroup.pids().unwrap().len() > 5);
    test.cgroup.signal_all(libc::SIGKILL).unwrap();
    eventually("silence", || test.cgroup.pids().unwrap().is_empty());
    assert_eq!(polite.signal_that_ended_it(), Some(libc::SIGKILL));

    let mut second = test.run("trap 'exit 0' TERM; while :; do sleep 0.01; done");
    let mut third = test.run("exec sleep 100");
    eventually("both inside", || test.cgroup.pids().unwrap().len() >= 2);
    test.cgroup.signal_all(libc::SIGUSR1).unwrap();
    assert_eq!(second.signal_that_ended_it(), Some(libc::SIGUSR1));
    assert_eq!(third.signal_that_ended_it(), Some(libc::SIGUSR1));
}

#[test]
fn a_frozen_container_can_be_killed_and_keeps_other_signals_for_later() {
    let Some(test) = TestCgroup::created(serde_json::json!({})) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    let mut process = test.run(&format!(
        "trap 'trap - USR1' USR1; : >{}; while :; do :; done",
        ready.display()
    ));
    eventually("setting the trap", || ready.exists());
    test.cgroup.freeze().unwrap();
    // v2 lets a fatal signal through to a frozen process, so it takes one that is caught
    test.cgroup.signal_all(libc::SIGUSR1).unwrap();
    assert!(test.cgroup.is_frozen().unwrap() && !process.has_ended());
    test.cgroup.signal_all(libc::SIGKILL).unwrap();
    assert_eq!(process.signal_that_ended_it(), Some(libc::SIGKILL));
}

#[test]
fn removal_takes_what_the_container_made_below() {
    let Some(test) = TestCgroup::created(serde_json::json!({})) else {
        return;
    };
    let _first = test.run_below("a", "exec sleep 100");
    let _second = test.run_below("b", "exec sleep 100");
    fs::create_dir(test.folder().join("a/deeper")).unwrap();
    test.cgroup.remove(Kill::Yes).unwrap();
    assert!(!test.cgroup.exists());
    test.cgroup.remove(Kill::Yes).unwrap();
}

#[test]
fn removal_without_leave_to_kill_harms_nobody() {
    let Some(test) = TestCgroup::created(serde_json::json!({})) else {
        return;
    };
    let mut bystander = test.run("exec sleep 100");
    let error = test.cgroup.remove(Kill::No).unwrap_err();
    assert_eq!(error.errno(), Some(libc::EBUSY));
    assert!(!bystander.has_ended());
    assert_eq!(test.cgroup.pids().unwrap(), [bystander.pid()]);
}

#[test]
fn exec_finds_inits_cgroup_once_the_containers_own_can_hold_no_processes() {
    let Some(test) = TestCgroup::limited_unified(serde_json::json!({})) else {
        return;
    };
    let init = test.run_below("init", "exec sleep 100");
    let cgroup = &test.cgroup;
    assert_eq!(
        cgroup.for_exec(init.pid(), None).unwrap().cgroup_path,
        cgroup.path()
    );
    folder::set(test.folder(), "cgroup.subtree_control", "+memory").unwrap();
    assert_eq!(
        cgroup.for_exec(init.pid(), None).unwrap().cgroup_path,
        cgroup.path().join("init")
    );
    assert_eq!(
        cgroup
            .for_exec(init.pid(), Some("/init"))
            .unwrap()
            .cgroup_path,
        cgroup.path().join("init")
    );
    for outside in ["../other", "none"] {
        assert!(
            matches!(
                cgroup.for_exec(init.pid(), Some(outside)),
                Err(CgroupError::Path { .. })
            ),
            "{outside}"
        );
    }
}

#[test]
fn libcontainer_attaches_to_the_folder_it_finds() {
    use libcgroups::common::{CgroupManager, create_cgroup_manager};
    let Some(test) = TestCgroup::created(serde_json::json!({})) else {
        return;
    };
    let process = test.run("exec sleep 100");
    let manager = create_cgroup_manager(test.cgroup.libcontainer_config()).unwrap();
    // the only way to a pid of libcgroups' own nix is to ask it for one
    let pid = manager.get_all_pids().unwrap()[0];
    assert_eq!(pid.as_raw(), process.pid().as_raw());
    for folder in test.cgroup.folders() {
        folder::set(
            folder.ancestors().nth(2).unwrap(),
            "cgroup.procs",
            &pid.to_string(),
        )
        .unwrap();
    }
    assert!(test.cgroup.pids().unwrap().is_empty());
    manager.add_task(pid).unwrap();
    test.cgroup.join_left_out(process.pid()).unwrap();
    for folder in test.cgroup.folders() {
        assert_eq!(
            folder::processes(folder).unwrap(),
            [process.pid()],
            "{}",
            folder.display()
        );
    }
}
