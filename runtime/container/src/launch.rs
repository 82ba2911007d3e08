//! The one call into libcontainer's process machinery, for init and exec'ed processes alike.

use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use libcgroups::common::CgroupConfig;
use libcontainer::container::Container as LibContainer;
use libcontainer::notify_socket::NotifyListener;
use libcontainer::process::args::{ContainerArgs, ContainerType};
use libcontainer::process::container_main_process::container_main_process;
use libcontainer::syscall::syscall::SyscallType;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use oci_spec::runtime::{LinuxNamespaceType, Spec};

use crate::error::{Context, os_text};
use crate::executor::Payload;
use crate::process::pidfd_open;
use crate::report::Report;
use crate::stage::Stage;
use crate::state::write_atomically;
use crate::{Error, Result, limits, mount_error, userns};

/// What libcontainer is to start.
pub struct Launch<'a> {
    pub kind: ContainerType,
    pub spec: Spec,
    pub rootfs: &'a Path,
    pub start_socket: &'a Path,
    /// what the hooks are told; only init has any
    pub container: Option<LibContainer>,
    pub cgroup: CgroupConfig,
    pub console: Option<&'a OwnedFd>,
    pub preserve_fds: u32,
    pub no_pivot: bool,
    /// the name of a new session keyring
    pub keyring: Option<CString>,
    pub payload: Payload,
}

impl Launch<'_> {
    /// Returns when the process waits for its start; `report` then tells how it went on.
    pub fn run(mut self, report: &mut Option<Report>) -> Result<Pid> {
        let oom_score = self
            .spec
            .process()
            .as_ref()
            .and_then(|process| process.oom_score_adj());
        if let Some(name) = &self.keyring {
            join_keyring(name)?;
        }
        self.pass_on_activation();
        let limits = self.payload.process.rlimits().clone();
        let _user_namespace = self.make_user_namespace()?;
        let mut arguments = self.arguments()?;
        let _restore = oom_score.map(OomScore::set).transpose()?;
        // so that nothing in a namespace we join can look into us
        let _ = nix::sys::prctl::set_dumpable(false);
        let pid = start(&mut arguments, report)?;
        limits::set(pid, limits.as_deref().unwrap_or_default()).inspect_err(|_| {
            // it would wait for a start that nobody gives
            let _ = kill(pid, Signal::SIGKILL);
        })?;
        Ok(pid)
    }

    /// Made here, joined by libcontainer through the descriptor that comes back.
    fn make_user_namespace(&mut self) -> Result<Option<File>> {
        let Some(mut linux) = self.spec.linux().clone() else {
            return Ok(None);
        };
        let Some(made) = userns::create(&linux)? else {
            return Ok(None);
        };
        let path = PathBuf::from(format!("/proc/self/fd/{}", made.as_raw_fd()));
        let mut namespaces = linux.namespaces().clone().unwrap_or_default();
        for namespace in &mut namespaces {
            if namespace.typ() == LinuxNamespaceType::User {
                namespace.set_path(Some(path.clone()));
            }
        }
        linux.set_namespaces(Some(namespaces));
        self.spec.set_linux(Some(linux));
        Ok(Some(made))
    }

    /// Sockets of a service manager that were meant for us are the payload's, which has pid 1 to itself. Those meant
    /// for somebody else are nobody's: libcontainer would pass them on as well.
    fn pass_on_activation(&mut self) {
        let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
        let activated =
            number("LISTEN_FDS").filter(|_| number("LISTEN_PID") == Some(std::process::id()));
        for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] {
            // SAFETY: the runtime has one thread; nobody reads the environment meanwhile.
            unsafe { std::env::remove_var(name) };
        }
        if let Some(count) = activated {
            let mut environment = self.payload.process.env().clone().unwrap_or_default();
            environment.extend([format!("LISTEN_FDS={count}"), "LISTEN_PID=1".into()]);
            self.payload.process.set_env(Some(environment));
        }
    }

    fn arguments(self) -> Result<ContainerArgs> {
        let failed = |error: &dyn std::fmt::Display| Error::Process(error.to_string());
        Ok(ContainerArgs {
            container_type: self.kind,
            syscall: SyscallType::Linux,
            user_ns_config: None,
            spec: Rc::new(self.spec),
            rootfs: self.rootfs.into(),
            console_socket: self.console.map(AsRawFd::as_raw_fd),
            notify_listener: NotifyListener::new(self.start_socket)
                .map_err(|error| failed(&error))?,
            preserve_fds: i32::try_from(self.preserve_fds)
                .map_err(|_| Error::Bundle("--preserve-fds is out of range".into()))?,
            container: self.container,
            cgroup_config: self.cgroup,
            detached: true,
            executor: Box::new(self.payload),
            no_pivot: self.no_pivot,
            stdin: None,
            stdout: None,
            stderr: None,
            as_sibling: false,
            pid_file: None,
        })
    }
}

fn start(arguments: &mut ContainerArgs, report: &mut Option<Report>) -> Result<Pid> {
    let asked = Rc::clone(&arguments.spec);
    // who enters a container finds its mounts made
    let is_init = matches!(arguments.container_type, ContainerType::InitContainer);
    let stage = match is_init {
        true => Stage::set(&mut arguments.spec, &arguments.rootfs)?,
        false => None,
    };
    let started = container_main_process(arguments).map_err(|error| {
        let reason = report.take().and_then(Report::so_far);
        let reason = with_cause(reason.unwrap_or_else(|| error.to_string()), &error);
        match &stage {
            Some(stage) => stage.in_callers_words(reason),
            None => reason,
        }
    });
    drop(stage);
    let pid = started.map_err(|reason| {
        let mounts = asked.mounts().as_deref().unwrap_or_default();
        Error::Process(mount_error::in_words(reason, mounts, &arguments.rootfs))
    })?;
    Ok(Pid::from_raw(pid.as_raw()))
}

/// libcontainer's outer texts leave out the cause they wrap.
fn with_cause(text: String, error: &dyn std::error::Error) -> String {
    let mut cause = None;
    let mut next = error.source();
    while let Some(inner) = next {
        cause = inner.downcast_ref::<std::io::Error>().or(cause);
        next = inner.source();
    }
    match cause.map(os_text) {
        Some(reason) if !text.contains(&reason) => format!("{text}: {reason}"),
        _ => text,
    }
}

/// Joined by the runtime and inherited: made by the payload's user, it would count against what that user may have.
fn join_keyring(name: &CStr) -> Result<()> {
    // SAFETY: the name is a NUL-terminated string that outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            libc::KEYCTL_JOIN_SESSION_KEYRING,
            name.as_ptr(),
        )
    };
    match Errno::result(result) {
        Err(Errno::ENOSYS) => Ok(()),
        other => other.map(drop).during(|| "join a session keyring".into()),
    }
}

/// Takes in what a failed start leaves of our children: a zombie in a container's pid namespace would hold up its end.
pub fn reap() {
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(_) => return,
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(1)),
            Ok(_) => {}
        }
    }
}

/// Our own score while the container's processes inherit it.
struct OomScore {
    before: String,
}

const OOM_SCORE: &str = "/proc/self/oom_score_adj";

impl OomScore {
    fn set(score: i32) -> Result<Self> {
        let path = Path::new(OOM_SCORE);
        let before = fs::read_to_string(path).on("read", path)?;
        fs::write(path, score.to_string()).on("write", path)?;
        Ok(Self { before })
    }
}

impl Drop for OomScore {
    fn drop(&mut self) {
        // lowering it again may be refused; a runtime that ends soon can live with its container's score
        let _ = fs::write(OOM_SCORE, &self.before);
    }
}

/// Tells the caller which process it has got: the pid file last, because its appearance is what engines wait for.
pub fn announce(
    pid: Pid,
    pid_file: Option<&PathBuf>,
    pidfd_socket: Option<&OwnedFd>,
) -> Result<()> {
    if let Some(socket) = pidfd_socket {
        let pidfd = pidfd_open(pid).during(|| "open a pidfd".into())?;
        let rights = [pidfd.as_raw_fd()];
        let text = [std::io::IoSlice::new(b"pidfd")];
        sendmsg::<()>(
            socket.as_raw_fd(),
            &text,
            &[ControlMessage::ScmRights(&rights)],
            MsgFlags::empty(),
            None,
        )
        .during(|| "send the pidfd".into())?;
    }
    match pid_file {
        Some(path) => write_atomically(path, pid.to_string().as_bytes(), 0o644),
        None => Ok(()),
    }
}
