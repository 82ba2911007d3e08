//! The command lines engines send, word by word as they were recorded or stand in their sources.

use std::ffi::OsString;

use super::checkpoint::{Checkpoint, Restore};
use super::create::Create;
use super::delete::Delete;
use super::events::Events;
use super::exec::Exec;
use super::kill::Kill;
use super::list::List;
use super::ps::Ps;
use super::run::Run;
use super::start::Start;
use super::update::Update;
use crate::cli::{Globals, Task, read};
use crate::grammar::Options;

/// The global options, and the verb's with its operands; the words are separated by blanks.
fn parse<O: Options>(line: &str) -> (Globals, O, Vec<String>) {
    let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    let (globals, task) = read(&words);
    let Ok(Task::Verb { verb, words }) = task else {
        panic!("{line}: {task:?}")
    };
    assert_eq!(verb.grammar.name, O::GRAMMAR.name, "{line}");
    let (options, operands) = O::read(words).unwrap_or_else(|error| panic!("{line}: {error}"));
    (
        globals,
        options,
        operands
            .into_iter()
            .map(|word| word.into_string().expect("UTF-8"))
            .collect(),
    )
}

#[test]
fn dockers_create() {
    let (globals, create, operands) = parse::<Create>(
        "--root /var/run/docker/runtime-runc/moby --log /b/log.json --log-format json --systemd-cgroup create --bundle /b \
         --pid-file /b/init.pid --console-socket /tmp/pty1/pty.sock 3ad7",
    );
    let expected = Globals {
        root: Some("/var/run/docker/runtime-runc/moby".into()),
        log: Some("/b/log.json".into()),
        log_format: Some("json".into()),
        systemd_cgroup: true,
        ..Globals::default()
    };
    assert_eq!(globals, expected);
    let expected = Create {
        bundle: Some("/b".into()),
        pid_file: Some("/b/init.pid".into()),
        console_socket: Some("/tmp/pty1/pty.sock".into()),
        ..Create::default()
    };
    assert_eq!((create, operands), (expected, vec!["3ad7".into()]));
}

#[test]
fn dockers_runtime_arguments_come_before_its_own() {
    let (globals, Start {}, operands) =
        parse::<Start>("--policy strict --root /r --log /l --log-format json start 3ad7");
    assert_eq!(
        (globals.policy.as_deref(), operands),
        (Some("strict"), vec!["3ad7".into()])
    );
}

#[test]
fn containerds_other_create_options() {
    let line = "--rootless=true --debug create --bundle /b --pidfd-socket /s --no-pivot --no-new-keyring --preserve-fds 2 x";
    let (globals, create, _) = parse::<Create>(line);
    assert_eq!(
        (globals.rootless.as_deref(), globals.debug),
        (Some("true"), true)
    );
    assert_eq!(
        (create.pidfd_socket, create.preserve_fds),
        (Some("/s".into()), Some(2))
    );
    assert!(create.no_pivot && create.no_new_keyring);
}

#[test]
fn conmons_create_and_exec() {
    let (_, create, operands) = parse::<Create>(
        "create --bundle /u --pid-file /u/pidfile --no-pivot --console-socket /a x",
    );
    assert!(create.no_pivot && create.console_socket.is_some());
    assert_eq!(operands, ["x"]);
    let (_, exec, operands) =
        parse::<Exec>("exec --pid-file /p --process /proc.json --detach --console-socket /a x");
    assert!(exec.detach && exec.process.is_some() && exec.pid_file.is_some());
    assert_eq!(operands, ["x"]);
}

#[test]
fn containerds_exec_and_run() {
    let (_, exec, operands) = parse::<Exec>(
        "exec --process /tmp/p1 --console-socket /c --detach --pid-file /b/1.pid 3ad7",
    );
    assert_eq!(
        (exec.process, exec.detach, operands),
        (Some("/tmp/p1".into()), true, vec!["3ad7".into()])
    );
    let (_, run, operands) =
        parse::<Run>("run --bundle /b --pid-file /p --detach --keep --no-subreaper 3ad7");
    assert!(run.detach && run.keep && run.no_subreaper);
    assert_eq!(operands, ["3ad7"]);
}

#[test]
fn a_persons_exec_leaves_the_commands_options_alone() {
    let (_, exec, operands) = parse::<Exec>("exec -t -e A=1 --user 1000:5 x sh -c true --detach");
    assert!(exec.tty && !exec.detach);
    assert_eq!(
        (exec.env, exec.user.as_deref()),
        (vec!["A=1".into()], Some("1000:5"))
    );
    assert_eq!(operands, ["x", "sh", "-c", "true", "--detach"]);
}

#[test]
fn signals_and_ends() {
    let (_, kill, operands) = parse::<Kill>("kill --all 3ad7 9");
    assert!(kill.all);
    assert_eq!(operands, ["3ad7", "9"]);
    let (_, kill, operands) = parse::<Kill>("kill 3ad7 TERM --all");
    assert!(kill.all);
    assert_eq!(operands, ["3ad7", "TERM"]);
    let (_, delete, _) = parse::<Delete>("delete --force 3ad7");
    assert!(delete.force);
}

#[test]
fn what_engines_ask_of_a_running_container() {
    let (_, list, operands) = parse::<List>("list --format=json");
    assert_eq!((list.format.as_deref(), operands.len()), (Some("json"), 0));
    let (_, ps, operands) = parse::<Ps>("ps --format json 3ad7");
    assert_eq!(
        (ps.format.as_deref(), operands),
        (Some("json"), vec!["3ad7".into()])
    );
    let (_, _, operands) = parse::<Ps>("ps --format table 3ad7 -o pid,comm");
    assert_eq!(operands, ["3ad7", "-o", "pid,comm"]);
    let (_, update, operands) = parse::<Update>("update --resources=- 3ad7");
    assert_eq!(
        (update.resources, operands),
        (Some("-".into()), vec!["3ad7".into()])
    );
    let (_, update, _) = parse::<Update>("update --resources - 3ad7");
    assert_eq!(update.resources, Some("-".into()));
    let (_, events, _) = parse::<Events>("events --interval=5s 3ad7");
    assert_eq!(events.interval.as_deref(), Some("5s"));
    assert!(parse::<Events>("events --stats 3ad7").1.stats);
}

#[test]
fn checkpoints_are_understood_before_they_are_refused() {
    let (_, checkpoint, operands) = parse::<Checkpoint>(
        "--criu /usr/sbin/criu checkpoint --image-path /i --work-path /w --parent-path /p --tcp-established --ext-unix-sk \
         --shell-job --page-server 127.0.0.1:1 --file-locks --manage-cgroups-mode soft --empty-ns network --lazy-pages \
         --leave-running --pre-dump --status-fd 3 x",
    );
    assert_eq!(
        (checkpoint.status_fd, operands),
        (Some(3), vec!["x".into()])
    );
    let (_, restore, _) = parse::<Restore>(
        "restore --detach --image-path /i --work-path /w --bundle /b --pid-file /p --tcp-established x",
    );
    assert!(restore.detach && restore.tcp_established);
}
