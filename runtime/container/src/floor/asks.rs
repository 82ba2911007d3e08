//! Which calls wait for an answer, because the policy asks about some of them.

use serde::{Deserialize, Serialize};
use sevorix_policy::{Action, Policy, VerdictMode};

/// The kinds of calls that are held: each costs time whether or not it is one that is asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asks {
    pub exec: bool,
    pub network: bool,
    pub files: bool,
}

impl Asks {
    pub fn of(policy: &Policy) -> Self {
        // nobody is asked, or nobody waits for what is said
        if policy.verdict.mode == VerdictMode::Off || policy.is_audit() {
            return Self::default();
        }
        let (exec, net, file) = (&policy.exec, &policy.net, &policy.file);
        Self {
            exec: [exec.default, exec.writable].contains(&Action::Ask)
                || exec.rules.iter().any(|rule| asks(rule.action, rule.audit)),
            network: net.default == Action::Ask
                || net.rules.iter().any(|rule| asks(rule.action, rule.audit)),
            files: file.default == Action::Ask
                || file.rules.iter().any(|rule| asks(rule.action, rule.audit)),
        }
    }

    pub fn any(self) -> bool {
        self.exec || self.network || self.files
    }
}

fn asks(action: Action, audit: bool) -> bool {
    action == Action::Ask && !audit
}
