//! The policy of one container: what the host grants, narrowed by what its caller asks.
//!
//! A request can only narrow. Each list it gives becomes a rule that refuses what the list leaves
//! out; since the strictest rule wins, no request can undo a denial, whatever it says. What a
//! request asks for beyond the host's grant is an error, in list-valued allows a cut that is told.
//!
//! | annotation | becomes |
//! |---|---|
//! | `fs.write = /a` | a rule that denies `wc` everywhere, unless in `/a` |
//! | `fs.read = /a` | the same for `r` |
//! | `fs.deny = /a` | rules that deny `rwc` and execution in `/a` |
//! | `exec.allow = /a` | a rule that denies execution, unless of `/a` |
//! | `net.allow = a:443` | a rule that denies every destination, unless `a:443` |
//! | `net.deny = a:443` | a rule that denies `a:443` |
//! | `preset = a` | the policy's presets without all others |
//! | `verdict = off` | every `ask` is a `deny` |
//!
//! The standard devices (`/dev/null` and its kind) are in every list of files, and the system's folders of
//! libraries in `fs.read` and `exec.allow`: no program runs without them. That adds nothing to what the policy allows.

mod cuts;
mod lists;
mod narrow;
mod refused;

pub use cuts::{Cut, Granted};
pub use refused::Refused;

use crate::container_kind::ContainerKind;
use crate::error::Error;
use crate::file::{Config, Folders};
use crate::keys::Key;
use crate::model::Policy;
use crate::request::Request;
use crate::values::{AgentLabel, Intent, PolicyName, SlmMount, VerdictMode};

/// What holds for one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    pub policy: Policy,
    /// What was asked for and is not granted.
    pub cuts: Vec<Cut>,
    pub slm_mount: SlmMount,
    pub intent: Option<Intent>,
    pub agent_id: Option<AgentLabel>,
    pub agent_name: Option<AgentLabel>,
    /// The host's word, not the caller's.
    pub privileged: bool,
}

impl Folders {
    /// The policy of a container. `None`: nothing guards it, which the host must allow by listing the policy `none`.
    pub fn effective(&self, request: &Request) -> Result<Option<Effective>, Error> {
        self.effective_under(&self.config()?, request)
    }

    /// The same, for whoever has read the configuration already.
    pub fn effective_under(
        &self,
        config: &Config,
        request: &Request,
    ) -> Result<Option<Effective>, Error> {
        let name = named(config, request)?;
        if name.is_none() {
            return Ok(None);
        }
        let policy = self.policy(&name)?.ok_or_else(|| Refused::NoSuchPolicy {
            name,
            known: self.policy_names().unwrap_or_default(),
        })?;
        effective(config, policy, request).map(Some)
    }
}

/// Narrows a policy of the host by a request.
pub fn effective(
    config: &Config,
    mut policy: Policy,
    request: &Request,
) -> Result<Effective, Error> {
    policy.under(config);
    check_keys(config, &policy.name, request)?;
    let mut effective = match request.kind() {
        ContainerKind::Sandbox => Effective::unasked(config, policy),
        _ => narrow::narrow(config, policy, request)?,
    };
    if effective.policy.verdict.mode == VerdictMode::Off {
        effective.policy.deny_asks();
    }
    Ok(effective)
}

impl Policy {
    /// Puts what the host never allows before everything else.
    pub fn under(&mut self, config: &Config) {
        self.never = config.never.clone();
        self.places.extend(config.never_places.iter().cloned());
    }
}

impl Effective {
    fn unasked(config: &Config, policy: Policy) -> Self {
        Self {
            policy,
            cuts: Vec::new(),
            slm_mount: SlmMount::Monitor,
            intent: None,
            agent_id: None,
            agent_name: None,
            privileged: config.privileged,
        }
    }
}

/// The policy to start from. Whoever registered the runtime under a policy is the host.
fn named(config: &Config, request: &Request) -> Result<PolicyName, Refused> {
    let Some(name) = request.policy() else {
        return config.default_policy.clone().ok_or(Refused::NoDefault);
    };
    let is_hosts =
        *request.kind() == ContainerKind::Sandbox || request.node_policy() == Some(&name);
    let may_be_named = is_hosts
        || config.default_policy.as_ref() == Some(&name)
        || config.policies.contains(&name);
    match may_be_named {
        true => Ok(name),
        false => Err(Refused::NotNamed {
            name,
            place: config.place("policies").cloned(),
        }),
    }
}

fn check_keys(config: &Config, policy: &PolicyName, request: &Request) -> Result<(), Refused> {
    let permitted = config.annotations_with(policy);
    let own = format!("policy.{policy}.annotations");
    for (key, origin) in request.keys() {
        if key != Key::Policy && !permitted.contains(&key) {
            let place = config.place(&own).or_else(|| config.place("annotations"));
            return Err(Refused::NotPermitted {
                key: origin,
                place: place.cloned(),
            });
        }
    }
    Ok(())
}
