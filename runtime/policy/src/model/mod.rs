//! The policy of one container, complete and typed: what the files and the annotations came to.
//!
//! Nothing after this reads TOML or an annotation again. `judge` decides by it, `compile` turns it
//! into the tables that the kernel decides by.

mod action;
mod asks;
mod needs;
mod path;
mod rules;
mod sections;
mod words;

pub use action::{Action, Asker, Listen, RuleId, Unix};
pub use needs::{Feature, Need};
pub use path::{Components, NamePattern, PathPattern, Reach, components};
pub use rules::{Access, ExecRule, FileMatch, FileRule, NetRule, Program, Sha256};
pub use sections::{
    Exec, File, Gate, Net, Never, OnError, OnLock, OnPrimaryLoss, Phase, ReceiptDetail, Receipts,
    Taint, TaintEffect, TaintSource, Verdict,
};

pub use words::LINE_MOST;

pub(crate) use path::{FRESH, extension_of, last_of};
pub(crate) use words::{REST, fit, length};

use std::collections::BTreeMap;
use std::time::Duration;

use crate::file::Place;
use crate::values::{Domain, Mode, PolicyName, PresetName, TrustMask};

/// What one container may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub name: PolicyName,
    pub description: String,
    pub mode: Mode,
    pub presets: Vec<PresetName>,
    pub domain: Domain,
    /// `None`: no system-call profile of ours.
    pub trust_mask: Option<TrustMask>,
    pub never: Never,
    pub exec: Exec,
    pub file: File,
    pub net: Net,
    /// The longest window that an agent may declare; `None`: none at all.
    pub intent_max_ttl: Option<Duration>,
    pub taint: Taint,
    pub gate: Gate,
    pub phases: BTreeMap<String, Phase>,
    pub receipts: Receipts,
    pub verdict: Verdict,
    /// Where the rules and the settings stand.
    pub places: BTreeMap<RuleId, Place>,
    /// What annotations ask for that no rule says.
    pub asked_needs: Vec<Need>,
}

impl Policy {
    /// Everything by its default: what is not said is denied.
    pub fn new(name: PolicyName) -> Self {
        Self {
            name,
            description: String::new(),
            mode: Mode::Enforce,
            presets: Vec::new(),
            domain: Domain::General,
            trust_mask: None,
            never: Never::default(),
            exec: Exec::default(),
            file: File::default(),
            net: Net::default(),
            intent_max_ttl: None,
            taint: Taint::default(),
            gate: Gate::default(),
            phases: BTreeMap::new(),
            receipts: Receipts::default(),
            verdict: Verdict::default(),
            places: BTreeMap::new(),
            asked_needs: Vec::new(),
        }
    }

    /// Whether refusals are recorded and let through; `never` rules hold all the same.
    pub fn is_audit(&self) -> bool {
        self.mode != Mode::Enforce
    }
}
