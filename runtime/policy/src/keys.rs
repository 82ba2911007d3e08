//! The keys a caller may use, in one table: name, type, and how an override joins the pod's value.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::shown::Shown;
use crate::values::{
    AgentLabel, ContainerName, Device, Domain, GateLimits, Intent, Invalid, List, Mode, NetEntry,
    PathPrefix, PolicyName, PresetName, ProgramPath, SlmMount, TrustMask, VerdictMode,
    VerdictTimeout, nearest,
};

/// What the project's annotations begin with.
pub const PREFIX: &str = "io.sevorix.";

macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident = $name:literal, $field:ident: $type:ty, $join:expr;)+) => {
        /// An annotation without the prefix.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key { $($(#[$doc])* $key,)+ }

        impl Key {
            /// Every key, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$key,)+];

            /// The key without the prefix.
            pub fn name(self) -> &'static str {
                match self { $(Self::$key => $name,)+ }
            }
        }

        /// What was asked, one field for each key; what was not asked is `None`.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Asked { $($(#[$doc])* pub $field: Option<$type>,)+ }

        impl Asked {
            pub(crate) fn set(&mut self, key: Key, value: &str) -> Result<(), Invalid> {
                match key { $(Key::$key => self.$field = Some(value.parse()?),)+ }
                Ok(())
            }

            /// This container's own values over those of its pod.
            pub(crate) fn over(self, pod: Self) -> Self {
                Self { $($field: join(self.$field, pod.$field, $join),)+ }
            }

            pub(crate) fn is_set(&self, key: Key) -> bool {
                match key { $(Key::$key => self.$field.is_some(),)+ }
            }
        }
    };
}

keys! {
    /// The policy to start from.
    Policy = "policy", policy: PolicyName, own;
    /// What a denial does.
    Mode = "mode", mode: Mode, own;
    /// The field of work.
    Domain = "domain", domain: Domain, own;
    /// The system-call profile.
    TrustMask = "trust-mask", trust_mask: TrustMask, own;
    /// Lists of hosts that the host's files define.
    Preset = "preset", presets: List<PresetName>, own;
    /// Destinations that may be reached.
    NetAllow = "net.allow", net_allow: List<NetEntry>, own;
    /// Destinations that may not.
    NetDeny = "net.deny", net_deny: List<NetEntry>, List::union;
    /// Paths that may be read.
    FsRead = "fs.read", fs_read: List<PathPrefix>, own;
    /// Paths that may be written.
    FsWrite = "fs.write", fs_write: List<PathPrefix>, own;
    /// Paths that may be neither read nor written.
    FsDeny = "fs.deny", fs_deny: List<PathPrefix>, List::union;
    /// Programs that may be executed.
    ExecAllow = "exec.allow", exec_allow: List<ProgramPath>, own;
    /// Devices that may be used.
    DevAllow = "dev.allow", dev_allow: List<Device>, own;
    /// What happens to actions whose rule says "ask".
    Verdict = "verdict", verdict: VerdictMode, own;
    /// How long such an action waits.
    VerdictTimeout = "verdict.timeout-ms", verdict_timeout: VerdictTimeout, own;
    /// What the agent is for.
    Intent = "intent", intent: Intent, own;
    /// What the verdict socket inside the container is.
    SlmMount = "slm.mount", slm_mount: SlmMount, own;
    /// How many violations close the gate.
    Gate = "gate", gate: GateLimits, own;
    /// The agent's id, for receipts.
    AgentId = "agent.id", agent_id: AgentLabel, own;
    /// The agent's name, for receipts.
    AgentName = "agent.name", agent_name: AgentLabel, own;
}

/// An override replaces the pod's value. Deny lists add up instead: a deny wins at every level.
fn own<T>(own: T, _pod: T) -> T {
    own
}

fn join<T>(own: Option<T>, pod: Option<T>, both: impl Fn(T, T) -> T) -> Option<T> {
    match (own, pod) {
        (Some(own), Some(pod)) => Some(both(own, pod)),
        (own, pod) => own.or(pod),
    }
}

impl Asked {
    /// Whether a field of this key asks for more than a name in a receipt.
    pub(crate) fn needs_enforcement(&self, key: Key) -> bool {
        match key {
            Key::Policy => self.policy.as_ref().is_some_and(|policy| !policy.is_none()),
            Key::SlmMount => self.slm_mount.is_some_and(|mount| mount != SlmMount::None),
            Key::AgentId | Key::AgentName => false,
            _ => self.is_set(key),
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// `io.sevorix.KEY`
    Annotation(Key),
    /// `io.sevorix.container.NAME.KEY`
    Override(ContainerName, Key),
    /// The runtime's own `--policy NAME`.
    Node,
}

impl Origin {
    pub(crate) fn new(container: Option<&ContainerName>, key: Key) -> Self {
        match container {
            Some(name) => Self::Override(name.clone(), key),
            None => Self::Annotation(key),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Annotation(key) => write!(f, "{PREFIX}{}", key.name()),
            Self::Override(name, key) => write!(f, "{PREFIX}{CONTAINER}{name}.{}", key.name()),
            Self::Node => f.write_str("--policy"),
        }
    }
}

/// The key that an annotation of ours names, and the container it is for when that is only one.
pub(crate) fn read_key(annotation: &str) -> Result<(Option<ContainerName>, Key), Error> {
    let Some(rest) = annotation.strip_prefix(PREFIX) else {
        return Err(unknown(annotation, None));
    };
    match rest.strip_prefix(CONTAINER) {
        Some(rest) => read_override(annotation, rest).map(|(name, key)| (Some(name), key)),
        None => find(annotation, rest, "").map(|key| (None, key)),
    }
}

/// Also in another case: what differs from the prefix by a capital only is a typing error.
pub(crate) fn is_ours(annotation: &str) -> bool {
    let prefix = annotation.get(..PREFIX.len()).unwrap_or(annotation);
    prefix.eq_ignore_ascii_case(PREFIX)
        || annotation.eq_ignore_ascii_case(PREFIX.trim_end_matches('.'))
}

fn find(annotation: &str, name: &str, owner: &str) -> Result<Key, Error> {
    let found = Key::ALL.iter().find(|key| key.name() == name);
    found.copied().ok_or_else(|| {
        let near = nearest(name, Key::ALL.iter().map(|key| key.name()));
        unknown(
            annotation,
            near.map(|near| format!("{PREFIX}{owner}{near}")),
        )
    })
}

fn read_override(annotation: &str, rest: &str) -> Result<(ContainerName, Key), Error> {
    let Some((name, key_name)) = rest.split_once('.') else {
        return Err(unknown(
            annotation,
            Some(format!("{PREFIX}{CONTAINER}NAME.KEY")),
        ));
    };
    let container = ContainerName::from_str(name).map_err(|reason| Error::BadValue {
        key: Shown::key(annotation),
        value: Shown::value(name),
        reason,
    })?;
    let key = find(annotation, key_name, &format!("{CONTAINER}{name}."))?;
    Ok((container, key))
}

fn unknown(annotation: &str, nearest: Option<String>) -> Error {
    Error::UnknownKey {
        key: Shown::key(annotation),
        nearest,
    }
}

const CONTAINER: &str = "container.";

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(annotation: &str) -> Result<String, String> {
        match read_key(annotation) {
            Ok((container, key)) => Ok(Origin::new(container.as_ref(), key).to_string()),
            Err(error) => Err(error.hint()),
        }
    }

    #[test]
    fn every_key_and_every_override_is_known() {
        for key in Key::ALL {
            for text in [
                format!("io.sevorix.{}", key.name()),
                format!("io.sevorix.container.web-1.{}", key.name()),
            ] {
                assert!(is_ours(&text));
                assert_eq!(origin(&text), Ok(text));
            }
        }
    }

    #[test]
    fn every_key_with_one_letter_missing_is_hinted_at() {
        for key in Key::ALL.iter().filter(|key| key.name().len() > 3) {
            let mut typo = key.name().to_owned();
            typo.remove(1);
            for owner in ["", "container.web."] {
                let right = format!("did you mean io.sevorix.{owner}{}", key.name());
                assert_eq!(origin(&format!("io.sevorix.{owner}{typo}")), Err(right));
            }
        }
    }

    #[test]
    fn keys_of_others_are_not_ours() {
        for text in [
            "",
            "io",
            "io.sevorixx",
            "io.other.policy",
            "sevorix.io/policy",
            "ïo.sevorix.x",
        ] {
            assert!(!is_ours(text), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_key_is_refused() {
        for text in [
            "io.sevorix",
            "io.sevorix.",
            "io.sevorix..policy",
            "io.sevorix.policy.",
            "io.sevorix.Policy",
            "Io.Sevorix.policy",
            "io.sevorix.container",
            "io.sevorix.container.",
            "io.sevorix.container.web",
            "io.sevorix.container.web.",
            "io.sevorix.container..policy",
            "io.sevorix.container.Web.policy",
            "io.sevorix.container.web.container.web.policy",
            "io.sevorix. policy",
        ] {
            assert!(is_ours(text) && origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_override_replaces_and_denies_add_up() {
        let asked = |pairs: &[(Key, &str)]| {
            let mut asked = Asked::default();
            for (key, value) in pairs {
                asked.set(*key, value).expect(value);
            }
            asked
        };
        let pod = asked(&[
            (Key::NetAllow, "a.b"),
            (Key::NetDeny, "x.y"),
            (Key::Mode, "audit"),
        ]);
        let own = asked(&[
            (Key::NetAllow, "c.d"),
            (Key::NetDeny, "z.y"),
            (Key::AgentId, "7"),
        ]);
        let expected = asked(&[
            (Key::NetAllow, "c.d"),
            (Key::NetDeny, "z.y,x.y"),
            (Key::Mode, "audit"),
            (Key::AgentId, "7"),
        ]);
        assert_eq!(own.over(pod), expected);
    }
}
