//! The policy of a container that is about to be made, or the reason why it can't be enforced here.

use oci_spec::runtime::{Capability, Process, Spec};
use sevorix_bpf::floor::Enforcer;
use sevorix_policy::{Effective, Feature, Folders, Image, Policy, Request, compile};

use super::Asks;
use super::degraded::Degraded;
use super::host::Facts;
use crate::{Error, Result};

/// What is to be enforced.
#[derive(Debug)]
pub struct Plan {
    effective: Effective,
    image: Image,
    /// of the image
    digest: [u8; 32],
    degraded: Option<Degraded>,
}

impl Plan {
    /// `None`: nobody asks for a policy, neither the caller nor the host. Nothing has been made yet.
    pub fn of(request: &Request, spec: &Spec, folders: &Folders) -> Result<Option<Self>> {
        let config = folders.config()?;
        if request.needs_enforcement().is_none() && config.default_policy.is_none() {
            return Ok(None);
        }
        let Some(effective) = folders.effective_under(&config, request)? else {
            return Ok(None);
        };
        refuse_undermined(&effective, spec)?;
        let image = compile(&effective.policy)?;
        let degraded = match Enforcer::is_loaded() {
            true => None,
            false => {
                let facts = Facts::of_this_host();
                Degraded::where_needed(&facts, &config, &effective.policy, &image)?
            }
        };
        if degraded.is_none() {
            refuse_unmet(&effective.policy)?;
        }
        Ok(Some(Self {
            effective,
            digest: image.digest(),
            image,
            degraded,
        }))
    }

    /// What is not held, on a host that can't hold whole policies.
    pub fn degraded(&self) -> Option<&Degraded> {
        self.degraded.as_ref()
    }

    /// What is held in the kernel until somebody answers. Where only parts of a policy hold, an ask is a denial.
    pub fn asks(&self) -> Asks {
        match self.degraded {
            None => Asks::of(&self.effective.policy),
            Some(_) => Asks::default(),
        }
    }

    /// Of the compiled policy.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    pub fn policy(&self) -> &Policy {
        &self.effective.policy
    }

    pub(super) fn agent_name(&self) -> Option<String> {
        let name = self.effective.agent_name.as_ref();
        name.map(ToString::to_string)
    }

    pub(super) fn image(&self) -> &Image {
        &self.image
    }
}

/// Destinations are judged where a process names them. Whoever may make routes and tunnels changes them after that.
fn refuse_undermined(effective: &Effective, spec: &Spec) -> Result<()> {
    if effective.privileged || !spec.process().as_ref().is_some_and(makes_routes) {
        return Ok(());
    }
    Err(Error::Undermined {
        policy: effective.policy.name.to_string(),
        capability: "CAP_NET_ADMIN",
    })
}

/// What `create` was not given, `exec` is not given either.
pub fn refuse_entering(caller: &Spec, process: &Process) -> Result<()> {
    let init_may = caller.process().as_ref().is_some_and(makes_routes);
    match makes_routes(process) && !init_may {
        true => Err(Error::Undermines {
            capability: "CAP_NET_ADMIN",
        }),
        false => Ok(()),
    }
}

/// In whichever set: an inheritable capability outlives an exec by root, whatever bounds the others.
fn makes_routes(process: &Process) -> bool {
    let Some(sets) = process.capabilities() else {
        return false;
    };
    let sets = [
        sets.bounding(),
        sets.effective(),
        sets.inheritable(),
        sets.permitted(),
        sets.ambient(),
    ];
    sets.into_iter()
        .flatten()
        .any(|set| set.contains(&Capability::NetAdmin))
}

/// What the kernel's tables hold. An ask is a denial there; the monitor's grants are its exceptions.
const ENFORCED: &[Feature] = &[Feature::Ask, Feature::Jit, Feature::Intent];

fn refuse_unmet(policy: &Policy) -> Result<()> {
    let needs = policy.needs();
    let unmet = needs.iter().find(|need| !ENFORCED.contains(&need.feature));
    match unmet {
        None => Ok(()),
        Some(need) => Err(Error::Unenforceable {
            policy: policy.name.to_string(),
            rule: need.rule.to_string(),
            feature: need.feature.as_str(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use oci_spec::runtime::LinuxCapabilities;

    use super::*;

    fn with(give: impl FnOnce(&mut LinuxCapabilities, HashSet<Capability>)) -> Process {
        let mut sets = LinuxCapabilities::default();
        give(&mut sets, HashSet::from([Capability::NetAdmin]));
        let mut process = Process::default();
        process.set_capabilities(Some(sets));
        process
    }

    fn of(process: Process) -> Spec {
        let mut spec = Spec::default();
        spec.set_process(Some(process));
        spec
    }

    #[test]
    fn exec_is_given_no_capability_that_create_was_not() {
        let mut plain = Process::default();
        plain.set_capabilities(Some(LinuxCapabilities::default()));
        let bounding = with(|sets, all| {
            sets.set_bounding(Some(all));
        });
        let inheritable = with(|sets, all| {
            sets.set_inheritable(Some(all));
        });
        for more in [&bounding, &inheritable] {
            assert!(matches!(
                refuse_entering(&of(plain.clone()), more),
                Err(Error::Undermines { .. })
            ));
            assert!(refuse_entering(&of(bounding.clone()), more).is_ok());
        }
        assert!(refuse_entering(&of(plain.clone()), &plain).is_ok());
    }
}
