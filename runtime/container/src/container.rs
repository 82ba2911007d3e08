use nix::unistd::Pid;
use oci_spec::runtime::{LinuxResources, Process, Spec};

use crate::state::{State, Status};
use crate::{ExecOptions, Result, Runtime};

/// One container and the folder that describes it.
#[derive(Debug)]
pub struct Container {
    state: State,
}

impl Container {
    pub fn id(&self) -> &str {
        &self.state.id
    }
    pub fn state(&self) -> &State {
        &self.state
    }
    pub fn status(&self) -> Result<Status> {
        todo!()
    }
    /// The caller's config.json as it was at `create`.
    pub fn spec(&self) -> Result<Spec> {
        todo!()
    }
    /// None once init has ended.
    pub fn init_pid(&self) -> Option<Pid> {
        todo!()
    }
    pub fn start(&self) -> Result<()> {
        todo!()
    }
    /// Runs one more process under the container's own fences; returns once the payload has been exec'ed.
    /// The process is a child of the caller.
    pub fn exec(&self, process: Process, options: ExecOptions) -> Result<Pid> {
        todo!()
    }
    pub fn kill(&self, signal: i32, all: bool) -> Result<()> {
        todo!()
    }
    pub fn pause(&self) -> Result<()> {
        todo!()
    }
    pub fn resume(&self) -> Result<()> {
        todo!()
    }
    pub fn update(&self, resources: &LinuxResources) -> Result<()> {
        todo!()
    }
    /// Every process of the container's cgroup and below.
    pub fn pids(&self) -> Result<Vec<Pid>> {
        todo!()
    }
    /// The `data` object of runc's `events --stats`.
    pub fn stats(&self) -> Result<serde_json::Value> {
        todo!()
    }
}
