//! ENOSYS for system calls that are newer than the profile.
//!
//! A profile that answers EPERM by default would answer it for calls its author could not know; C libraries fall back
//! to an older call on ENOSYS only. So every number above the highest one the profile names answers ENOSYS, before
//! the profile itself is asked.

use libseccomp::{ScmpArch, ScmpSyscall};
use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction};

use super::{architectures, rules};

const LOAD: u16 = code(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS);
const JUMP_IF_EQUAL: u16 = code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K);
const JUMP_IF_GREATER: u16 = code(libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K);
const JUMP_IF_AT_LEAST: u16 = code(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K);
const RETURN: u16 = code(libc::BPF_RET | libc::BPF_K);
/// An operation code has 16 bits; libc's constants are wider.
#[expect(
    clippy::cast_possible_truncation,
    reason = "all bits of a code are below the 16th"
)]
const fn code(bits: u32) -> u16 {
    bits as u16
}

/// offsets in struct seccomp_data
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
/// x32 calls come under x86-64's audit number with this bit set
const X32: u32 = 0x4000_0000;
const RETURN_ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();

/// Instructions to stand before the profile's own; none where the profile's default is lenient or ENOSYS already.
pub fn stub(profile: &LinuxSeccomp) -> Vec<libc::sock_filter> {
    let lenient = matches!(
        profile.default_action(),
        LinuxSeccompAction::ScmpActAllow
            | LinuxSeccompAction::ScmpActLog
            | LinuxSeccompAction::ScmpActTrace
    );
    if lenient || profile.default_errno_ret() == Some(libc::ENOSYS.cast_unsigned()) {
        return Vec::new();
    }
    let mut listed: Vec<ScmpArch> = architectures(profile).filter_map(Result::ok).collect();
    if !listed.contains(&ScmpArch::native()) {
        listed.push(ScmpArch::native());
    }
    listed
        .into_iter()
        .filter_map(|arch| Some(section(arch, highest(profile, arch)?)))
        .flatten()
        .collect()
}

/// The highest number among the calls the profile names.
fn highest(profile: &LinuxSeccomp, arch: ScmpArch) -> Option<u32> {
    let numbers = rules(profile)
        .flat_map(|rule| rule.names())
        .filter_map(|name| {
            let call = ScmpSyscall::from_name_by_arch(name, arch).ok()?;
            // libseccomp numbers calls that an architecture lacks below zero
            u32::try_from(call.as_raw_syscall()).ok()
        });
    numbers.max()
}

/// `if (arch == ours && our ABI && number > highest) return ENOSYS`, else on to what follows.
fn section(arch: ScmpArch, highest: u32) -> Vec<libc::sock_filter> {
    let Some(audit) = audit_number(arch) else {
        return Vec::new();
    };
    let mut code = vec![op(LOAD, 0, 0, ARCH)];
    match arch {
        ScmpArch::X32 => code.extend([
            op(JUMP_IF_EQUAL, 0, 4, audit),
            op(LOAD, 0, 0, NUMBER),
            op(JUMP_IF_AT_LEAST, 0, 2, X32),
        ]),
        ScmpArch::X8664 => code.extend([
            op(JUMP_IF_EQUAL, 0, 4, audit),
            op(LOAD, 0, 0, NUMBER),
            op(JUMP_IF_AT_LEAST, 2, 0, X32),
        ]),
        _ => code.extend([op(JUMP_IF_EQUAL, 0, 3, audit), op(LOAD, 0, 0, NUMBER)]),
    }
    code.extend([
        op(JUMP_IF_GREATER, 0, 1, highest),
        op(RETURN, 0, 0, RETURN_ENOSYS),
    ]);
    code
}

fn op(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// AUDIT_ARCH_* of linux/audit.h, for the architectures Debian builds for.
fn audit_number(arch: ScmpArch) -> Option<u32> {
    Some(match arch {
        ScmpArch::X8664 | ScmpArch::X32 => 0xC000_003E,
        ScmpArch::X86 => 0x4000_0003,
        ScmpArch::Aarch64 => 0xC000_00B7,
        ScmpArch::Arm => 0x4000_0028,
        ScmpArch::Riscv64 => 0xC000_00F3,
        ScmpArch::Ppc64Le => 0xC000_0015,
        ScmpArch::S390X => 0x8000_0016,
        ScmpArch::Loongarch64 => 0xC000_0102,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the stub as the kernel would; None means "ask the profile".
    fn run(code: &[libc::sock_filter], arch: u32, number: u32) -> Option<u32> {
        let (mut at, mut accumulator) = (0, 0);
        while let Some(step) = code.get(at) {
            at += 1;
            let jump = |taken: bool| usize::from(if taken { step.jt } else { step.jf });
            match step.code {
                LOAD => accumulator = if step.k == ARCH { arch } else { number },
                JUMP_IF_EQUAL => at += jump(accumulator == step.k),
                JUMP_IF_GREATER => at += jump(accumulator > step.k),
                JUMP_IF_AT_LEAST => at += jump(accumulator >= step.k),
                RETURN => return Some(step.k),
                other => panic!("unexpected instruction {other:#x}"),
            }
        }
        None
    }

    #[test]
    fn only_numbers_above_the_highest_known_one_answer_enosys() {
        let profile: LinuxSeccomp = serde_json::from_str(
            r#"{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],
                "syscalls":[{"names":["read","openat2","no_such_call"],"action":"SCMP_ACT_ALLOW"}]}"#,
        )
        .expect("a profile");
        let code = stub(&profile);
        let (x86_64, x86) = (0xC000_003E, 0x4000_0003);
        let openat2 = 437;
        for (arch, number, expected) in [
            (x86_64, 0, None),
            (x86_64, openat2, None),
            (x86_64, openat2 + 1, Some(RETURN_ENOSYS)),
            (x86_64, X32 | openat2, None),
            (x86_64, X32 | (openat2 + 1), Some(RETURN_ENOSYS)),
            (x86, openat2, None),
            (x86, openat2 + 1, Some(RETURN_ENOSYS)),
            (0xC000_00B7, 9999, None),
        ] {
            assert_eq!(run(&code, arch, number), expected, "{arch:#x} {number}");
        }
    }

    #[test]
    fn lenient_profiles_need_no_stub() {
        for text in [
            r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO"}]}"#,
            r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}"#,
        ] {
            let profile: LinuxSeccomp = serde_json::from_str(text).expect("a profile");
            assert!(stub(&profile).is_empty(), "{text}");
        }
    }
}
