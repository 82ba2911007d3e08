//! Each field of a request against the host's policy.

use std::time::Duration;

use super::cuts::{self, Cut};
use super::{Effective, Refused, lists};
use crate::error::Error;
use crate::file::Config;
use crate::keys::{Asked, Key};
use crate::model::{Gate, Policy, RuleId};
use crate::request::Request;
use crate::values::{GateStep, Mode, SlmMount, TrustMask, VerdictMode, Window};

pub(super) fn narrow(
    config: &Config,
    policy: Policy,
    request: &Request,
) -> Result<Effective, Error> {
    let asked = request.asked();
    let mut narrowing = Narrowing {
        config,
        request,
        cuts: cuts::of_lists(&policy, &asked),
        policy,
    };
    narrowing.settings(&asked)?;
    narrowing.presets(&asked);
    lists::narrow(&mut narrowing.policy, &asked);
    narrowing.gate(&asked)?;
    let slm_mount = narrowing.slm_mount(&asked)?;
    Ok(Effective {
        policy: narrowing.policy,
        cuts: narrowing.cuts,
        slm_mount,
        intent: asked.intent,
        agent_id: asked.agent_id,
        agent_name: asked.agent_name,
        privileged: config.privileged,
    })
}

struct Narrowing<'a> {
    config: &'a Config,
    request: &'a Request,
    policy: Policy,
    cuts: Vec<Cut>,
}

impl Narrowing<'_> {
    fn settings(&mut self, asked: &Asked) -> Result<(), Refused> {
        if let Some(mode) = asked.mode {
            self.mode(mode)?;
        }
        if let Some(mask) = asked.trust_mask {
            self.trust_mask(mask, asked)?;
        }
        if let Some(domain) = asked.domain {
            if domain != self.policy.domain && !self.config.domains.contains(&domain) {
                return Err(self.exceeds(Key::Domain, domain, self.policy.domain, "domains"));
            }
            self.policy.domain = domain;
        }
        if let Some(mode) = asked.verdict {
            let own = self.policy.verdict.mode;
            if width(mode) > width(own) {
                return Err(self.exceeds(Key::Verdict, mode, own, ""));
            }
            self.policy.verdict.mode = mode;
        }
        if let Some(timeout) = asked.verdict_timeout {
            let own = self.policy.verdict.timeout;
            if timeout.as_duration() > own {
                let own = milliseconds(own);
                return Err(self.exceeds(Key::VerdictTimeout, timeout, own, ""));
            }
            self.policy.verdict.timeout = timeout.as_duration();
        }
        Ok(())
    }

    /// The only field by which a request can loosen, and only where the host's configuration lists the mode.
    fn mode(&mut self, mode: Mode) -> Result<(), Refused> {
        let granted =
            mode == Mode::Enforce || mode == self.policy.mode || self.config.modes.contains(&mode);
        if !granted {
            return Err(self.exceeds(Key::Mode, mode, self.policy.mode, "modes"));
        }
        self.policy.mode = mode;
        Ok(())
    }

    /// Bits 16-23 mean something else in another domain, so none of them is granted there.
    fn trust_mask(&mut self, mask: TrustMask, asked: &Asked) -> Result<(), Refused> {
        if let Some(own) = self.policy.trust_mask {
            let same_domain = asked
                .domain
                .is_none_or(|domain| domain == self.policy.domain);
            let granted = if same_domain {
                own.bits()
            } else {
                own.bits() & 0xFFFF
            };
            if mask.bits() & !granted != 0 {
                let granted = format!("0x{granted:08X}");
                return Err(self.exceeds(Key::TrustMask, mask, granted, ""));
            }
        }
        self.policy.trust_mask = Some(mask);
        Ok(())
    }

    /// Presets only allow, so that one less can't loosen anything.
    fn presets(&mut self, asked: &Asked) {
        let Some(presets) = &asked.presets else {
            return;
        };
        let kept = |name: &&_| presets.as_slice().contains(name);
        let dropped = self.policy.presets.iter().filter(|name| !kept(name));
        let dropped: Vec<String> = dropped.map(|name| format!("preset.{name}[")).collect();
        self.policy.presets.retain(|name| kept(&name));
        let is_dropped = |id: &RuleId| dropped.iter().any(|list| id.as_str().starts_with(list));
        self.policy.net.rules.retain(|rule| !is_dropped(&rule.id));
    }

    /// Tighter: no more violations in no less time.
    fn gate(&mut self, asked: &Asked) -> Result<(), Refused> {
        let Some(limits) = &asked.gate else {
            return Ok(());
        };
        for step in GateStep::ALL {
            let Some(window) = limits.get(*step) else {
                continue;
            };
            let own = *slot(&mut self.policy.gate, *step);
            if window.count > own.count || window.seconds < own.seconds {
                let text = |Window { count, seconds }| format!("{step}={count}/{seconds}s");
                return Err(self.exceeds(Key::Gate, text(window), text(own), ""));
            }
            *slot(&mut self.policy.gate, *step) = window;
        }
        Ok(())
    }

    fn slm_mount(&mut self, asked: &Asked) -> Result<SlmMount, Refused> {
        let mount = asked.slm_mount.unwrap_or(SlmMount::Monitor);
        if mount == SlmMount::Host && !self.config.slm_mounts.contains(&mount) {
            return Err(self.exceeds(Key::SlmMount, mount, SlmMount::Monitor, "slm_mount"));
        }
        Ok(mount)
    }

    /// `setting`: the key of the configuration that could grant it, if one can.
    fn exceeds(
        &self,
        key: Key,
        asked: impl ToString,
        ceiling: impl ToString,
        setting: &str,
    ) -> Refused {
        Refused::Exceeds {
            key: self.request.origin(key),
            asked: asked.to_string(),
            ceiling: ceiling.to_string(),
            place: self.config.place(setting).cloned(),
        }
    }
}

fn slot(gate: &mut Gate, step: GateStep) -> &mut Window {
    match step {
        GateStep::Throttle => &mut gate.throttle,
        GateStep::Crack => &mut gate.crack,
        GateStep::Lock => &mut gate.lock,
    }
}

/// How much it lets through: `off` turns every ask into a denial, `quorum` needs more agreement than `ask`.
fn width(mode: VerdictMode) -> u8 {
    match mode {
        VerdictMode::Off => 0,
        VerdictMode::Quorum => 1,
        VerdictMode::Ask => 2,
    }
}

fn milliseconds(time: Duration) -> String {
    time.as_millis().to_string()
}
