//! Resource limits, set from outside: within a user namespace nobody may raise one.

use std::mem::MaybeUninit;

use nix::errno::Errno;
use nix::unistd::Pid;
use oci_spec::runtime::{PosixRlimit, PosixRlimitType};

use crate::error::errno_text;
use crate::{Error, Result};

/// The process must not have begun with what the limits are for.
pub fn set(pid: Pid, limits: &[PosixRlimit]) -> Result<()> {
    limits.iter().try_for_each(|limit| {
        let number = number(limit.typ());
        set_one(pid, number, limit).map_err(|errno| {
            let text = errno_text(errno);
            Error::Process(format!("error setting rlimit type {number}: {text}"))
        })
    })
}

fn set_one(pid: Pid, resource: libc::__rlimit_resource_t, limit: &PosixRlimit) -> nix::Result<()> {
    let new = libc::rlimit {
        rlim_cur: limit.soft(),
        rlim_max: limit.hard(),
    };
    let mut old = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the kernel reads one limit and writes another, both of which live until the call returns.
    let result = unsafe { libc::prlimit(pid.as_raw(), resource, &raw const new, old.as_mut_ptr()) };
    Errno::result(result).map(drop)
}

fn number(kind: PosixRlimitType) -> libc::__rlimit_resource_t {
    match kind {
        PosixRlimitType::RlimitCpu => libc::RLIMIT_CPU,
        PosixRlimitType::RlimitFsize => libc::RLIMIT_FSIZE,
        PosixRlimitType::RlimitData => libc::RLIMIT_DATA,
        PosixRlimitType::RlimitStack => libc::RLIMIT_STACK,
        PosixRlimitType::RlimitCore => libc::RLIMIT_CORE,
        PosixRlimitType::RlimitRss => libc::RLIMIT_RSS,
        PosixRlimitType::RlimitNproc => libc::RLIMIT_NPROC,
        PosixRlimitType::RlimitNofile => libc::RLIMIT_NOFILE,
        PosixRlimitType::RlimitMemlock => libc::RLIMIT_MEMLOCK,
        PosixRlimitType::RlimitAs => libc::RLIMIT_AS,
        PosixRlimitType::RlimitLocks => libc::RLIMIT_LOCKS,
        PosixRlimitType::RlimitSigpending => libc::RLIMIT_SIGPENDING,
        PosixRlimitType::RlimitMsgqueue => libc::RLIMIT_MSGQUEUE,
        PosixRlimitType::RlimitNice => libc::RLIMIT_NICE,
        PosixRlimitType::RlimitRtprio => libc::RLIMIT_RTPRIO,
        PosixRlimitType::RlimitRttime => libc::RLIMIT_RTTIME,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(json: &str) -> Vec<PosixRlimit> {
        serde_json::from_str(json).expect("limits")
    }

    #[test]
    fn a_limit_reaches_another_process() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .expect("sleep");
        let pid = Pid::from_raw(child.id().cast_signed());
        let set = set(
            pid,
            &limits(r#"[{"type":"RLIMIT_CORE","soft":0,"hard":0}]"#),
        );
        let told = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("its limits");
        let _ = child.kill();
        let _ = child.wait();
        set.expect("set");
        let core = told
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let words: Vec<&str> = core.expect("a line").split_whitespace().collect();
        assert_eq!(words[4..6], ["0", "0"]);
    }

    #[test]
    fn what_cannot_be_set_is_told_as_runc_tells_it() {
        let wrong = limits(r#"[{"type":"RLIMIT_NOFILE","soft":5,"hard":4}]"#);
        let error = set(Pid::this(), &wrong).expect_err("the soft one is the larger");
        assert!(
            error
                .to_string()
                .ends_with("error setting rlimit type 7: invalid argument")
        );
    }
}
