//! Where the kernel floor joins the life of a container.
//!
//! `create` makes a plan before it makes anything else, and puts it into force once init is in its cgroup and waits, before
//! anything of the image has run; `exec` joins it; `delete` takes it away. Whatever is in the way is an error: no
//! container starts with less than it asked for.

mod asks;
pub(crate) mod beginning;
mod calls;
mod degraded;
mod entry;
mod host;
mod journal;
mod plan;
mod record;

pub use asks::Asks;
pub use degraded::{Degraded, NEVER_HELD};
pub use entry::{Decided, Entry, Subject};
pub use host::{Check, Facts, Standing};
pub use journal::{Bookmarks, Journal, News};
pub use plan::{Plan, refuse_entering};
pub use record::Record;

use std::path::Path;
use std::time::SystemTime;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sevorix_bpf::floor::{Container, Enforcer, Mount, NAME, Registration};

use crate::Result;
use crate::cgroup::Cgroup;
use crate::error::errno_text;
use crate::landlock::{self, Grant};
use crate::monitor;
use crate::notify::{Courier, Handover};
use crate::seccomp::Filter;
use crate::state::State;

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
    /// `None`: it has no place in the floor's tables, for there are none on this host.
    pub fn enforce(&self, state: &State, init: Pid) -> Result<Option<Place>> {
        let mountinfo = sevorix_bpf::floor::mountinfo_of(init.as_raw())?;
        let mounts = Mount::listed(&mountinfo)?;
        let folder = unified_folder(&state.cgroup)?;
        let record = if self.degraded().is_some() {
            sevorix_bpf::floor::hold_network(folder, self.image())?;
            Record::new(state, self, None, &mounts)
        } else {
            let began = beginning::of_root(init, &mountinfo);
            let place = self.register(folder, init, &mounts, began)?;
            Record::new(state, self, Some(place), &mounts)
        };
        record.begin()?;
        Ok(record.place)
    }

    fn register(
        &self,
        cgroup: &Path,
        init: Pid,
        mounts: &[Mount],
        began: Option<SystemTime>,
    ) -> Result<Place> {
        let container = Enforcer::ensure_loaded()?.register(&Registration {
            cgroup,
            image: self.image(),
            policy_id: sevorix_policy::policy_id_of(self.digest()),
            mounts,
            began,
            init: Some(init.as_raw()),
        })?;
        Ok(Place::of(container))
    }

    /// For init.
    pub fn fence(&self) -> Fence {
        match self.degraded() {
            None => Fence::whole(self.asks()),
            Some(degraded) => Fence::degraded(degraded),
        }
    }
}

/// What every process under a policy loads before its program runs: it holds for that and for all its children.
#[derive(Debug, Clone)]
pub struct Fence {
    /// where no hook looks at files
    grants: Option<Vec<Grant>>,
    /// what no hook of the kernel sees, and what is held
    filter: Filter,
    /// of a filter that holds calls: who takes its descriptor to the monitor
    handover: Option<Handover>,
}

impl Fence {
    /// Where calls are held, it can only be loaded with a courier.
    pub fn whole(asks: Asks) -> Self {
        Self {
            grants: None,
            filter: calls::filter(asks),
            handover: None,
        }
    }

    fn degraded(degraded: &Degraded) -> Self {
        Self {
            grants: Some(degraded.grants.clone()),
            filter: calls::degraded_filter(degraded.may_listen),
            handover: None,
        }
    }

    /// For one more process of a container; `None`: it has no policy.
    pub fn of(state: &State) -> Option<Self> {
        match (&state.floor, &state.degraded) {
            (None, None) => None,
            (Some(_), None) => Some(Self::whole(state.asks)),
            (_, Some(degraded)) => Some(Self::degraded(degraded)),
        }
    }

    /// For a filter that holds calls: somebody who takes its descriptor to the monitor's socket.
    pub fn courier(&mut self, socket: &Path) -> Result<Option<Courier>> {
        if !self.holds() {
            return Ok(None);
        }
        let (_folder, socket) = monitor::shortened(socket)?;
        let (courier, handover) = Courier::send(&socket, |_| b"filter".to_vec())?;
        self.handover = Some(handover);
        Ok(Some(courier))
    }

    pub fn holds(&self) -> bool {
        self.filter.notifies
    }

    /// Only one that holds calls can tell: it is loaded early.
    pub fn is_loaded(&self) -> bool {
        self.handover.as_ref().is_some_and(Handover::is_done)
    }

    pub fn load(&self) -> Result<(), String> {
        if let Some(grants) = &self.grants {
            landlock::restrict(grants)?;
        }
        if let Some(handover) = &self.handover {
            return handover.load(&self.filter);
        }
        if self.holds() {
            return Err("a filter that holds calls has no monitor".into());
        }
        let failed = |errno| format!("load seccomp filter: {}", errno_text(errno));
        self.filter.load().map(drop).map_err(failed)
    }
}

impl Place {
    /// In the tables of this release.
    pub(super) fn of(container: Container) -> Self {
        Self {
            floor: NAME.into(),
            slot: container.slot,
            generation: container.generation,
        }
    }

    /// No other container of this boot has the same.
    fn key(&self) -> String {
        format!("{}-{}", self.slot_name(), self.generation)
    }

    /// Each release has slots of its own.
    fn slot_name(&self) -> String {
        format!("{}-{}", self.floor, self.slot)
    }

    /// Makes this process, and with it every child of it, one of the container. They are ours until they execute something.
    pub fn join(&self) -> Result<()> {
        if !self.is_of_this_release() {
            return Err(crate::Error::OtherFloor);
        }
        let enforcer = Enforcer::ensure_loaded()?;
        Ok(enforcer.label(Pid::this().as_raw(), self.container(), true)?)
    }

    /// Gives the place back. To be called when the container's last process is gone. The floor of another release goes
    /// with the last container under it.
    pub fn leave(&self) -> Result<()> {
        if !self.is_of_this_release() {
            sevorix_bpf::floor::sweep_earlier()?;
            Record::end(self);
            return Ok(());
        }
        let enforcer = Enforcer::ensure_loaded()?;
        enforcer.release(self.container())?;
        // its last reports can only be named as long as its slot has no other owner; nothing rests on them
        let _ = Journal::open().and_then(|journal| journal.collect(&enforcer));
        Record::end(self);
        Ok(())
    }

    /// For whoever reads the container's events; nothing rests on it.
    pub fn tell(&self, decision: &Decided) {
        let entry = Entry::decided(decision, Record::at(self).as_ref());
        let _ = Journal::open().and_then(|journal| journal.add(&self.key(), entry));
    }

    pub fn is_of_this_release(&self) -> bool {
        self.floor == NAME
    }

    pub fn container(&self) -> Container {
        Container {
            slot: self.slot,
            generation: self.generation,
        }
    }
}

fn unified_folder(cgroup: &Cgroup) -> Result<&Path> {
    cgroup
        .unified_folder()
        .ok_or_else(|| crate::Error::BelowTheFloor {
            lack: "the container has no cgroup in the v2 hierarchy".into(),
            fix: "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified".into(),
        })
}
