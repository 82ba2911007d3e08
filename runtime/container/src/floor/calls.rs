//! The system calls that the floor closes with a seccomp filter, because no hook of the kernel sees them, or sees them
//! too late: namespaces of one's own, mounts made of descriptors, file handles, io_uring, keys.
//!
//! The filter denies what it names and lets pass all else; the caller's own profile holds beside it. What it answers is
//! what a kernel without the call, or a process without the right, would answer, so that programs take their other way.

use oci_spec::runtime::LinuxSeccompOperator::{ScmpCmpGt, ScmpCmpNe};
use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder,
    LinuxSeccompBuilder, LinuxSeccompFilterFlag, LinuxSeccompOperator, LinuxSyscall,
    LinuxSyscallBuilder,
};

use super::Asks;
use crate::seccomp::Filter;
use crate::{Error, Result};

/// Refused whatever the arguments are.
const REFUSED: &[&str] = &[
    // other views of the same files, or of other files, under names no mount hook is asked about
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "open_tree_attr",
    "pivot_root",
    "umount",
    "umount2",
    // rings whose workers issue calls that no filter sees
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    // a page fault that waits for the attacker stretches every race
    "userfaultfd",
    // the kernel itself
    "bpf",
    "delete_module",
    "finit_module",
    "init_module",
    "kexec_file_load",
    "kexec_load",
    "perf_event_open",
    "reboot",
    "swapoff",
    "swapon",
    // not divided by namespaces
    "acct",
    "add_key",
    "keyctl",
    "quotactl",
    "quotactl_fd",
    "request_key",
    "settimeofday",
    "clock_settime",
    "syslog",
    "vhangup",
    "setns",
];

/// A namespace of its own is a place where a container's root has rights again.
const NEW_NAMESPACES: u64 = (libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWUTS) as u64;
/// CLONE_NEWTIME: for unshare only; clone reads the bit as part of a signal's number.
const NEW_TIME: u64 = 0x80;
/// What the kernel looks at of an argument that is an int, as the command of an ioctl.
const INT: u64 = 0xffff_ffff;

/// The filter, made once for each container that has a policy. It notifies of the calls that are held.
pub fn filter(asks: Asks) -> Result<Filter> {
    let held = asks.calls();
    if held.is_empty() {
        return Filter::of(&profile(Vec::new())?, false);
    }
    let mut profile = profile(vec![notify(&held)?])?;
    // a signal would call back a call that somebody looks at, and it would be asked about again and again
    profile.set_flags(Some(vec![
        LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv,
    ]));
    Filter::of(&profile, true)
}

/// The filter where no hook looks at sockets: only those whose destinations programs on the cgroup judge can be made.
pub fn degraded_filter(may_listen: bool) -> Result<Filter> {
    let mut calls = vec![
        // its arguments lie in memory; C libraries take the calls of their own
        refuse(&["socketcall"], &[])?,
        refuse(&["socket"], &[compared(0, ScmpCmpGt, HIGHEST_FAMILY)?])?,
        refuse(
            &["socket"],
            &[masked(0, INT, NETLINK)?, compared(2, ScmpCmpNe, ROUTE)?],
        )?,
    ];
    let ordinary = [
        libc::AF_UNIX,
        libc::AF_INET,
        libc::AF_INET6,
        libc::AF_NETLINK,
    ];
    let ordinary = ordinary.map(i64::from);
    for family in 0..=HIGHEST_FAMILY {
        if !ordinary
            .iter()
            .any(|known| u64::try_from(*known) == Ok(family))
        {
            calls.push(refuse(&["socket"], &[masked(0, INT, family)?])?);
        }
    }
    if !may_listen {
        calls.push(refuse(&["listen"], &[])?);
    }
    Filter::of(&profile(calls)?, false)
}

/// What a process needs, routes and addresses of its own network among it.
const NETLINK: u64 = libc::AF_NETLINK as u64;
const ROUTE: u64 = libc::NETLINK_ROUTE as u64;
const HIGHEST_FAMILY: u64 = NETLINK;

fn profile(more: Vec<LinuxSyscall>) -> Result<LinuxSeccomp> {
    let mut calls = vec![
        refuse(REFUSED, &[])?,
        // its flags lie in memory, where a filter can't look; C libraries fall back to clone
        answer(&["clone3"], libc::ENOSYS, &[])?,
    ];
    let each_bit = |mask: u64| {
        (0..64)
            .map(|bit| 1 << bit)
            .filter(move |bit| mask & bit != 0)
    };
    for bit in each_bit(NEW_NAMESPACES) {
        calls.push(refuse(&["clone"], &[masked(0, bit, bit)?])?);
    }
    for bit in each_bit(NEW_NAMESPACES | NEW_TIME) {
        calls.push(refuse(&["unshare"], &[masked(0, bit, bit)?])?);
    }
    for command in [libc::TIOCSTI, libc::TIOCLINUX] {
        calls.push(refuse(&["ioctl"], &[masked(1, INT, command)?])?);
    }
    calls.extend(more);
    LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActAllow)
        .architectures(architectures())
        .syscalls(calls)
        .build()
        .map_err(unusable)
}

/// Every way into this machine's kernel; a call by another way kills.
fn architectures() -> Vec<Arch> {
    if cfg!(target_arch = "x86_64") {
        vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32]
    } else {
        vec![Arch::ScmpArchAarch64, Arch::ScmpArchArm]
    }
}

fn refuse(names: &[&str], conditions: &[LinuxSeccompArg]) -> Result<LinuxSyscall> {
    answer(names, libc::EPERM, conditions)
}

fn notify(names: &[&str]) -> Result<LinuxSyscall> {
    let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
    LinuxSyscallBuilder::default()
        .names(names)
        .action(LinuxSeccompAction::ScmpActNotify)
        .build()
        .map_err(unusable)
}

fn answer(names: &[&str], errno: i32, conditions: &[LinuxSeccompArg]) -> Result<LinuxSyscall> {
    let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
    LinuxSyscallBuilder::default()
        .names(names)
        .action(LinuxSeccompAction::ScmpActErrno)
        .errno_ret(errno.unsigned_abs())
        .args(conditions.to_vec())
        .build()
        .map_err(unusable)
}

/// Whether an argument's bits below the mask are these.
fn masked(index: usize, mask: u64, bits: u64) -> Result<LinuxSeccompArg> {
    LinuxSeccompArgBuilder::default()
        .index(index)
        .value(mask)
        .value_two(bits)
        .op(LinuxSeccompOperator::ScmpCmpMaskedEq)
        .build()
        .map_err(unusable)
}

fn compared(index: usize, op: LinuxSeccompOperator, value: u64) -> Result<LinuxSeccompArg> {
    LinuxSeccompArgBuilder::default()
        .index(index)
        .value(value)
        .op(op)
        .build()
        .map_err(unusable)
}

fn unusable(error: oci_spec::OciSpecError) -> Error {
    Error::Process(format!("the floor's seccomp filter: {error}"))
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    use super::*;

    type Call = fn() -> libc::c_long;

    fn behind_the_filter(call: Call) -> i32 {
        behind(&filter(Asks::default()).expect("a filter"), call)
    }

    /// What a call answers in a process behind a filter; 0 where it succeeds.
    fn behind(filter: &Filter, call: Call) -> i32 {
        // SAFETY: the child only loads the filter, makes one system call and ends.
        match unsafe { fork() }.expect("fork") {
            ForkResult::Parent { child } => match waitpid(child, None).expect("the child") {
                WaitStatus::Exited(_, status) => status,
                other => panic!("{other:?}"),
            },
            ForkResult::Child => {
                let _ = nix::sys::prctl::set_no_new_privs();
                let status = match filter.load() {
                    Ok(_) => Errno::result(call()).map_or_else(|errno| errno as i32, |_| 0),
                    Err(_) => 255,
                };
                // SAFETY: ends the child without running the test program's own exit handlers.
                unsafe { libc::_exit(status) }
            }
        }
    }

    macro_rules! call {
        ($number:expr $(, $argument:expr)*) => {
            // SAFETY: every pointer is null or static, and the calls are refused before they look at one.
            || unsafe { libc::syscall($number $(, $argument)*) }
        };
    }

    const NOTHING: *const u8 = std::ptr::null();

    #[test]
    fn what_no_hook_sees_is_refused() {
        let refused: &[(&str, Call)] = &[
            (
                "unshare user",
                call!(libc::SYS_unshare, libc::CLONE_NEWUSER),
            ),
            ("unshare time", call!(libc::SYS_unshare, 0x80)),
            (
                "clone into namespaces",
                call!(
                    libc::SYS_clone,
                    libc::CLONE_NEWNS | libc::SIGCHLD,
                    0,
                    0,
                    0,
                    0
                ),
            ),
            ("setns", call!(libc::SYS_setns, -1, 0)),
            (
                "open_tree",
                call!(libc::SYS_open_tree, -1, c"/".as_ptr(), 0),
            ),
            (
                "io_uring_setup",
                call!(libc::SYS_io_uring_setup, 1, NOTHING),
            ),
            ("bpf", call!(libc::SYS_bpf, 0, NOTHING, 0)),
            ("keyctl", call!(libc::SYS_keyctl, 0, 0)),
            ("TIOCSTI", call!(libc::SYS_ioctl, 0, libc::TIOCSTI, NOTHING)),
            (
                "TIOCSTI with a high bit",
                call!(libc::SYS_ioctl, 0, libc::TIOCSTI | (1 << 40), NOTHING),
            ),
        ];
        for (name, call) in refused {
            assert_eq!(behind_the_filter(*call), libc::EPERM, "{name}");
        }
        let clone3 = call!(libc::SYS_clone3, NOTHING, 0);
        assert_eq!(behind_the_filter(clone3), libc::ENOSYS);
    }

    #[test]
    fn sockets_that_no_program_judges_are_refused() {
        const DATAGRAM: i32 = libc::SOCK_DGRAM;
        let refused: &[(&str, Call)] = &[
            (
                "packet",
                call!(libc::SYS_socket, libc::AF_PACKET, DATAGRAM, 0),
            ),
            (
                "packet with a high bit",
                call!(libc::SYS_socket, (1_i64 << 32) | 17, DATAGRAM, 0),
            ),
            ("x25", call!(libc::SYS_socket, 9, DATAGRAM, 0)),
            (
                "vsock",
                call!(libc::SYS_socket, libc::AF_VSOCK, DATAGRAM, 0),
            ),
            (
                "netlink of another kind",
                call!(
                    libc::SYS_socket,
                    libc::AF_NETLINK,
                    libc::SOCK_RAW,
                    libc::NETLINK_AUDIT
                ),
            ),
        ];
        let filter = degraded_filter(true).expect("a filter");
        for (name, call) in refused {
            assert_eq!(behind(&filter, *call), libc::EPERM, "{name}");
        }
        let passing: &[(&str, Call)] = &[
            ("unix", call!(libc::SYS_socket, libc::AF_UNIX, DATAGRAM, 0)),
            ("inet", call!(libc::SYS_socket, libc::AF_INET, DATAGRAM, 0)),
            (
                "netlink",
                call!(
                    libc::SYS_socket,
                    libc::AF_NETLINK,
                    libc::SOCK_RAW,
                    libc::NETLINK_ROUTE
                ),
            ),
        ];
        for (name, call) in passing {
            assert_eq!(behind(&filter, *call), 0, "{name}");
        }
    }

    #[test]
    fn a_policy_without_servers_closes_listen() {
        let listen = call!(libc::SYS_listen, -1, 1);
        let shut = degraded_filter(false).expect("a filter");
        assert_eq!(behind(&shut, listen), libc::EPERM);
        let open = degraded_filter(true).expect("a filter");
        assert_eq!(behind(&open, listen), libc::EBADF);
        let mount = call!(libc::SYS_open_tree, -1, c"/".as_ptr(), 0);
        assert_eq!(behind(&open, mount), libc::EPERM);
    }

    #[test]
    fn what_programs_live_on_passes() {
        let passing: &[(&str, Call)] = &[
            ("getpid", call!(libc::SYS_getpid)),
            ("unshare files", call!(libc::SYS_unshare, libc::CLONE_FILES)),
            ("umask", call!(libc::SYS_umask, 0o22)),
        ];
        for (name, call) in passing {
            assert_eq!(behind_the_filter(*call), 0, "{name}");
        }
        let ioctl = call!(libc::SYS_ioctl, -1, libc::TIOCGWINSZ, NOTHING);
        assert_eq!(behind_the_filter(ioctl), libc::EBADF);
    }
}
