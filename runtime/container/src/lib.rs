//! The life of a container: create, start, exec, kill, delete and what lies between, on youki's libcontainer.
//!
//! libcontainer builds the namespaces, the mounts and the init process. Everything an engine can see from outside
//! (state, cgroup, signals, error texts) and the last steps inside the container before the payload runs are ours,
//! because that is where a policy must hold and where engines compare us with runc.

pub mod cgroup;
mod container;
mod create;
mod error;
mod exec;
mod state;

pub use container::Container;
pub use create::CreateOptions;
pub use error::{Error, Result};
pub use exec::ExecOptions;
pub use state::{State, Status};

use std::path::PathBuf;

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
        todo!()
    }

    /// The container as its state folder describes it; `container does not exist` when there is none.
    pub fn load(&self, id: &str) -> Result<Container> {
        todo!()
    }

    /// Every container below this root, in the order of their ids. One that can't be read is an `Err` of its own.
    pub fn list(&self) -> Result<Vec<(String, Result<Container>)>> {
        todo!()
    }

    /// Removes what a half-made container of this id left behind; with `force` an unknown id is no error.
    pub fn delete(&self, id: &str, force: bool) -> Result<()> {
        todo!()
    }
}
