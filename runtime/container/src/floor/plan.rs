//! The policy of a container that is about to be made, or the reason why it can't be enforced here.

use oci_spec::runtime::{Capability, Spec};
use sevorix_policy::{Action, Effective, Feature, Folders, Image, Policy, Request, compile};

use super::host::Facts;
use crate::{Error, Result};

/// What is to be enforced.
#[derive(Debug)]
pub struct Plan {
    effective: Effective,
    image: Image,
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
        refuse_unmet(&effective.policy)?;
        refuse_undermined(&effective, spec)?;
        if let Some(check) = Facts::of_this_host().below_the_floor() {
            return Err(Error::BelowTheFloor {
                lack: format!("{}: {}", check.name, check.found),
                fix: check.fix.unwrap_or_default(),
            });
        }
        let image = compile(&effective.policy)?;
        refuse_written(&effective.policy, &image)?;
        Ok(Some(Self { effective, image }))
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
    let capabilities = spec
        .process()
        .as_ref()
        .and_then(|process| process.capabilities().as_ref());
    let bounding = capabilities.and_then(|sets| sets.bounding().as_ref());
    let holds = bounding.is_some_and(|set| set.contains(&Capability::NetAdmin));
    if !holds || effective.privileged {
        return Ok(());
    }
    Err(Error::Undermined {
        policy: effective.policy.name.to_string(),
        capability: "CAP_NET_ADMIN",
    })
}

/// Nobody marks what the container writes: a policy may refuse to execute it only by where it can lie.
fn refuse_written(policy: &Policy, image: &Image) -> Result<()> {
    if policy.exec.writable == Action::Allow || !image.runs_what_it_writes() {
        return Ok(());
    }
    Err(Error::Unenforceable {
        policy: policy.name.to_string(),
        rule: "exec.writable".into(),
        feature: "to tell what the container wrote from what the image brought",
    })
}

/// What the kernel's tables hold: an ask is a denial as long as nobody answers it.
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
