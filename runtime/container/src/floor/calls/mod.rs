//! The system calls that the floor closes with a seccomp filter, because no hook of the kernel sees them, or sees them
//! too late: namespaces of one's own, mounts made of descriptors, file handles, io_uring, keys.
//!
//! The filter denies what it names and lets pass all else; the caller's own profile holds beside it. What it answers is
//! what a kernel without the call, or a process without the right, would answer, so that programs take their other way.
//!
//! It is written out directly, in a few thousand instructions: every process under a policy loads one, and libseccomp,
//! which compiles the callers' profiles, takes three million for it.

mod numbers;
mod program;
#[cfg(test)]
mod tests;

use self::numbers::Call;
use self::program::Answer;
use super::Asks;
use crate::seccomp::Filter;

/// Refused whatever the arguments are.
const REFUSED: &[Call] = &[
    // other views of the same files, or of other files, under names no mount hook is asked about
    numbers::FSCONFIG,
    numbers::FSMOUNT,
    numbers::FSOPEN,
    numbers::FSPICK,
    numbers::MOUNT,
    numbers::MOUNT_SETATTR,
    numbers::MOVE_MOUNT,
    numbers::NAME_TO_HANDLE_AT,
    numbers::OPEN_BY_HANDLE_AT,
    numbers::OPEN_TREE,
    numbers::OPEN_TREE_ATTR,
    numbers::PIVOT_ROOT,
    numbers::UMOUNT,
    numbers::UMOUNT2,
    // rings whose workers issue calls that no filter sees
    numbers::IO_URING_ENTER,
    numbers::IO_URING_REGISTER,
    numbers::IO_URING_SETUP,
    // a page fault that waits for the attacker stretches every race
    numbers::USERFAULTFD,
    // the kernel itself
    numbers::BPF,
    numbers::DELETE_MODULE,
    numbers::FINIT_MODULE,
    numbers::INIT_MODULE,
    numbers::KEXEC_FILE_LOAD,
    numbers::KEXEC_LOAD,
    numbers::KEXEC_LOAD_X32,
    numbers::PERF_EVENT_OPEN,
    numbers::REBOOT,
    numbers::SWAPOFF,
    numbers::SWAPON,
    // not divided by namespaces
    numbers::ACCT,
    numbers::ADD_KEY,
    numbers::KEYCTL,
    numbers::QUOTACTL,
    numbers::QUOTACTL_FD,
    numbers::REQUEST_KEY,
    numbers::SETTIMEOFDAY,
    numbers::CLOCK_SETTIME,
    numbers::CLOCK_SETTIME64,
    numbers::STIME,
    numbers::SYSLOG,
    numbers::VHANGUP,
    numbers::SETNS,
];

/// A namespace of its own is a place where a container's root has rights again.
const NEW_NAMESPACES: u32 = (libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWUTS)
    .cast_unsigned();
/// CLONE_NEWTIME: for unshare only; clone reads the bit as part of a signal's number.
const NEW_TIME: u32 = 0x80;
/// They put words into the mouth of whoever sits at the terminal.
const TERMINAL_COMMANDS: &[u32] = &[0x5412, 0x541c];

/// What runs a program, as far as a policy asks about programs.
const EXEC: &[Call] = &[
    numbers::EXECVE,
    numbers::EXECVE_X32,
    numbers::EXECVEAT,
    numbers::EXECVEAT_X32,
];
/// What names a destination.
const NETWORK: &[Call] = &[
    numbers::CONNECT,
    numbers::SENDTO,
    numbers::SENDMSG,
    numbers::SENDMSG_X32,
    numbers::SENDMMSG,
    numbers::SENDMMSG_X32,
    numbers::SOCKETCALL,
];
/// What opens a file by its name.
const FILES: &[Call] = &[
    numbers::OPEN,
    numbers::OPENAT,
    numbers::OPENAT2,
    numbers::CREAT,
];

/// The filter of every process under a policy. It holds the calls that the policy may ask about.
pub fn filter(asks: Asks) -> Filter {
    let program = program::of(&closed_and_held(asks));
    match asks.any() {
        true => Filter::that_holds(program),
        false => Filter::of_program(program),
    }
}

fn closed_and_held(asks: Asks) -> Vec<(Call, Answer)> {
    let kinds = [
        (asks.exec, EXEC),
        (asks.network, NETWORK),
        (asks.files, FILES),
    ];
    let held = kinds.iter().filter(|(held, _)| *held);
    let held = held.flat_map(|(_, calls)| calls.iter().map(|call| (*call, Answer::Held)));
    closed().into_iter().chain(held).collect()
}

/// The filter where no hook looks at sockets: only those whose destinations programs on the cgroup judge can be made.
pub fn degraded_filter(may_listen: bool) -> Filter {
    let mut calls = closed();
    // its arguments lie in memory; C libraries take the calls of their own
    calls.push((numbers::SOCKETCALL, Answer::Refused));
    calls.push((numbers::SOCKET, Answer::RefusedUnlessJudged));
    if !may_listen {
        calls.push((numbers::LISTEN, Answer::Refused));
    }
    Filter::of_program(program::of(&calls))
}

fn closed() -> Vec<(Call, Answer)> {
    let with = |bits| Answer::RefusedWith { argument: 0, bits };
    let terminal = Answer::RefusedFor {
        argument: 1,
        values: TERMINAL_COMMANDS,
    };
    let refused = REFUSED.iter().map(|call| (*call, Answer::Refused));
    let rest = [
        // its flags lie in memory, where a filter can't look; C libraries fall back to clone
        (numbers::CLONE3, Answer::Missing),
        (numbers::CLONE, with(NEW_NAMESPACES)),
        (numbers::UNSHARE, with(NEW_NAMESPACES | NEW_TIME)),
        (numbers::IOCTL, terminal),
        (numbers::IOCTL_X32, terminal),
    ];
    refused.chain(rest).collect()
}
