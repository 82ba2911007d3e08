//! One existing container: its status and the verbs that act on it.

use std::fs;
use std::time::{Duration, Instant};

use libcontainer::container::ContainerStatus;
use nix::unistd::Pid;
use oci_spec::runtime::{LinuxNamespaceType, LinuxResources, Process, Spec};

use crate::cgroup::Kill;
use crate::error::Context;
use crate::floor::Record;
use crate::process::ProcessId;
use crate::report::Report;
use crate::state::{State, StateDir, Status};
use crate::{Error, ExecOptions, Result, exec, hooks, monitor};

#[derive(Debug)]
pub struct Container {
    state: State,
    dir: StateDir,
    /// only in the process that made the container
    report: Option<Report>,
}

/// How long a killed process may take to end: it may have much memory to give back.
const DEATH: Duration = Duration::from_secs(10);

impl Container {
    pub(crate) fn new(state: State, dir: StateDir, report: Option<Report>) -> Self {
        Self { state, dir, report }
    }

    pub fn id(&self) -> &str {
        &self.state.id
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn dir(&self) -> &StateDir {
        &self.dir
    }

    /// As the kernel has it now.
    pub fn status(&self) -> Result<Status> {
        let Some(init) = self.state.init else {
            return Ok(if self.state.creator.is_alive() {
                Status::Creating
            } else {
                Status::Stopped
            });
        };
        if !init.is_alive() {
            return Ok(Status::Stopped);
        }
        if self.state.cgroup.is_frozen()? {
            return Ok(Status::Paused);
        }
        Ok(if self.dir.start_socket().exists() {
            Status::Created
        } else {
            Status::Running
        })
    }

    /// The caller's config.json as it was at `create`.
    pub fn spec(&self) -> Result<Spec> {
        let config = self.dir.load_config()?;
        serde_json::from_slice(&config)
            .map_err(std::io::Error::from)
            .on("read config.json of", self.dir.path())
    }

    /// None once init has ended.
    pub fn init_pid(&self) -> Option<Pid> {
        self.state
            .init
            .filter(|init| init.is_alive())
            .map(ProcessId::pid)
    }

    /// Lets the payload run; returns once it has been told to.
    pub fn start(&mut self) -> Result<()> {
        let socket = self.dir.start_socket();
        let claimed = socket.with_extension("started");
        match self.status()? {
            Status::Created => {}
            Status::Stopped => {
                return Err(refused(
                    Status::Stopped,
                    "cannot start a container that has stopped",
                ));
            }
            Status::Running if claimed.exists() => {
                // an earlier start was killed between its claim and its word to init
                exec::start(&claimed)?;
                let _ = fs::remove_file(&claimed);
                return self.run_poststart();
            }
            status @ (Status::Running | Status::Paused) => {
                return Err(refused(status, "cannot start an already running container"));
            }
            Status::Creating => {
                return Err(refused(
                    Status::Creating,
                    "cannot start a container that is being created",
                ));
            }
        }
        // of two starts one gets the socket; the other finds the container running
        fs::rename(&socket, &claimed)
            .map_err(|_| refused(Status::Running, "cannot start an already running container"))?;
        exec::start(&claimed)?;
        let _ = fs::remove_file(&claimed);
        if let Some(reason) = self.report.take().and_then(Report::wait) {
            return Err(Error::Process(reason));
        }
        self.run_poststart()
    }

    fn run_poststart(&self) -> Result<()> {
        let spec = self.spec()?;
        let list = spec
            .hooks()
            .as_ref()
            .and_then(|hooks| hooks.poststart().as_ref());
        hooks::run(
            "poststart",
            list,
            &self.state,
            ContainerStatus::Running,
            self.dir.path(),
        )
        .inspect_err(|_| {
            // a container whose hook failed must not stay half set up, as runc has it
            let _ = self.kill(libc::SIGKILL, false);
        })
    }

    /// Runs one more process behind the container's own fences; returns once the payload has been exec'ed.
    /// The process is a child of the caller.
    pub fn exec(&self, process: Process, options: ExecOptions) -> Result<Pid> {
        let init = match (self.status()?, self.state.init) {
            (Status::Paused, _) if !options.ignore_paused => {
                return Err(refused(
                    Status::Paused,
                    "cannot exec in a paused container (use --ignore-paused to override)",
                ));
            }
            (Status::Created | Status::Running | Status::Paused, Some(init)) => init,
            _ => return Err(exec::stopped()),
        };
        exec::exec(self, init, process, options)
    }

    pub fn kill(&self, signal: i32, all: bool) -> Result<()> {
        let status = self.status()?;
        if all {
            return Ok(self.state.cgroup.signal_all(signal)?);
        }
        let Some(init) = self.state.init.filter(|_| status != Status::Stopped) else {
            return Err(refused(status, "container not running"));
        };
        // without a pid namespace the end of init ends nobody else
        if signal == libc::SIGKILL && !self.has_own_pid_namespace()? {
            return Ok(self.state.cgroup.signal_all(signal)?);
        }
        init.signal(signal).map_err(|errno| match errno {
            nix::errno::Errno::ESRCH => refused(Status::Stopped, "container not running"),
            errno => Error::Io {
                action: format!("send signal {signal}"),
                source: errno.into(),
            },
        })?;
        // a v1 freezer holds back even this one
        if signal == libc::SIGKILL && status == Status::Paused {
            self.state.cgroup.thaw()?;
        }
        Ok(())
    }

    fn has_own_pid_namespace(&self) -> Result<bool> {
        let spec = self.spec()?;
        let namespaces = spec
            .linux()
            .as_ref()
            .and_then(|linux| linux.namespaces().as_ref());
        Ok(namespaces.into_iter().flatten().any(|namespace| {
            namespace.typ() == LinuxNamespaceType::Pid && namespace.path().is_none()
        }))
    }

    /// Removes every trace; a container that runs only with `force`.
    pub(crate) fn delete(&self, force: bool) -> Result<()> {
        let status = self.status()?;
        let may_go = force || matches!(status, Status::Created | Status::Stopped);
        if !may_go {
            let text = format!(
                "cannot delete container {} that is not stopped: {status}",
                self.id()
            );
            return Err(Error::Refused { text, status });
        }
        if let Some(init) = self.state.init.filter(|_| status != Status::Stopped) {
            let _ = init.signal(libc::SIGKILL);
            if status == Status::Paused {
                self.state.cgroup.thaw()?;
            }
            if !init.wait_for_end(DEATH) {
                return Err(refused(status, "container init still running"));
            }
        }
        self.remove_processes()?;
        monitor::end(&self.state)?;
        if let Some(place) = &self.state.floor {
            place.leave()?;
        }
        if self.state.degraded.is_some() {
            Record::forget(&self.state);
        }
        let poststop = self.run_poststop();
        self.dir.remove()?;
        poststop
    }

    /// A killed `create` may have left a process that has not reached the cgroup yet: it would make it anew.
    fn remove_processes(&self) -> Result<()> {
        let deadline = Instant::now() + DEATH;
        loop {
            self.state.cgroup.remove(Kill::Yes)?;
            if self.state.init.is_some() || !self.dir.is_held() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(refused(
                    Status::Creating,
                    "a process of the killed create does not end",
                ));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn run_poststop(&self) -> Result<()> {
        // a create that was killed early has stored no config, and no hook of it has run
        let Ok(spec) = self.spec() else { return Ok(()) };
        let list = spec
            .hooks()
            .as_ref()
            .and_then(|hooks| hooks.poststop().as_ref());
        hooks::run(
            "poststop",
            list,
            &self.state,
            ContainerStatus::Stopped,
            self.dir.path(),
        )
    }

    pub fn pause(&self) -> Result<()> {
        match self.status()? {
            Status::Running | Status::Created => Ok(self.state.cgroup.freeze()?),
            Status::Paused => Ok(()),
            status => Err(refused(status, "container not running")),
        }
    }

    pub fn resume(&self) -> Result<()> {
        match self.status()? {
            Status::Paused => Ok(self.state.cgroup.thaw()?),
            status => Err(refused(status, "container not paused")),
        }
    }

    pub fn update(&self, resources: &LinuxResources) -> Result<()> {
        Ok(self.state.cgroup.update(resources)?)
    }

    /// Every process of the container's cgroup and below.
    pub fn pids(&self) -> Result<Vec<Pid>> {
        Ok(self.state.cgroup.pids()?)
    }

    /// The `data` object of runc's `events --stats`.
    pub fn stats(&self) -> Result<serde_json::Value> {
        match self.status()? {
            Status::Stopped => Err(refused(Status::Stopped, "container not running")),
            _ => Ok(self.state.cgroup.stats()?),
        }
    }
}

fn refused(status: Status, text: &str) -> Error {
    Error::Refused {
        text: text.into(),
        status,
    }
}
