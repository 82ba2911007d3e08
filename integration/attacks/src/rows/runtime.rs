//! R: ways out of the container's scope, and to the guard itself.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use nix::errno::Errno::{EACCES, ENOENT, EPERM};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::file::{outsider, read};
use super::{Case, Row, case, not_tried, way, way_to_nothing};
use crate::attempt::{Stop, Tried, first, through};
use crate::ground::{PLAIN, SECRET};
use crate::{policies, raw};

/// Where the v2 hierarchy is mounted alone.
fn child_cgroup() -> String {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own
        .trim()
        .strip_prefix("0::")
        .unwrap_or_default()
        .trim_end_matches('/')
        .to_owned();
    format!("/sys/fs/cgroup{own}/attack")
}

const CREATE_TIME: &str = "happens before the container runs: a test of create";

pub const ROWS: &[Row] = &[
    row(
        "R1",
        "child_cgroup",
        "open",
        "file_open, ancestor cgroup",
        Case {
            // where cgroupfs can be written to the folder itself can be made, and nothing is done in it
            ways: &[way("a cgroup below its own, to move to", EACCES, || {
                let made = child_cgroup();
                first("make it", fs::create_dir(&made))?;
                let moved = through(fs::write(format!("{made}/cgroup.procs"), "0"));
                first("remove it", fs::remove_dir(&made))?;
                moved
            })],
            twin: || read("/proc/self/cgroup"),
            ..CASE
        },
    ),
    row(
        "R2",
        "cgroup_migration",
        "open",
        "file_open",
        Case {
            ways: &[way("written to the list of tasks", EACCES, || {
                write("/sys/fs/cgroup/cgroup.procs", "0")
            })],
            twin: || read("/proc/self/cgroup"),
            ..CASE
        },
    ),
    not_tried(
        "R3",
        "exec_without_policy",
        "an engine's exec, from outside: the floor's test of exec",
    ),
    row(
        "R4",
        "user_namespace",
        "namespace",
        "userns_create, seccomp",
        Case {
            ways: &[way("unshare", EPERM, || {
                through(unshare(CloneFlags::CLONE_NEWUSER))
            })],
            twin: || through(unshare(CloneFlags::CLONE_FILES)),
            ..CASE
        },
    ),
    not_tried(
        "R5",
        "start_race",
        "the moment between clone and exec, seen from outside: the floor's test of start",
    ),
    row(
        "R6",
        "setns_unshare",
        "",
        "seccomp",
        Case {
            ways: &[
                way("mounts", EPERM, || {
                    through(unshare(CloneFlags::CLONE_NEWNS))
                }),
                way("network", EPERM, || {
                    through(unshare(CloneFlags::CLONE_NEWNET))
                }),
                way("its own again", EPERM, || {
                    let own = first("its namespace", File::open("/proc/self/ns/uts"))?;
                    through(setns(own.as_fd(), CloneFlags::CLONE_NEWUTS))
                }),
            ],
            twin: || through(unshare(CloneFlags::CLONE_FS)),
            ..CASE
        },
    ),
    not_tried("R7", "annotation_injection", CREATE_TIME),
    not_tried("R8", "hook_environment", CREATE_TIME),
    not_tried("R9", "masked_path_races", CREATE_TIME),
    row(
        "R10",
        "leaked_host_descriptor_or_cwd",
        "",
        "close_range",
        Case {
            ways: &[
                way_to_nothing("descriptors", inherited_descriptors),
                way_to_nothing("working directory", foreign_working_directory),
            ],
            twin: || through(fs::read_dir("/proc/self/fd")),
            ..CASE
        },
    ),
    row(
        "R11",
        "detach_the_programs",
        "bpf",
        "bpf, seccomp",
        Case {
            ways: &[
                way("a map of its own", EPERM, || through(raw::bpf_map())),
                way("a pinned one", EPERM, || {
                    through(raw::bpf_pin("/sys/fs/bpf/sevorix"))
                }),
            ],
            twin: || read(PLAIN),
            ..CASE
        },
    ),
    not_tried("R12", "privileged_bundle", CREATE_TIME),
    not_tried("R13", "missing_kernel_feature", CREATE_TIME),
    not_tried(
        "R14",
        "restart_resets_state",
        "needs a second container of the same name: a test of the gate",
    ),
    not_tried(
        "R15",
        "upgrade_gap",
        "needs two versions of the programs: a test of the loader",
    ),
    row(
        "R16",
        "set_up_phase_abuse",
        "open",
        "file_open",
        Case {
            ways: &[way("the first thing that is done", EACCES, || read(SECRET))],
            twin: || read(PLAIN),
            ..CASE
        },
    ),
    row(
        "R17",
        "ptrace",
        "ptrace",
        "ptrace_access_check",
        Case {
            ways: &[
                way("attach", EPERM, || through(ptrace::attach(outside()?))),
                way("memory", EPERM, || through(raw::read_memory(outside()?))),
                way("descriptor", EPERM, || {
                    through(raw::take_descriptor(outside()?, 0))
                }),
            ],
            twin: trace_a_child,
            ..CASE
        },
    ),
    row(
        "R18",
        "control_socket_reachable",
        "unix",
        "not mounted",
        Case {
            ways: &[way("state of the runtime", ENOENT, || {
                through(fs::read_dir("/run/sevorix/c"))
            })],
            twin: || through(UnixStream::pair()),
            ..CASE
        },
    ),
    not_tried("R19", "writable_privileged_binary", CREATE_TIME),
    not_tried(
        "R20",
        "exclusive_attach",
        "other BPF users of the host: a test of the loader",
    ),
    row(
        "R21",
        "programs_the_kernel_starts_on_the_host",
        "open",
        "file_open, sysctl program",
        Case {
            ways: &[
                way("core_pattern", EACCES, || {
                    open_to_write("/proc/sys/kernel/core_pattern")
                }),
                way("modprobe", EACCES, || {
                    open_to_write("/proc/sys/kernel/modprobe")
                }),
                way("sysrq", EACCES, || open_to_write("/proc/sysrq-trigger")),
            ],
            twin: || read("/proc/sys/kernel/ostype"),
            ..CASE
        },
    ),
    row(
        "R22",
        "terminal_injection",
        "ioctl",
        "file_ioctl, seccomp",
        Case {
            ways: &[way("a letter", EPERM, || {
                through(raw::type_into(terminal()?.as_fd()))
            })],
            twin: || through(raw::window_size(terminal()?.as_fd())),
            ..CASE
        },
    ),
    not_tried(
        "R23",
        "inner_sandbox",
        "what the message of a refusal says: a test of the denials file",
    ),
    #[cfg(target_arch = "x86_64")]
    row(
        "R24",
        "calls_of_32_bit_programs",
        "",
        "seccomp",
        Case {
            ways: &[way("int 0x80", EPERM, || {
                through(raw::open_tree_by_32_bits())
            })],
            twin: || read(PLAIN),
            ..CASE
        },
    ),
    #[cfg(not(target_arch = "x86_64"))]
    not_tried(
        "R24",
        "calls_of_32_bit_programs",
        "this machine has no second door that this program knows",
    ),
    not_tried("R25", "device_tool_chain", CREATE_TIME),
    not_tried(
        "R26",
        "expiry_opens",
        "timed rules are the resolver's and the verdict's: tests of theirs",
    ),
    row(
        "R27",
        "keyrings",
        "capability",
        "key_alloc, key_permission, seccomp",
        Case {
            ways: &[
                way("a key", EPERM, || through(raw::add_key())),
                way("the session's ring", EPERM, || {
                    through(raw::join_session_keyring())
                }),
            ],
            twin: || read(PLAIN),
            ..CASE
        },
    ),
    row(
        "R28",
        "tracing",
        "capability",
        "perf_event_open, seccomp",
        Case {
            ways: &[way("a counter", EPERM, || through(raw::perf_event()))],
            twin: || read("/proc/self/stat"),
            ..CASE
        },
    ),
    not_tried(
        "R29",
        "kernel_exploit",
        "out of scope: nothing in the kernel can guard against the kernel",
    ),
];

const CASE: Case = Case {
    policy: policies::FLOOR,
    event: "",
    hook: "",
    ways: &[],
    twin: || Err(Stop::WithoutEffect),
};

const fn row(
    id: &'static str,
    name: &'static str,
    event: &'static str,
    hook: &'static str,
    with: Case,
) -> Row {
    case(
        id,
        name,
        Case {
            event,
            hook,
            ..with
        },
    )
}

fn open_to_write(path: &str) -> Tried {
    through(OpenOptions::new().write(true).open(path))
}

fn write(path: &str, text: &str) -> Tried {
    let mut file = OpenOptions::new().write(true).open(path)?;
    through(std::io::Write::write_all(&mut file, text.as_bytes()))
}

fn outside() -> Result<Pid, Stop> {
    outsider().map(Pid::from_raw)
}

fn trace_a_child() -> Tried {
    let child = raw::fork(|| {
        nix::unistd::pause();
        0
    })?;
    let traced = ptrace::attach(child);
    nix::sys::signal::kill(child, nix::sys::signal::SIGKILL)?;
    through(traced)
}

/// Beyond the three that everybody has; the one that lists them is our own.
fn inherited_descriptors() -> Tried {
    let listed = first("the descriptors", fs::read_dir("/proc/self/fd"))?;
    let numbers = listed
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let pointed = numbers
        .filter(|number| *number > 2)
        .filter_map(|number| fs::read_link(format!("/proc/self/fd/{number}")).ok());
    let own = format!("/proc/{}/fd", std::process::id());
    match pointed
        .filter(|path| !path.ends_with(own.trim_start_matches('/')))
        .count()
    {
        0 => Err(Stop::WithoutEffect),
        _ => Ok(()),
    }
}

/// The way up from there must end at our own root.
fn foreign_working_directory() -> Tried {
    match std::env::current_dir() {
        Ok(folder) if folder.starts_with("/") => Err(Stop::WithoutEffect),
        // getcwd(2) tells of a folder that cannot be reached
        _ => Ok(()),
    }
}

fn terminal() -> Result<File, Stop> {
    first(
        "a terminal",
        OpenOptions::new().read(true).write(true).open("/dev/ptmx"),
    )
}
