//! `create`: everything up to the point where only `start` is missing.
//!
//! bundle -> request -> cgroup -> init, each announced in the state folder before it is made and undone when a later
//! step fails.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use libcontainer::container::ContainerStatus;
use libcontainer::process::args::ContainerType;
use nix::unistd::{Pid, getuid};
use oci_spec::runtime::{ContainerState, LinuxSeccomp, Spec};
use sevorix_policy::Folders;

use crate::bundle::Bundle;
use crate::cgroup::{Cgroup, Kill};
use crate::container::Container;
use crate::error::Context;
use crate::executor::Payload;
use crate::floor::{Asks, Plan, Record};
use crate::launch::{Launch, announce};
use crate::notify::{Courier, Handover};
use crate::process::ProcessId;
use crate::report::Report;
use crate::seccomp::Filter;
use crate::state::{State, StateDir};
use crate::{Error, Result, Runtime, hooks, monitor, prepare, seccomp};

/// What `create` and `run` take beside the bundle's config.json.
#[derive(Debug, Default)]
pub struct CreateOptions {
    pub bundle: PathBuf,
    pub pid_file: Option<PathBuf>,
    /// connected socket over which the terminal's master end is sent
    pub console: Option<OwnedFd>,
    /// connected socket over which a pidfd of init is sent
    pub pidfd_socket: Option<OwnedFd>,
    pub no_pivot: bool,
    pub no_new_keyring: bool,
    pub preserve_fds: u32,
}

pub fn create(runtime: &Runtime, id: &str, options: CreateOptions) -> Result<Container> {
    let dir = StateDir::locate(&runtime.root, id)?;
    if dir.exists() {
        return Err(Error::AlreadyExists { id: id.into() });
    }
    let bundle = Bundle::load(&options.bundle, runtime.node_policy.as_deref())?;
    let plan = Plan::of(&bundle.request, &bundle.spec, &Folders::default())?;
    check_terminal(&bundle.spec, &options)?;
    let filter = profile_of(&bundle.spec).map(Filter::compile).transpose()?;
    refuse_two_listeners(plan.as_ref(), filter.as_ref())?;
    let cgroups_path = bundle
        .spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.cgroups_path().as_deref());
    let cgroup = Cgroup::locate(cgroups_path, id, runtime.cgroup_driver)?;
    cgroup.refuse_strangers()?;

    dir.claim(id)?;
    let hold = dir.hold()?;
    let mut state = first_state(id, &bundle, cgroup)?;
    state.policy = plan.as_ref().map(|plan| plan.policy().name.to_string());
    state.degraded = plan.as_ref().and_then(Plan::degraded).cloned();
    state.asks = plan.as_ref().map(Plan::asks).unwrap_or_default();
    state.digest = plan.as_ref().map(|plan| *plan.digest());
    state.inherits_keyring = options.no_new_keyring;
    let undo = Undo {
        dir: &dir,
        state: &state,
        bundle: &bundle,
        armed: true,
    };
    dir.save_config(&bundle.config)?;
    dir.save(&state)?;
    if needs_monitor(&state) {
        monitor::start(runtime, &state)?;
    }
    let container = build(
        &bundle,
        state.clone(),
        &dir,
        filter,
        plan.as_ref(),
        &options,
    )?;
    undo.disarm();
    drop(hold);
    Ok(container)
}

/// Takes back what a failed `create` made; what can't be taken back stays announced for `delete --force`.
struct Undo<'a> {
    dir: &'a StateDir,
    state: &'a State,
    bundle: &'a Bundle,
    armed: bool,
}

impl Undo<'_> {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let _ = monitor::end(self.state);
        if self.state.cgroup.remove(Kill::Yes).is_ok() {
            // the floor's entries go with the cgroup: whoever comes next finds them without one
            if self.state.degraded.is_some() {
                Record::forget(self.state);
            }
            // networks set up by an earlier hook are taken back; why the container failed is what gets told
            let hooks = self
                .bundle
                .spec
                .hooks()
                .as_ref()
                .and_then(|hooks| hooks.poststop().as_ref());
            let _ = hooks::run(
                "poststop",
                hooks,
                self.state,
                ContainerStatus::Stopped,
                self.dir.path(),
            );
            let _ = self.dir.remove();
        }
    }
}

fn build(
    bundle: &Bundle,
    mut state: State,
    dir: &StateDir,
    filter: Option<Filter>,
    plan: Option<&Plan>,
    options: &CreateOptions,
) -> Result<Container> {
    let resources = bundle
        .spec
        .linux()
        .as_ref()
        .and_then(|linux| linux.resources().as_ref());
    let placeholder = state.cgroup.create(resources)?;
    let (spec, finish) =
        prepare::for_init(&bundle.spec, &bundle.rootfs, &state.cgroup.legacy_mounts()?)?;
    let courier = courier(
        &bundle.spec,
        filter.as_ref(),
        &state,
        ContainerState::Creating,
    )?;
    let mut fence = plan.map(Plan::fence);
    let held = monitor::courier(fence.as_mut(), dir)?;
    let mut report = Some(Report::open()?);
    let process = bundle.spec.process().clone().unwrap_or_default();
    let launch = Launch {
        kind: ContainerType::InitContainer,
        spec,
        rootfs: &bundle.rootfs,
        start_socket: &dir.start_socket(),
        container: Some(hooks::container_for_hooks(
            &state,
            ContainerStatus::Creating,
            dir.path(),
        )?),
        cgroup: state.cgroup.libcontainer_config(),
        console: options.console.as_ref(),
        preserve_fds: options.preserve_fds,
        no_pivot: options.no_pivot,
        keyring: keyring(&state)?,
        payload: Payload {
            finish: Some(finish),
            ..Payload::new(process, filter, fence, courier.as_ref(), report.as_ref())?
        },
    };
    let visit = state.cgroup.visit_left_out()?;
    let pid = launch.run(&mut report)?;
    drop(visit);
    placeholder.hand_over()?;
    // init is in its cgroup and waits, and nothing of the image has run yet
    if let Some(plan) = plan {
        state.floor = plan.enforce(&state, pid)?;
    }
    drop((courier, held));

    state.init = Some(
        ProcessId::of(pid).map_err(|_| Error::Process("init ended before it was ready".into()))?,
    );
    dir.save(&state)?;
    announce(
        pid,
        options.pid_file.as_ref(),
        options.pidfd_socket.as_ref(),
    )?;
    Ok(Container::new(state, dir.clone(), report))
}

/// Somebody has to answer what is held, or it would fail.
fn needs_monitor(state: &State) -> bool {
    state.asks.any()
}

/// The kernel takes one filter that notifies.
fn refuse_two_listeners(plan: Option<&Plan>, filter: Option<&Filter>) -> Result<()> {
    match plan {
        Some(plan) if plan.asks().any() && filter.is_some_and(|filter| filter.notifies) => {
            Err(Error::TwoListeners {
                policy: plan.policy().name.to_string(),
            })
        }
        _ => Ok(()),
    }
}

pub fn profile_of(spec: &Spec) -> Option<&LinuxSeccomp> {
    spec.linux().as_ref()?.seccomp().as_ref()
}

/// runc names a container's session keyring so; tools look for it.
pub fn keyring(state: &State) -> Result<Option<CString>> {
    let name = CString::new(format!("_ses.{}", state.id));
    let name = name.map_err(|_| Error::InvalidId {
        id: state.id.clone(),
    })?;
    Ok((!state.inherits_keyring).then_some(name))
}

/// For a filter that notifies: somebody to take its descriptor to the listener.
pub fn courier(
    spec: &Spec,
    filter: Option<&Filter>,
    state: &State,
    status: ContainerState,
) -> Result<Option<(Courier, Handover)>> {
    let profile = profile_of(spec).filter(|_| filter.is_some_and(|filter| filter.notifies));
    let Some((profile, listener)) =
        profile.and_then(|profile| Some((profile, profile.listener_path().as_deref()?)))
    else {
        return Ok(None);
    };
    let metadata = profile.listener_metadata().clone().unwrap_or_default();
    Courier::send(listener, |pid: Pid| {
        seccomp::listener_message(pid, state, status, &metadata)
    })
    .map(Some)
}

fn check_terminal(spec: &Spec, options: &CreateOptions) -> Result<()> {
    let wants = spec
        .process()
        .as_ref()
        .and_then(|process| process.terminal())
        == Some(true);
    match (wants, options.console.is_some()) {
        (true, false) => Err(Error::Bundle(
            "cannot allocate tty if sevorix will detach without setting console socket".into(),
        )),
        (false, true) => Err(Error::Bundle(
            "cannot use console socket if sevorix will not detach or allocate tty".into(),
        )),
        _ => Ok(()),
    }
}

fn first_state(id: &str, bundle: &Bundle, cgroup: Cgroup) -> Result<State> {
    Ok(State {
        id: id.into(),
        oci_version: bundle.spec.version().clone(),
        bundle: bundle.path.clone(),
        rootfs: bundle.rootfs.clone(),
        created: humantime::format_rfc3339_nanos(SystemTime::now()).to_string(),
        owner: getuid().as_raw(),
        annotations: bundle.spec.annotations().clone().unwrap_or_default(),
        creator: ProcessId::of(Pid::this()).on("look at", Path::new("/proc/self"))?,
        policy: None,
        floor: None,
        degraded: None,
        asks: Asks::default(),
        digest: None,
        inherits_keyring: false,
        init: None,
        cgroup,
    })
}
