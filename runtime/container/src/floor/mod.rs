//! Where the kernel floor joins the life of a container.
//!
//! `create` makes a plan before it makes anything else, and puts it into force once init is in its cgroup and waits, before
//! anything of the image has run; `exec` joins it; `delete` takes it away. Whatever is in the way is an error: no
//! container starts with less than it asked for.

mod beginning;
mod calls;
mod host;
mod plan;
mod record;

pub use host::{Check, Facts, Standing};
pub use plan::{Plan, refuse_entering};
pub use record::Record;

use std::path::Path;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sevorix_bpf::floor::{Container, Enforcer, Mount, NAME, Registration};

use crate::Result;
use crate::cgroup::Cgroup;
use crate::seccomp::Filter;

/// A container's place in the kernel's tables, kept with its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// which release's: each has its own tables
    floor: String,
    slot: u32,
    generation: u32,
}

impl Plan {
    /// From here on the kernel holds the policy for everything in the cgroup; init itself from its next exec on.
    pub fn enforce(&self, id: &str, cgroup: &Cgroup, init: Pid) -> Result<Place> {
        let enforcer = Enforcer::ensure_loaded()?;
        let mounts = Mount::of_process(init.as_raw())?;
        let container = enforcer.register(&Registration {
            cgroup: unified_folder(cgroup)?,
            image: self.image(),
            mounts: &mounts,
            began: beginning::of_root(init),
            init: Some(init.as_raw()),
        })?;
        let place = Place {
            floor: NAME.into(),
            slot: container.slot,
            generation: container.generation,
        };
        Record::new(id, self, place.clone(), &mounts).save()?;
        Ok(place)
    }
}

impl Place {
    /// Makes this process, and with it every child of it, one of the container. They are ours until they execute something.
    pub fn join(&self) -> Result<()> {
        if !self.is_of_this_release() {
            return Err(crate::Error::OtherFloor);
        }
        let enforcer = Enforcer::ensure_loaded()?;
        Ok(enforcer.label(Pid::this().as_raw(), self.container(), true)?)
    }

    /// Gives the place back. To be called when the container's last process is gone. One of another release stays there
    /// until the next boot: it refuses everything that could still bear its label.
    pub fn leave(&self) -> Result<()> {
        if !self.is_of_this_release() {
            return Ok(());
        }
        Enforcer::ensure_loaded()?.release(self.container())?;
        Record::end(self);
        Ok(())
    }

    fn is_of_this_release(&self) -> bool {
        self.floor == NAME
    }

    pub fn container(&self) -> Container {
        Container {
            slot: self.slot,
            generation: self.generation,
        }
    }
}

/// What no hook of the kernel sees, for every process that runs under a policy.
pub fn filter() -> Result<Filter> {
    calls::filter()
}

fn unified_folder(cgroup: &Cgroup) -> Result<&Path> {
    cgroup
        .unified_folder()
        .ok_or_else(|| crate::Error::BelowTheFloor {
            lack: "the container has no cgroup in the v2 hierarchy".into(),
            fix: "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified".into(),
        })
}
