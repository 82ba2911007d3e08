//! The caller's seccomp profile, compiled before the container exists and loaded by our Executor.
//!
//! libcontainer would load it itself, but only for init (`exec` would run unfiltered), without an answer for system
//! calls that are newer than the profile, and so early that its own waiting for `start` has to pass the filter.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{FromRawFd, OwnedFd};

use libseccomp::{
    ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall,
};
use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use oci_spec::runtime::{
    ContainerState, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag,
    LinuxSyscall,
};
use serde::Serialize;

use crate::{Error, Result};

mod enosys;

/// A filter as the kernel takes it.
#[derive(Debug, Clone)]
pub struct Filter {
    program: Vec<libc::sock_filter>,
    flags: libc::c_ulong,
    pub notifies: bool,
}

impl Filter {
    pub fn compile(profile: &LinuxSeccomp) -> Result<Self> {
        let notifies = check_notify(profile)?;
        let context = build(profile)?;
        let mut program = enosys::stub(profile);
        program.extend(export(&context)?);
        if program.len() > usize::from(u16::MAX) {
            return Err(refused(format!(
                "the filter has {} instructions, the kernel takes 4096",
                program.len()
            )));
        }
        Ok(Self {
            program,
            flags: flags_of(profile, notifies),
            notifies,
        })
    }

    /// One that is complete: it holds on every architecture, and notifies nobody.
    pub fn of_program(program: Vec<libc::sock_filter>) -> Self {
        Self {
            program,
            flags: 0,
            notifies: false,
        }
    }

    /// One whose listener answers calls. A signal would call back a call that somebody looks at, and it would be asked
    /// about again and again: only what kills does.
    pub fn that_holds(program: Vec<libc::sock_filter>) -> Self {
        Self {
            program,
            flags: libc::SECCOMP_FILTER_FLAG_NEW_LISTENER
                | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
            notifies: true,
        }
    }

    /// Puts the calling process, which must have no_new_privs or CAP_SYS_ADMIN, under the filter.
    /// Gives the notification descriptor when the filter notifies.
    pub fn load(&self) -> nix::Result<Option<OwnedFd>> {
        let program = libc::sock_fprog {
            len: u16::try_from(self.program.len()).map_err(|_| Errno::E2BIG)?,
            filter: self.program.as_ptr().cast_mut(),
        };
        // SAFETY: the program and the instructions it points to live until the call returns; the kernel only reads them.
        let result = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                self.flags,
                &raw const program,
            )
        };
        let fd = i32::try_from(Errno::result(result)?).map_err(|_| Errno::EBADF)?;
        // SAFETY: with SECCOMP_FILTER_FLAG_NEW_LISTENER the result is a new descriptor that only we know.
        Ok(self.notifies.then(|| unsafe { OwnedFd::from_raw_fd(fd) }))
    }
}

fn refused(reason: String) -> Error {
    Error::Bundle(format!("seccomp profile: {reason}"))
}

/// A profile that notifies of `write`, or of everything, could never tell anybody: runc refuses both.
fn check_notify(profile: &LinuxSeccomp) -> Result<bool> {
    if profile.default_action() == LinuxSeccompAction::ScmpActNotify {
        return Err(refused(
            "SCMP_ACT_NOTIFY cannot be used as default action".into(),
        ));
    }
    let notifying =
        || rules(profile).filter(|rule| rule.action() == LinuxSeccompAction::ScmpActNotify);
    if notifying().any(|rule| rule.names().iter().any(|name| name == "write")) {
        return Err(refused(
            "SCMP_ACT_NOTIFY cannot be used for the write syscall".into(),
        ));
    }
    let notifies = notifying().next().is_some();
    if notifies && profile.listener_path().is_none() {
        return Err(refused("SCMP_ACT_NOTIFY needs a listenerPath".into()));
    }
    Ok(notifies)
}

fn rules(profile: &LinuxSeccomp) -> impl Iterator<Item = &LinuxSyscall> {
    profile.syscalls().iter().flatten()
}

fn build(profile: &LinuxSeccomp) -> Result<ScmpFilterContext> {
    let fail = |error: libseccomp::error::SeccompError| refused(error.to_string());
    let default = action(profile.default_action(), profile.default_errno_ret())?;
    let mut context = ScmpFilterContext::new(default).map_err(fail)?;
    context.set_ctl_nnp(false).map_err(fail)?;
    // a binary search instead of a chain of comparisons; libseccomp before 2.5 does not know it, and is only slower
    let _ = context.set_ctl_optimize(2);
    for arch in architectures(profile) {
        context.add_arch(arch?).map_err(fail)?;
    }
    for rule in rules(profile) {
        let action = action(rule.action(), rule.errno_ret())?;
        if action != default {
            add_rule(&mut context, action, rule)?;
        }
    }
    Ok(context)
}

fn add_rule(
    context: &mut ScmpFilterContext,
    action: ScmpAction,
    rule: &LinuxSyscall,
) -> Result<()> {
    let fail =
        |name: &str, error: libseccomp::error::SeccompError| refused(format!("{name}: {error}"));
    let conditions = rule
        .args()
        .iter()
        .flatten()
        .map(comparison)
        .collect::<Result<Vec<_>>>()?;
    for name in rule.names() {
        // a name this libseccomp does not know is a system call of another architecture or a newer kernel
        let Ok(call) = ScmpSyscall::from_name(name) else {
            continue;
        };
        if conditions.is_empty() {
            context
                .add_rule(action, call)
                .map_err(|error| fail(name, error))?;
        } else if repeats_an_argument(rule) {
            // libseccomp takes one condition per argument; several are alternatives, as runc reads them
            for condition in &conditions {
                context
                    .add_rule_conditional(action, call, &[*condition])
                    .map_err(|error| fail(name, error))?;
            }
        } else {
            context
                .add_rule_conditional(action, call, &conditions)
                .map_err(|error| fail(name, error))?;
        }
    }
    Ok(())
}

fn repeats_an_argument(rule: &LinuxSyscall) -> bool {
    let mut seen = std::collections::HashSet::new();
    rule.args()
        .iter()
        .flatten()
        .any(|arg| !seen.insert(arg.index()))
}

fn comparison(arg: &LinuxSeccompArg) -> Result<ScmpArgCompare> {
    use oci_spec::runtime::LinuxSeccompOperator as Operator;
    let index =
        u32::try_from(arg.index()).map_err(|_| refused("argument index out of range".into()))?;
    let (operator, datum) = match arg.op() {
        Operator::ScmpCmpNe => (ScmpCompareOp::NotEqual, arg.value()),
        Operator::ScmpCmpLt => (ScmpCompareOp::Less, arg.value()),
        Operator::ScmpCmpLe => (ScmpCompareOp::LessOrEqual, arg.value()),
        Operator::ScmpCmpEq => (ScmpCompareOp::Equal, arg.value()),
        Operator::ScmpCmpGe => (ScmpCompareOp::GreaterEqual, arg.value()),
        Operator::ScmpCmpGt => (ScmpCompareOp::Greater, arg.value()),
        Operator::ScmpCmpMaskedEq => (
            ScmpCompareOp::MaskedEqual(arg.value()),
            arg.value_two().unwrap_or(0),
        ),
    };
    Ok(ScmpArgCompare::new(index, operator, datum))
}

fn action(action: LinuxSeccompAction, errno: Option<u32>) -> Result<ScmpAction> {
    let number = errno
        .map_or(Ok(libc::EPERM), i32::try_from)
        .map_err(|_| refused("errno out of range".into()))?;
    Ok(match action {
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => {
            ScmpAction::KillThread
        }
        LinuxSeccompAction::ScmpActKillProcess => ScmpAction::KillProcess,
        LinuxSeccompAction::ScmpActTrap => ScmpAction::Trap,
        LinuxSeccompAction::ScmpActErrno => ScmpAction::Errno(number),
        LinuxSeccompAction::ScmpActTrace => ScmpAction::Trace(
            u16::try_from(number).map_err(|_| refused("trace message out of range".into()))?,
        ),
        LinuxSeccompAction::ScmpActAllow => ScmpAction::Allow,
        LinuxSeccompAction::ScmpActNotify => ScmpAction::Notify,
        LinuxSeccompAction::ScmpActLog => ScmpAction::Log,
    })
}

/// The profile's architectures as libseccomp names them.
fn architectures(profile: &LinuxSeccomp) -> impl Iterator<Item = Result<ScmpArch>> {
    profile.architectures().iter().flatten().map(|arch| {
        let name = word(arch);
        name.parse()
            .map_err(|_| refused(format!("architecture {name:?} is not known here")))
    })
}

/// The word config.json uses for a value of one of oci-spec's enums.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_string))
        .unwrap_or_default()
}

fn flags_of(profile: &LinuxSeccomp, notifies: bool) -> libc::c_ulong {
    let bit = |flag: &LinuxSeccompFilterFlag| match flag {
        LinuxSeccompFilterFlag::SeccompFilterFlagLog => libc::SECCOMP_FILTER_FLAG_LOG,
        LinuxSeccompFilterFlag::SeccompFilterFlagTsync => libc::SECCOMP_FILTER_FLAG_TSYNC,
        LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW,
        LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => {
            libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
        }
    };
    let asked = profile
        .flags()
        .iter()
        .flatten()
        .map(bit)
        .fold(0, |all, flag| all | flag);
    if notifies {
        // our process has one thread: TSYNC has nothing to do, and the kernel refuses it beside a listener
        (asked & !libc::SECCOMP_FILTER_FLAG_TSYNC) | libc::SECCOMP_FILTER_FLAG_NEW_LISTENER
    } else {
        asked
    }
}

/// libseccomp can only write its program to a file.
fn export(context: &ScmpFilterContext) -> Result<Vec<libc::sock_filter>> {
    let fail = |error: &dyn std::fmt::Display| refused(format!("cannot be compiled: {error}"));
    let memory = memfd_create(c"seccomp", MFdFlags::MFD_CLOEXEC).map_err(|error| fail(&error))?;
    let mut file = File::from(memory);
    context.export_bpf(&file).map_err(|error| fail(&error))?;
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut bytes))
        .map_err(|error| fail(&error))?;
    Ok(bytes.as_chunks::<8>().0.iter().map(instruction).collect())
}

fn instruction(bytes: &[u8; 8]) -> libc::sock_filter {
    let [c0, c1, jt, jf, k @ ..] = *bytes;
    libc::sock_filter {
        code: u16::from_ne_bytes([c0, c1]),
        jt,
        jf,
        k: u32::from_ne_bytes(k),
    }
}

/// What a listener is told about the process whose descriptor it gets (runtime-spec, ContainerProcessState).
pub fn listener_message(
    pid: nix::unistd::Pid,
    state: &crate::State,
    status: ContainerState,
    metadata: &str,
) -> Vec<u8> {
    let annotations = &state.annotations;
    let message = serde_json::json!({
        "ociVersion": state.oci_version, "fds": ["seccompFd"], "pid": pid.as_raw(), "metadata": metadata,
        "state": {
            "ociVersion": state.oci_version, "id": state.id, "status": status,
            "pid": state.init.map_or(pid.as_raw(), |init| init.pid), "bundle": state.bundle, "annotations": annotations,
        },
    });
    message.to_string().into_bytes()
}
