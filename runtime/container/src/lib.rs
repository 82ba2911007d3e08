//! The life of a container: create, start, exec, kill, delete and what lies between, on youki's libcontainer.
//!
//! libcontainer builds the namespaces, the mounts and the init process. Everything an engine can see from outside
//! (state, cgroup, signals, error texts) and the last steps inside the container before the payload runs are ours,
//! because that is where a policy must hold and where engines compare us with runc.

mod bundle;
pub mod cgroup;
mod container;
mod create;
mod error;
mod exec;
mod executor;
mod finish;
pub mod floor;
pub mod held;
mod hooks;
mod landlock;
mod launch;
mod limits;
mod lookup;
pub mod monitor;
mod mount_error;
mod notify;
mod prepare;
mod proc_mount;
mod process;
mod report;
mod seccomp;
mod stage;
mod state;
mod targets;
mod user;
mod userns;

use std::path::PathBuf;

pub use container::Container;
pub use create::CreateOptions;
pub use error::{Context, Error, Result, os_text};
pub use exec::ExecOptions;
pub use process::{ProcessId, pidfd_open};
pub use report::Trace;
pub use state::{State, Status};

use state::StateDir;

/// What every verb of one invocation shares: the engine's global flags.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// `--root`: one folder below it for each container
    pub root: PathBuf,
    pub cgroup_driver: cgroup::Driver,
    /// `--policy NAME`, set by the operator for engines that cannot pass annotations
    pub node_policy: Option<String>,
}

impl Runtime {
    /// Prepares the container up to the point where `start` lets its payload run.
    pub fn create(&self, id: &str, options: CreateOptions) -> Result<Container> {
        create::create(self, id, options)
    }

    /// The container as its state folder describes it; `container does not exist` when there is none.
    pub fn load(&self, id: &str) -> Result<Container> {
        let dir = StateDir::locate(&self.root, id)?;
        Ok(Container::new(dir.load(id)?, dir, None))
    }

    /// Every container below this root, in the order of their ids. One that can't be read is an `Err` of its own.
    pub fn list(&self) -> Result<Vec<(String, Result<Container>)>> {
        let entries = match std::fs::read_dir(&self.root) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.on("list", &self.root)?,
        };
        let folders = entries
            .filter_map(|entry| entry.ok())
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut ids: Vec<String> = folders
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        ids.sort();
        Ok(ids
            .into_iter()
            .map(|id| (id.clone(), self.load(&id)))
            .collect())
    }

    /// Removes the container, or what a killed `create` left of it; with `force` an unknown id is no error.
    pub fn delete(&self, id: &str, force: bool) -> Result<()> {
        match self.load(id) {
            Ok(container) => container.delete(force),
            // the folder was claimed and nothing else made yet: there is no state to read
            Err(Error::NotFound { .. }) if force => StateDir::locate(&self.root, id)?.remove(),
            Err(error) => Err(error),
        }
    }
}
