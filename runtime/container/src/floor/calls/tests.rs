use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use super::*;

type Attempt = fn() -> libc::c_long;

fn behind_the_filter(call: Attempt) -> i32 {
    behind(&filter(Asks::default()), call)
}

/// What a call answers in a process behind a filter; 0 where it succeeds.
fn behind(filter: &Filter, call: Attempt) -> i32 {
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
    let refused: &[(&str, Attempt)] = &[
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
    let refused: &[(&str, Attempt)] = &[
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
    let filter = degraded_filter(true);
    for (name, call) in refused {
        assert_eq!(behind(&filter, *call), libc::EPERM, "{name}");
    }
    let passing: &[(&str, Attempt)] = &[
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
    let shut = degraded_filter(false);
    assert_eq!(behind(&shut, listen), libc::EPERM);
    let open = degraded_filter(true);
    assert_eq!(behind(&open, listen), libc::EBADF);
    let mount = call!(libc::SYS_open_tree, -1, c"/".as_ptr(), 0);
    assert_eq!(behind(&open, mount), libc::EPERM);
}

#[test]
fn what_programs_live_on_passes() {
    let passing: &[(&str, Attempt)] = &[
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

/// What the kernel tells a filter of a call: the low halves of its arguments.
#[derive(Debug, Default)]
struct Given {
    number: u32,
    architecture: u32,
    arguments: [u32; 6],
}

impl Given {
    fn word_at(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.architecture,
            _ => self.arguments[(offset as usize - 16) / 8],
        }
    }
}

/// Runs a filter as the kernel would.
fn answer_of(code: &[libc::sock_filter], given: &Given) -> u32 {
    use libc::{
        BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_JSET, BPF_LD,
        BPF_RET,
    };
    const LOAD: u32 = BPF_LD | BPF_ABS;
    const MASK: u32 = BPF_ALU | BPF_AND;
    const SKIP: u32 = BPF_JMP | BPF_JA;
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let step = code[at];
        at += 1;
        let holds = match u32::from(step.code) {
            LOAD => {
                accumulator = given.word_at(step.k);
                continue;
            }
            MASK => {
                accumulator &= step.k;
                continue;
            }
            SKIP => {
                at += step.k as usize;
                continue;
            }
            BPF_RET => return step.k,
            code => match code & !BPF_JMP {
                BPF_JEQ => accumulator == step.k,
                BPF_JGT => accumulator > step.k,
                BPF_JGE => accumulator >= step.k,
                BPF_JSET => accumulator & step.k != 0,
                _ => panic!("unexpected instruction {code:#x}"),
            },
        };
        at += usize::from(if holds { step.jt } else { step.jf });
    }
}

const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned();
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
type Number = fn(&Call) -> Option<u32>;

/// The two ways into the kernel, and x32's numbers, of which the kernel's table is the first one's.
fn ways() -> Vec<(u32, u32, Number)> {
    let mut ways: Vec<(u32, u32, Number)> = vec![
        (program::NATIVE, 0, Call::native),
        (program::COMPAT, 0, Call::compat),
    ];
    if cfg!(target_arch = "x86_64") {
        ways.push((program::NATIVE, program::X32_BIT, Call::native));
    }
    ways
}

fn of_the_list(answer: Answer, argument: u32, value: u32) -> u32 {
    let refused = match answer {
        Answer::Refused => true,
        Answer::Missing => return ENOSYS,
        Answer::RefusedWith { argument: of, bits } => of == argument && value & bits != 0,
        Answer::RefusedFor {
            argument: of,
            values,
        } => of == argument && values.contains(&value),
        Answer::Held => return libc::SECCOMP_RET_USER_NOTIF,
        Answer::RefusedUnlessJudged => unreachable!("tried by itself"),
    };
    if refused { EPERM } else { ALLOW }
}

/// Every number there is, by every way, with every bit in either argument that is looked at.
#[test]
fn each_number_gets_what_its_call_gets_and_no_other_does() {
    let everything = Asks {
        exec: true,
        network: true,
        files: true,
    };
    for asks in [Asks::default(), everything] {
        let listed = closed_and_held(asks);
        let code = program::of(&listed);
        for (architecture, bit, number_of) in ways() {
            for number in 0..1024 {
                let found = listed
                    .iter()
                    .find(|(call, _)| number_of(call) == Some(number));
                let answer = found.map(|(_, answer)| *answer);
                try_arguments(&code, architecture, number | bit, answer);
            }
        }
    }
}

fn try_arguments(
    code: &[libc::sock_filter],
    architecture: u32,
    number: u32,
    answer: Option<Answer>,
) {
    let values = || {
        (0..32)
            .map(|bit| 1 << bit)
            .chain([0, 0x5412, 0x541c, 0x5413])
    };
    for (argument, value) in [0, 1]
        .into_iter()
        .flat_map(|at| values().map(move |value| (at, value)))
    {
        let expected = answer.map_or(ALLOW, |answer| of_the_list(answer, argument, value));
        let mut given = Given {
            number,
            architecture,
            ..Given::default()
        };
        given.arguments[argument as usize] = value;
        assert_eq!(answer_of(code, &given), expected, "{given:?}");
    }
}

#[test]
fn a_call_by_another_way_kills() {
    let given = Given {
        architecture: 0xc000_0016,
        ..Given::default()
    };
    assert_eq!(
        answer_of(&program::of(&closed()), &given),
        libc::SECCOMP_RET_KILL_PROCESS
    );
}
