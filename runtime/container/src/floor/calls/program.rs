//! A filter as the kernel takes it: for each of its tables of calls a search by number, and what each call gets.
//!
//! The kernel runs it once for every number when it is loaded, to remember which calls pass whatever their arguments
//! are; so the way to "allowed" is short.

use libc::sock_filter;

use super::numbers::Call;

/// What a call gets. All arguments that are looked at are ints for the kernel: it reads their low half, as we do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// EPERM, whatever its arguments are.
    Refused,
    /// ENOSYS, as from a kernel that does not know it.
    Missing,
    /// Waits for whoever has the filter's listener; ENOSYS when nobody has.
    Held,
    /// EPERM with any of these bits in an argument.
    RefusedWith { argument: u32, bits: u32 },
    /// EPERM with one of these values in an argument.
    RefusedFor {
        argument: u32,
        values: &'static [u32],
    },
    /// EPERM for a socket of a kind that no program on a cgroup judges.
    RefusedUnlessJudged,
}

/// One call, or several that follow each other and are all refused.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: u32,
    last: u32,
    answer: Answer,
}

type Code = Vec<sock_filter>;

/// A call by another way than this machine's two kills.
pub(super) fn of(calls: &[(Call, Answer)]) -> Code {
    let mut native = vec![load(NUMBER)];
    if cfg!(target_arch = "x86_64") {
        // x32 has the numbers of x86-64, and a bit
        native.push(insn(libc::BPF_ALU | libc::BPF_AND, !X32_BIT, 0, 0));
    }
    native.extend(search(&spans(calls, Call::native)));
    let mut compat = vec![load(NUMBER)];
    compat.extend(search(&spans(calls, Call::compat)));
    let mut code = vec![load(ARCHITECTURE), equal(NATIVE, 1, 0), skip(native.len())];
    code.extend(native);
    code.extend([equal(COMPAT, 1, 0), give(libc::SECCOMP_RET_KILL_PROCESS)]);
    code.extend(compat);
    code
}

fn spans(calls: &[(Call, Answer)], number: fn(&Call) -> Option<u32>) -> Vec<Span> {
    let numbered = calls
        .iter()
        .filter_map(|(call, answer)| Some((number(call)?, *answer)));
    let mut numbered: Vec<_> = numbered.collect();
    numbered.sort_unstable_by_key(|(number, _)| *number);
    let mut spans: Vec<Span> = Vec::new();
    for (number, answer) in numbered {
        match spans.last_mut() {
            Some(span)
                if span.last + 1 == number
                    && span.answer == answer
                    && answer == Answer::Refused =>
            {
                span.last = number;
            }
            _ => spans.push(Span {
                first: number,
                last: number,
                answer,
            }),
        }
    }
    spans
}

/// Halves them until a few are left.
fn search(spans: &[Span]) -> Code {
    const FEW: usize = 4;
    if spans.len() <= FEW {
        return one_of(spans);
    }
    let (lower, upper) = spans.split_at(spans.len() / 2);
    let below = search(lower);
    let mut code = vec![jump(libc::BPF_JGE, upper[0].first, below.len(), 0)];
    code.extend(below);
    code.extend(search(upper));
    code
}

/// Compares with each in turn. Written from its end, which is where what is refused jumps to.
fn one_of(spans: &[Span]) -> Code {
    let mut code = vec![give(libc::SECCOMP_RET_ALLOW), refuse()];
    for span in spans.iter().rev() {
        let to_refusal = code.len() - 1;
        let before = match (span.answer, span.first == span.last) {
            (Answer::Refused, true) => vec![equal(span.first, to_refusal, 0)],
            (Answer::Refused, false) => vec![
                jump(libc::BPF_JGE, span.first, 0, 1),
                jump(libc::BPF_JGT, span.last, 0, to_refusal),
            ],
            (answer, _) => {
                let judged = judge(answer);
                let mut before = vec![equal(span.first, 0, judged.len())];
                before.extend(judged);
                before
            }
        };
        code.splice(..0, before);
    }
    code
}

/// Always ends with an answer.
fn judge(answer: Answer) -> Code {
    let allow = give(libc::SECCOMP_RET_ALLOW);
    match answer {
        Answer::Refused => vec![refuse()],
        Answer::Missing => vec![fail(libc::ENOSYS)],
        Answer::Held => vec![give(libc::SECCOMP_RET_USER_NOTIF)],
        Answer::RefusedWith { argument, bits } => vec![
            load(low_half(argument)),
            jump(libc::BPF_JSET, bits, 1, 0),
            allow,
            refuse(),
        ],
        Answer::RefusedFor { argument, values } => {
            let mut code = vec![load(low_half(argument))];
            let tests = values.iter().enumerate();
            code.extend(tests.map(|(index, value)| equal(*value, values.len() - index, 0)));
            code.extend([allow, refuse()]);
            code
        }
        Answer::RefusedUnlessJudged => {
            let family = |name: i32, passes: usize, else_skips| {
                equal(name.cast_unsigned(), passes, else_skips)
            };
            vec![
                load(low_half(0)),
                family(libc::AF_UNIX, 5, 0),
                family(libc::AF_INET, 4, 0),
                family(libc::AF_INET6, 3, 0),
                // what a process needs: routes and addresses of its own network
                family(libc::AF_NETLINK, 0, 3),
                load(low_half(2)),
                family(libc::NETLINK_ROUTE, 0, 1),
                allow,
                refuse(),
            ]
        }
    }
}

fn insn(code: u32, k: u32, jt: usize, jf: usize) -> sock_filter {
    let near = |distance: usize| u8::try_from(distance).expect("a filter of a few dozen calls");
    sock_filter {
        code: u16::try_from(code).expect("a code has 16 bits"),
        jt: near(jt),
        jf: near(jf),
        k,
    }
}

fn load(offset: u32) -> sock_filter {
    insn(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0)
}

/// How many instructions are skipped where it holds, and where not.
fn jump(comparison: u32, value: u32, holds: usize, else_skips: usize) -> sock_filter {
    insn(
        libc::BPF_JMP | comparison | libc::BPF_K,
        value,
        holds,
        else_skips,
    )
}

fn equal(value: u32, holds: usize, else_skips: usize) -> sock_filter {
    jump(libc::BPF_JEQ, value, holds, else_skips)
}

fn skip(count: usize) -> sock_filter {
    let count = u32::try_from(count).expect("a filter of a few dozen calls");
    insn(libc::BPF_JMP | libc::BPF_JA, count, 0, 0)
}

fn give(action: u32) -> sock_filter {
    insn(libc::BPF_RET | libc::BPF_K, action, 0, 0)
}

fn fail(errno: i32) -> sock_filter {
    give(libc::SECCOMP_RET_ERRNO | errno.cast_unsigned())
}

fn refuse() -> sock_filter {
    fail(libc::EPERM)
}

/// Where `struct seccomp_data` has what; both machines have the low half of a number first.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const fn low_half(argument: u32) -> u32 {
    16 + 8 * argument
}

pub(super) const X32_BIT: u32 = 0x4000_0000;
pub(super) const NATIVE: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e // AUDIT_ARCH_X86_64
} else {
    0xc000_00b7 // AUDIT_ARCH_AARCH64
};
pub(super) const COMPAT: u32 = if cfg!(target_arch = "x86_64") {
    0x4000_0003 // AUDIT_ARCH_I386
} else {
    0x4000_0028 // AUDIT_ARCH_ARM
};
