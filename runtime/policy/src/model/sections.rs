//! The sections of a policy, named as in its file.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::{Action, ExecRule, FileRule, Listen, NetRule, PathPattern, Unix};
use crate::values::{NetEntry, VerdictMode, Window, choice};

/// What no policy, annotation or verdict gets past. The rules deny and take no exception.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Never {
    pub file: Vec<FileRule>,
    pub net: Vec<NetRule>,
}

/// `[exec]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    pub default: Action,
    /// For what this container wrote or created.
    pub writable: Action,
    /// `[exec.jit] default`: for memory that is writable and executable.
    pub jit: Action,
    pub rules: Vec<ExecRule>,
}

/// `[file]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub default: Action,
    pub rules: Vec<FileRule>,
}

/// `[net]`, with the rules of the presets after its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    pub default: Action,
    pub rules: Vec<NetRule>,
    pub listen: Listen,
    pub unix: Unix,
}

/// `[taint]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taint {
    pub labels: BTreeMap<String, TaintEffect>,
    pub sources: Vec<TaintSource>,
}

/// Files whose reading taints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaintSource {
    pub path: PathPattern,
    pub label: String,
}

/// `[gate]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub throttle: Window,
    pub crack: Window,
    pub lock: Window,
    pub on_lock: OnLock,
}

/// A narrower state of `[phases]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phase {
    /// `None` in it means everywhere, written `*`.
    pub net_deny: Vec<Option<NetEntry>>,
    pub exec_writable: Option<Action>,
}

/// `[receipts]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipts {
    pub detail: ReceiptDetail,
    /// Without a receipt no decision is allowed.
    pub required: bool,
}

/// `[verdict]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub mode: VerdictMode,
    pub on_primary_loss: OnPrimaryLoss,
    pub on_error: OnError,
    pub timeout: Duration,
    pub cache_ttl: Duration,
    pub budget: Window,
}

choice! {
    /// What egress means once a label was read.
    pub TaintEffect {
        Note = "note",
        Ask = "ask",
        /// All of it stops.
        Slam = "slam",
    }
}

choice! {
    /// What happens to a container that the gate locks.
    pub OnLock {
        Freeze = "freeze",
        Kill = "kill",
    }
}

choice! {
    /// What a receipt says of paths and arguments.
    pub ReceiptDetail {
        Hash = "hash",
        Full = "full",
    }
}

choice! {
    /// Who decides when the verdict service is gone.
    pub OnPrimaryLoss {
        Deny = "deny",
        LocalStrict = "local-strict",
        Local = "local",
    }
}

choice! {
    /// What an error of the verdict service means.
    pub OnError {
        Deny = "deny",
    }
}

impl Default for Exec {
    fn default() -> Self {
        Self {
            default: Action::Deny,
            writable: Action::Deny,
            jit: Action::Deny,
            rules: Vec::new(),
        }
    }
}

impl Default for File {
    fn default() -> Self {
        Self {
            default: Action::Deny,
            rules: Vec::new(),
        }
    }
}

impl Default for Net {
    fn default() -> Self {
        Self {
            default: Action::Deny,
            rules: Vec::new(),
            listen: Listen::None,
            unix: Unix::Container,
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            throttle: window(3, 60),
            crack: window(6, 60),
            lock: window(10, 300),
            on_lock: OnLock::Freeze,
        }
    }
}

impl Default for Receipts {
    fn default() -> Self {
        Self {
            detail: ReceiptDetail::Hash,
            required: false,
        }
    }
}

impl Default for Verdict {
    fn default() -> Self {
        Self {
            mode: VerdictMode::Ask,
            on_primary_loss: OnPrimaryLoss::LocalStrict,
            on_error: OnError::Deny,
            timeout: Duration::from_secs(2),
            cache_ttl: Duration::from_secs(300),
            budget: window(60, 60),
        }
    }
}

const fn window(count: u32, seconds: u32) -> Window {
    match (NonZeroU32::new(count), NonZeroU32::new(seconds)) {
        (Some(count), Some(seconds)) => Window { count, seconds },
        _ => panic!("a window holds something"),
    }
}
