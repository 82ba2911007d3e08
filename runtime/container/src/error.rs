//! The one error type of the crate.
//!
//! Engines act on the words of an error: "container not running" ends a `docker stop`, "executable file not found"
//! becomes exit status 127. Those texts are runc's; everything else says what failed, with what, in our own words.

use std::io;
use std::path::{Path, PathBuf};

use sevorix_policy::Feature;

use crate::cgroup::CgroupError;
use crate::state::Status;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("container does not exist")]
    NotFound { id: String },
    #[error("container with given ID already exists")]
    AlreadyExists { id: String },
    #[error("invalid container ID format: {id:?}")]
    InvalidId { id: String },
    /// The verb does not apply to a container in this state; the text is the engine's.
    #[error("{text}")]
    Refused { text: String, status: Status },
    /// The bundle or its config.json asks for something that can't be.
    #[error("{0}")]
    Bundle(String),
    #[error(transparent)]
    Policy(#[from] sevorix_policy::Error),
    #[error(transparent)]
    TooLarge(#[from] sevorix_policy::TooLarge),
    #[error("policy {policy} needs {feature} ({rule}), which can't be enforced yet")]
    Unenforceable {
        policy: String,
        rule: String,
        feature: &'static str,
    },
    /// Nothing may start here that asks for a policy.
    #[error("this host can't enforce a policy: {lack}")]
    BelowTheFloor { lack: String, fix: String },
    /// A rule that is only half held is worse than none: somebody relies on it.
    #[error("policy {policy} can't be held whole by what is left on this host: {}", .rules.join(", "))]
    NotHeldDegraded { policy: String, rules: Vec<String> },
    #[error("the container is under the policy tables of another release of sevorix")]
    OtherFloor,
    /// The policy would only seem to hold.
    #[error(
        "policy {policy} can't hold beside {capability}: with it a process makes its own routes and tunnels"
    )]
    Undermined {
        policy: String,
        capability: &'static str,
    },
    /// The same, of a process that enters a container.
    #[error(
        "{capability} was not given to the container, whose policy can't hold beside it: with it a process makes its own routes and tunnels"
    )]
    Undermines { capability: &'static str },
    #[error("the container's monitor can't hold what the policy asks about: {reason}")]
    Monitor { reason: String },
    /// The kernel takes one notifying filter for a process.
    #[error(
        "policy {policy} asks about actions, and the seccomp profile notifies a listener of its own: only one of them can hold calls"
    )]
    TwoListeners { policy: String },
    #[error(transparent)]
    Floor(#[from] sevorix_bpf::BpfError),
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// Namespaces, mounts or the payload itself failed inside the container.
    #[error("unable to start container process: {0}")]
    Process(String),
    #[error("error running {kind} hook: {reason}")]
    Hook { kind: &'static str, reason: String },
    #[error("{action}: {}", os_text(.source))]
    Io { action: String, source: io::Error },
}

impl Error {
    /// The next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::AlreadyExists { id } => Some(format!(
                "choose another id, or remove it: sevorix delete --force {id}"
            )),
            Self::InvalidId { .. } => Some("an id is made of letters, digits and _ + - .".into()),
            Self::Policy(error) => Some(error.hint()),
            Self::Unenforceable { feature, .. } if *feature == Feature::ContentRules.as_str() => {
                Some("name the program by its path, and set writable = \"deny\", so that no copy of it runs".into())
            }
            Self::Unenforceable { rule, .. } => Some(format!("remove {rule} from the policy")),
            Self::BelowTheFloor { fix, .. } => Some(fix.clone()),
            Self::NotHeldDegraded { rules, .. } => Some(format!(
                "mend the host (sevorix doctor), or accept that they are not held, in its config.toml: [floor] accept = {rules:?}"
            )),
            Self::OtherFloor => Some("start it anew to enter it".into()),
            Self::Undermined { .. } => Some(
                "drop the capability, or allow it on this host: privileged = true in config.toml"
                    .into(),
            ),
            Self::Undermines { .. } => Some(
                "enter it without the capability (without --privileged), or make the container with it".into(),
            ),
            Self::TwoListeners { .. } => Some(
                "take SCMP_ACT_NOTIFY out of the profile, or turn the policy's asks off: io.sevorix.verdict = off".into(),
            ),
            Self::Floor(error) => error.hint(),
            Self::Cgroup(error) => error.hint(),
            _ => None,
        }
    }
}

/// `No such file or directory (os error 2)` as engines know it from runc: `no such file or directory`.
pub fn os_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => errno_text(nix::errno::Errno::from_raw(number)),
        None => error.to_string(),
    }
}

pub(crate) fn errno_text(errno: nix::errno::Errno) -> String {
    errno.desc().to_lowercase()
}

/// Names the file an operation failed on.
pub trait Context<T> {
    fn during(self, action: impl FnOnce() -> String) -> Result<T>;

    fn on(self, verb: &str, path: &Path) -> Result<T>
    where
        Self: Sized,
    {
        self.during(|| format!("{verb} {}", path.display()))
    }
}

impl<T> Context<T> for io::Result<T> {
    fn during(self, action: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Io {
            action: action(),
            source,
        })
    }
}

impl<T> Context<T> for nix::Result<T> {
    fn during(self, action: impl FnOnce() -> String) -> Result<T> {
        self.map_err(io::Error::from).during(action)
    }
}

/// A path of the state folder that must exist for the container to be known at all.
pub(crate) fn missing(id: &str, path: PathBuf, source: io::Error) -> Error {
    if source.kind() == io::ErrorKind::NotFound {
        Error::NotFound { id: id.into() }
    } else {
        Error::Io {
            action: format!("read {}", path.display()),
            source,
        }
    }
}
