//! What the judge answers.

use crate::model::{Action, RuleId};
use crate::values::choice;

/// A decision, and everything that `explain` tells about it.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub action: Action,
    /// It is reported and let through, whatever the action.
    pub audit: bool,
    /// How the act fails when it is not let through; `None` only for `allow`.
    pub refusal: Option<Refusal>,
    pub rule: RuleId,
    pub reason: Reason,
    /// The rules that speak of the act, too, and did not decide.
    pub beaten: Vec<Beaten>,
}

/// A rule that lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beaten {
    pub rule: RuleId,
    pub action: Action,
    pub audit: bool,
}

choice! {
    /// The errno of a refusal.
    pub Refusal {
        Access = "EACCES",
        Perm = "EPERM",
        CrossDevice = "EXDEV",
    }
}

choice! {
    /// Why a rule decided.
    pub Reason {
        /// It names the object.
        Match = "match",
        /// No rule does.
        NoMatch = "no-match",
        Never = "never",
        /// This container wrote what it executes.
        Written = "written",
        /// The command line is longer than what is judged, and a rule on it could apply.
        TooLong = "too-long",
        /// The object would come under other rules.
        OutOfReach = "out-of-reach",
        /// The setting covers all of the kind.
        Setting = "setting",
    }
}

impl Judgement {
    pub fn lets_through(&self) -> bool {
        self.action == Action::Allow || self.audit
    }
}
