//! Calls that are really held, by a filter of the kernel's, with the two processes of a monitor and a verdict service.
//!
//! Only the LSM hooks are missing, which demand what is granted here; the grants are looked at instead. Each part is a
//! process of its own, made by starting this program again: calls are held in processes with one thread.

mod stage;

use std::time::{Duration, Instant};

use stage::{Stage, TIMEOUT};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "holder", folder] => return stage::hold(folder.as_ref()),
        [_, "payload", folder] => return stage::act(folder.as_ref()),
        _ => {}
    }
    end_after(Duration::from_secs(120));
    let cases: [(&str, fn()); 15] = [
        ("what is asked about is granted, or not", allow_and_deny),
        ("what is not asked about goes on", unasked),
        ("what is too long to be asked about is refused", too_long),
        ("a script is asked about with what it will run as", script),
        ("destinations are asked about", destinations),
        (
            "a call with several destinations needs a yes to each",
            several,
        ),
        ("files are asked about, also those to be made", files),
        ("nobody waits beyond the deadline", timeout),
        ("hundreds at once are all answered", storm),
        (
            "who is killed while it waits leaves no grant",
            waiter_killed,
        ),
        ("without a service all is refused", absent),
        (
            "a service that dies while it is asked refuses",
            service_killed,
        ),
        (
            "a dead worker's calls are refused, and the next one answers",
            worker_killed,
        ),
        ("without any monitor nothing runs", monitor_killed),
        ("the monitor ends with the last process", ends),
    ];
    for (name, case) in cases {
        case();
        println!("{name}: ok");
    }
    println!("test result: ok. {} passed", cases.len());
}

/// A call that is never answered would leave us waiting for ever.
fn end_after(limit: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        eprintln!("a call was not answered within {limit:?}");
        std::process::exit(1);
    });
}

fn allow_and_deny() {
    let mut stage = Stage::new();
    assert_eq!(stage.run("/usr/bin/printf allow"), "0");
    let granted = stage.told_last("grant");
    assert_eq!(granted, r"grant 1 2 /usr/bin/printf\x00allow\x00");
    assert_eq!(stage.run("/usr/bin/printf deny"), "EACCES");
    let told = stage.told_last("tell");
    assert_eq!(
        told,
        "tell exec /usr/bin/printf EACCES exec.rules[0] denied: by-the-word"
    );
    assert_eq!(stage.count("grant"), 1);
    // an answer that may be used again is
    assert_eq!(stage.run("/usr/bin/printf allow-again"), "0");
    assert_eq!(stage.run("/usr/bin/printf allow-again"), "0");
    assert_eq!(stage.asked("allow-again"), 1);
    assert_eq!(stage.count("grant"), 3);
}

fn unasked() {
    let mut stage = Stage::new();
    assert_eq!(stage.run("/usr/bin/test a = a"), "0");
    assert_eq!(stage.run("/usr/bin/test a = b"), "1");
    assert_eq!(stage.run("/nonexistent/program"), "ENOENT");
    let long = "a".repeat(40_000);
    assert_eq!(stage.run(&format!("/usr/bin/test {long} = {long}")), "0");
    assert_eq!(
        stage.run(&format!("/{}", "a".repeat(5_000))),
        "ENAMETOOLONG"
    );
    assert_eq!(stage.count("grant") + stage.count("tell"), 0);
}

fn too_long() {
    let mut stage = Stage::new();
    let long = "a".repeat(40_000);
    assert_eq!(
        stage.run(&format!("/usr/bin/printf allow {long}")),
        "EACCES"
    );
    assert!(
        stage
            .told_last("tell")
            .ends_with("EACCES floor.unseen too-long")
    );
}

fn script() {
    let mut stage = Stage::new();
    let path = stage.script("#! /usr/bin/printf  %s-\nrest");
    assert_eq!(stage.run(&format!("{path} allow")), "0");
    let granted = stage.told_last("grant");
    assert_eq!(
        granted,
        format!(r"grant 2 4 /usr/bin/printf\x00%s-\x00{path}\x00allow\x00")
    );
}

fn destinations() {
    let mut stage = Stage::new();
    // nobody listens there: that is said by who was reached
    assert_eq!(stage.run("connect 127.0.0.9:1"), "ECONNREFUSED");
    assert_eq!(stage.told_last("grant"), "grant Tcp [::ffff:127.0.0.9]:1");
    assert_eq!(stage.run("connect 127.0.0.9:2"), "EPERM");
    let told = stage.told_last("tell");
    assert_eq!(
        told,
        "tell connect 127.0.0.9:2 EPERM net.rules[0] denied: by-the-word"
    );
    assert_eq!(stage.run("send 127.0.0.9:1"), "0");
    assert_eq!(stage.told_last("grant"), "grant Udp [::ffff:127.0.0.9]:1");
    assert_eq!(stage.run("send 127.0.0.9:2"), "EPERM");
    assert_eq!(stage.run("connect 127.0.0.1:2"), "ECONNREFUSED");
    assert_eq!(stage.count("grant") + stage.count("tell"), 2 + 4);
}

fn several() {
    let mut stage = Stage::new();
    // each is asked about, and what nobody asks about is not
    assert_eq!(
        stage.run("send-all 127.0.0.9:1 127.0.0.1:7 127.0.0.9:4 127.0.0.9:1"),
        "0"
    );
    assert_eq!(stage.count("grant Udp"), 2);
    assert_eq!(stage.count("tell send 127.0.0.9:"), 2);
    assert_eq!(stage.run("send-all 127.0.0.9:1 127.0.0.9:2"), "EPERM");
    assert_eq!(stage.count("grant Udp"), 2);
    assert!(
        stage
            .told_last("tell")
            .starts_with("tell send 127.0.0.9:2 EPERM net.rules[0]")
    );
    let many = |address: &str| {
        (1..=9)
            .map(|port| format!(" {address}:{port}"))
            .collect::<String>()
    };
    assert_eq!(
        stage.run(&format!("send-all{}", many("127.0.0.9"))),
        "EPERM"
    );
    assert!(stage.told_last("tell").ends_with("floor.unseen too-long"));
    assert_eq!(stage.run(&format!("send-all{}", many("127.0.0.1"))), "0");
}

fn files() {
    let mut stage = Stage::new();
    let (allow, deny) = (stage.path("allow.asked"), stage.path("deny.asked"));
    assert_eq!(stage.run(&format!("read {allow}")), "ENOENT");
    assert_eq!(stage.run(&format!("write {deny}")), "EACCES");
    assert!(!std::path::Path::new(&deny).exists());
    assert_eq!(stage.run(&format!("write {allow}")), "0");
    let granted = stage.told_last("grant");
    assert_eq!(granted, r#"grant Create { name: "allow.asked" }"#);
    assert_eq!(stage.run(&format!("write {allow}")), "0");
    let granted = stage.told_last("grant");
    assert_eq!(granted, "grant Open { read: false, write: true }");
    assert_eq!(stage.run(&format!("read {allow}")), "0");
    assert_eq!(
        stage.told_last("grant"),
        "grant Open { read: true, write: false }"
    );
    std::fs::write(&deny, "secret").expect("written");
    assert_eq!(stage.run(&format!("read {deny}")), "EACCES");
    assert_eq!(stage.run(&format!("read {}", stage.path("told"))), "0");
}

fn timeout() {
    let mut stage = Stage::new();
    let begin = Instant::now();
    assert_eq!(stage.run("/usr/bin/printf never"), "EACCES");
    assert!(begin.elapsed() >= TIMEOUT);
    assert!(stage.told_last("tell").ends_with("exec.rules[0] timeout"));
}

fn storm() {
    let mut stage = Stage::new();
    // one question, put once, for as many as may wait; the others are refused at once
    assert_eq!(stage.run("storm 300 127.0.0.9:3"), "EPERM");
    assert_eq!(
        stage.count("tell connect 127.0.0.9:3 EPERM net.rules[0]"),
        300
    );
    assert_eq!(stage.count("grant"), 0);
    assert_eq!(stage.run("connect 127.0.0.9:1"), "ECONNREFUSED");
}

fn waiter_killed() {
    let mut stage = Stage::new();
    stage.begin("/usr/bin/printf never");
    stage.wait_until(|stage| stage.asked("never") == 1);
    stage.kill(stage.waiter());
    assert_eq!(stage.end(), "-1");
    assert_eq!(stage.run("/usr/bin/printf allow"), "0");
    assert_eq!(stage.count("grant"), 1);
}

fn absent() {
    let mut stage = Stage::without_service();
    assert_eq!(stage.run("/usr/bin/printf allow"), "EACCES");
    assert!(stage.told_last("tell").ends_with("no-verdict-service"));
    stage.start_service();
    assert_eq!(stage.run("/usr/bin/printf allow"), "0");
}

fn service_killed() {
    let mut stage = Stage::new();
    stage.begin("/usr/bin/printf never");
    stage.wait_until(|stage| stage.asked("never") == 1);
    stage.stop_service();
    assert_eq!(stage.end(), "EACCES");
    assert!(
        stage
            .told_last("tell")
            .ends_with("exec.rules[0] disconnected")
    );
}

fn worker_killed() {
    let mut stage = Stage::new();
    stage.begin("/usr/bin/printf never");
    stage.wait_until(|stage| stage.asked("never") == 1);
    let worker = stage.worker();
    stage.kill(worker);
    assert_eq!(stage.end(), "EACCES");
    stage.wait_until(|stage| stage.has_worker());
    assert_eq!(stage.run("/usr/bin/printf allow"), "0");
    assert_ne!(stage.worker(), worker);
    // one that dies again soon is not started at once, and meanwhile its calls are refused
    stage.kill(stage.worker());
    stage.wait_until(|stage| !stage.has_worker());
    assert_eq!(stage.run("/usr/bin/printf allow"), "EACCES");
    stage.wait_until(|stage| stage.has_worker());
    assert_eq!(stage.run("/usr/bin/printf allow"), "0");
}

fn monitor_killed() {
    let mut stage = Stage::new();
    stage.begin("/usr/bin/printf never");
    stage.wait_until(|stage| stage.asked("never") == 1);
    let worker = stage.worker();
    stage.kill(stage.holder());
    assert_eq!(stage.end(), "ENOSYS");
    stage.wait_until(|_| !stage::is_alive(worker));
    assert_eq!(stage.run("/usr/bin/true"), "ENOSYS");
}

fn ends() {
    let mut stage = Stage::new();
    assert_eq!(stage.run("/usr/bin/printf allow"), "0");
    let worker = stage.worker();
    stage.end_payload();
    assert!(stage.holder_ended());
    stage.wait_until(|_| !stage::is_alive(worker));
}
