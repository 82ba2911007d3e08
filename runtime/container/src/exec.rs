//! `exec`: one more process in a running container, behind the same fences as init.
//!
//! libcontainer's own builder for this drops the seccomp profile and reads the bundle again, which may have changed
//! since; this one takes what `create` stored and the namespaces init is really in.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use libcontainer::notify_socket::NotifySocket;
use libcontainer::process::args::ContainerType;
use nix::fcntl::OFlag;
use nix::unistd::{Pid, pipe2};
use oci_spec::runtime::{ContainerState, Linux, LinuxNamespace, LinuxNamespaceType, Process, Spec};

use crate::container::Container;
use crate::create::{courier, keyring, profile_of};
use crate::error::Context;
use crate::executor::Payload;
use crate::floor::Fence;
use crate::launch::{self, Launch, announce};
use crate::process::ProcessId;
use crate::report::Report;
use crate::seccomp::Filter;
use crate::{Error, Result, Status, bundle, floor, monitor, prepare};

/// What `exec` takes beside the process itself.
#[derive(Debug, Default)]
pub struct ExecOptions {
    pub pid_file: Option<PathBuf>,
    pub console: Option<OwnedFd>,
    pub pidfd_socket: Option<OwnedFd>,
    pub preserve_fds: u32,
    /// `--cgroup`: a sub-cgroup of the container's own
    pub sub_cgroup: Option<String>,
    /// exec into a paused container instead of refusing
    pub ignore_paused: bool,
}

pub fn exec(
    container: &Container,
    init: ProcessId,
    process: Process,
    options: ExecOptions,
) -> Result<Pid> {
    bundle::check_process(&process)?;
    let caller = container.spec()?;
    let process = complete(process, &caller);
    if container.state().floor.is_some() {
        floor::refuse_entering(&caller, &process)?;
    }
    let filter = profile_of(&caller).map(Filter::compile).transpose()?;
    let courier = courier(
        &caller,
        filter.as_ref(),
        container.state(),
        ContainerState::Running,
    )?;
    let mut fence = Fence::of(container.state());
    let held = monitor::courier(fence.as_mut(), container.dir())?;
    let namespaces = Namespaces::open(&caller, init)?;
    let socket = container.dir().exec_socket();
    let (failures, failures_writer) = pipe2(OFlag::O_CLOEXEC).during(|| "open a pipe".into())?;
    let mut report = Some(Report::open()?);
    let launch = Launch {
        kind: ContainerType::TenantContainer {
            exec_notify_fd: failures_writer.as_raw_fd(),
        },
        spec: spec_for(&caller, &process, &namespaces),
        rootfs: &container.state().rootfs,
        start_socket: &socket,
        container: None,
        cgroup: container
            .state()
            .cgroup
            .for_exec(init.pid(), options.sub_cgroup.as_deref())?,
        console: options.console.as_ref(),
        preserve_fds: options.preserve_fds,
        no_pivot: false,
        keyring: keyring(container.state())?,
        payload: Payload::new(process, filter, fence, courier.as_ref(), report.as_ref())?,
    };
    // our children are the container's from the start: it would be too late once they are in its cgroup
    if let Some(place) = &container.state().floor {
        place.join()?;
    }
    let launched = launch.run(&mut report).inspect_err(|_| launch::reap());
    let started = launched.and_then(|pid| {
        container.state().cgroup.join_left_out(pid)?;
        start(&socket).map(|()| pid)
    });
    let _ = std::fs::remove_file(&socket);
    let pid = started?;
    // our copies must go before the pipes can end; libcontainer's own channel repeats what the report says
    drop((failures_writer, failures, courier, held));
    if let Some(reason) = report.and_then(Report::wait) {
        launch::reap();
        return Err(Error::Process(reason));
    }
    announce(
        pid,
        options.pid_file.as_ref(),
        options.pidfd_socket.as_ref(),
    )?;
    Ok(pid)
}

pub fn start(socket: &Path) -> Result<()> {
    NotifySocket::new(socket)
        .notify_container_start()
        .map_err(|error| Error::Process(error.to_string()))
}

/// What the process leaves open is as it was for init.
fn complete(mut process: Process, caller: &Spec) -> Process {
    let Some(init) = caller.process() else {
        return process;
    };
    if process.capabilities().is_none() {
        process.set_capabilities(init.capabilities().clone());
    }
    if process.apparmor_profile().is_none() {
        process.set_apparmor_profile(init.apparmor_profile().clone());
    }
    if process.exec_cpu_affinity().is_none() {
        process.set_exec_cpu_affinity(init.exec_cpu_affinity().clone());
    }
    if process.rlimits().as_ref().is_none_or(Vec::is_empty) {
        process.set_rlimits(init.rlimits().clone());
    }
    process
}

fn spec_for(caller: &Spec, process: &Process, namespaces: &Namespaces) -> Spec {
    let mut linux = Linux::default();
    let personality = caller
        .linux()
        .as_ref()
        .and_then(|linux| linux.personality().clone());
    linux
        .set_namespaces(Some(namespaces.list()))
        .set_personality(personality);
    linux
        .set_resources(None)
        .set_seccomp(None)
        .set_sysctl(None)
        .set_devices(None)
        .set_net_devices(None);
    let mut spec = caller.clone();
    spec.set_process(Some(prepare::for_libcontainer(process)))
        .set_linux(Some(linux))
        .set_hooks(None)
        .set_mounts(None);
    spec
}

/// Init's namespaces, held open: what was checked is what is joined, whoever has the pid by then.
struct Namespaces(Vec<(LinuxNamespaceType, File)>);

impl Namespaces {
    fn open(caller: &Spec, init: ProcessId) -> Result<Self> {
        let listed = caller
            .linux()
            .as_ref()
            .and_then(|linux| linux.namespaces().as_ref());
        let mut open = Vec::new();
        for namespace in listed.into_iter().flatten() {
            let path = PathBuf::from(format!(
                "/proc/{}/ns/{}",
                init.pid,
                kernel_name(namespace.typ())
            ));
            match File::open(&path) {
                Ok(file) => open.push((namespace.typ(), file)),
                Err(_) if !init.is_alive() => return Err(stopped()),
                Err(error) => return Err(error).on("open namespace", &path),
            }
        }
        if init.is_alive() {
            Ok(Self(open))
        } else {
            Err(stopped())
        }
    }

    fn list(&self) -> Vec<LinuxNamespace> {
        let one = |(kind, file): &(LinuxNamespaceType, File)| {
            let mut namespace = LinuxNamespace::default();
            namespace
                .set_typ(*kind)
                .set_path(Some(format!("/proc/self/fd/{}", file.as_raw_fd()).into()));
            namespace
        };
        self.0.iter().map(one).collect()
    }
}

pub fn stopped() -> Error {
    Error::Refused {
        text: "cannot exec in a stopped container".into(),
        status: Status::Stopped,
    }
}

fn kernel_name(kind: LinuxNamespaceType) -> &'static str {
    match kind {
        LinuxNamespaceType::Mount => "mnt",
        LinuxNamespaceType::Cgroup => "cgroup",
        LinuxNamespaceType::Uts => "uts",
        LinuxNamespaceType::Ipc => "ipc",
        LinuxNamespaceType::User => "user",
        LinuxNamespaceType::Pid => "pid",
        LinuxNamespaceType::Network => "net",
        LinuxNamespaceType::Time => "time",
    }
}
