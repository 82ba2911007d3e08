//! What a policy says of verdicts, and what it leaves to us.

use std::time::Duration;

use sevorix_policy::{OnPrimaryLoss, VerdictMode, Window};

/// How a router decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub mode: VerdictMode,
    pub on_primary_loss: OnPrimaryLoss,
    /// How long an action is held at most.
    pub timeout: Duration,
    pub cache_ttl: Duration,
    /// Questions that reach a service; what memory answers is free.
    pub budget: Window,
    /// How many actions wait at once.
    pub held: usize,
    /// How long the primary service is waited for.
    pub primary_budget: Duration,
}

impl From<&sevorix_policy::Verdict> for Settings {
    fn from(section: &sevorix_policy::Verdict) -> Self {
        let sevorix_policy::OnError::Deny = section.on_error;
        Self {
            mode: section.mode,
            on_primary_loss: section.on_primary_loss,
            timeout: section.timeout,
            cache_ttl: section.cache_ttl,
            budget: section.budget,
            held: 256,
            primary_budget: Duration::from_millis(25),
        }
    }
}
