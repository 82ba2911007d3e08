//! What a policy needs beyond the kernel's tables, so that a runtime that can't give it refuses.

use std::fmt;

use super::{Action, Policy, Program, RuleId};

/// One thing that is needed, and the rule that needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub feature: Feature,
    pub rule: RuleId,
}

/// A part of the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    HostRules,
    ContentRules,
    ArgumentAllowances,
    Ask,
    Taint,
    ServerName,
    Phases,
    TrustMask,
    Jit,
    Essential,
    Intent,
    FullReceipts,
    Devices,
}

impl Feature {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HostRules => "rules on host names",
            Self::ContentRules => "rules on sha256",
            Self::ArgumentAllowances => "rules on argv that allow what exec.default refuses",
            Self::Ask => "the action ask",
            Self::Taint => "taint labels",
            Self::ServerName => "rules on sni",
            Self::Phases => "phases",
            Self::TrustMask => "a trust mask",
            Self::Jit => "exec.jit other than allow",
            Self::Essential => "essential destinations",
            Self::Intent => "intent windows",
            Self::FullReceipts => "receipts beyond their defaults",
            Self::Devices => "a list of devices",
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Policy {
    /// Everything it asks for that `compile` can't put into the kernel's tables alone.
    pub fn needs(&self) -> Vec<Need> {
        let mut needs = self.asked_needs.clone();
        let mut need = |feature, rule: &RuleId| {
            needs.push(Need {
                feature,
                rule: rule.clone(),
            });
        };
        self.exec_needs(&mut need);
        self.file_needs(&mut need);
        self.net_needs(&mut need);
        self.other_needs(&mut need);
        needs
    }

    fn exec_needs(&self, need: &mut impl FnMut(Feature, &RuleId)) {
        let settings = [
            ("exec.default", self.exec.default),
            ("exec.writable", self.exec.writable),
            ("exec.jit.default", self.exec.jit),
        ];
        for (name, action) in settings {
            if action == Action::Ask {
                need(Feature::Ask, &RuleId::setting(name));
            }
        }
        if self.exec.jit != Action::Allow {
            need(Feature::Jit, &RuleId::setting("exec.jit.default"));
        }
        for rule in &self.exec.rules {
            if matches!(rule.program, Program::Content(_)) {
                need(Feature::ContentRules, &rule.id);
            }
            // the line may run, and the program may not be mapped
            let allows = !rule.argv.is_empty() && rule.action == Action::Allow;
            if allows && self.exec.default != Action::Allow {
                need(Feature::ArgumentAllowances, &rule.id);
            }
            if rule.action == Action::Ask {
                need(Feature::Ask, &rule.id);
            }
        }
    }

    fn file_needs(&self, need: &mut impl FnMut(Feature, &RuleId)) {
        if self.file.default == Action::Ask {
            need(Feature::Ask, &RuleId::setting("file.default"));
        }
        for rule in &self.file.rules {
            if rule.action == Action::Ask {
                need(Feature::Ask, &rule.id);
            }
            if rule.label.is_some() {
                need(Feature::Taint, &rule.id);
            }
        }
        for index in 0..self.taint.sources.len() {
            need(Feature::Taint, &RuleId::element("taint.sources", index));
        }
    }

    fn net_needs(&self, need: &mut impl FnMut(Feature, &RuleId)) {
        if self.net.default == Action::Ask {
            need(Feature::Ask, &RuleId::setting("net.default"));
        }
        for rule in self.never.net.iter().chain(&self.net.rules) {
            let features = [
                (rule.names_a_host(), Feature::HostRules),
                (rule.action == Action::Ask, Feature::Ask),
                (rule.sni, Feature::ServerName),
                (rule.essential, Feature::Essential),
            ];
            for (_, feature) in features.into_iter().filter(|(needed, _)| *needed) {
                need(feature, &rule.id);
            }
        }
    }

    fn other_needs(&self, need: &mut impl FnMut(Feature, &RuleId)) {
        if self.trust_mask.is_some() {
            need(Feature::TrustMask, &RuleId::setting("trust_mask"));
        }
        if self.intent_max_ttl.is_some() {
            need(Feature::Intent, &RuleId::setting("intent.max_ttl"));
        }
        for name in self.phases.keys() {
            need(Feature::Phases, &RuleId::setting(&format!("phases.{name}")));
        }
        if self.receipts != super::Receipts::default() {
            need(Feature::FullReceipts, &RuleId::setting("receipts"));
        }
    }
}
