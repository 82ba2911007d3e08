//! What a rule answers, and how it is called.

use std::fmt;

use crate::values::choice;

choice! {
    /// What a rule answers; the later one is the stricter one.
    pub Action {
        Allow = "allow",
        /// Hold it and put it to the verdict service.
        Ask = "ask",
        /// Refuse with an errno.
        Deny = "deny",
        /// Refuse, and kill the process.
        Kill = "kill",
    }
}

choice! {
    /// Who decides an ask.
    pub Asker {
        Jury = "jury",
        Operator = "operator",
    }
}

choice! {
    /// Where the container may wait for connections; the later one is the wider one.
    pub Listen {
        None = "none",
        Loopback = "loopback",
        Any = "any",
    }
}

choice! {
    /// Which UNIX sockets may be connected to.
    pub Unix {
        /// Those made inside this container.
        Container = "container",
        /// Also those in bind mounts, where `[file]` lets them be written.
        Any = "any",
    }
}

/// The stable name of what decided, as in `net.rules[3]`, `never.file[0]`, `net.default`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(Box<str>);

impl RuleId {
    /// A setting that is no list, as in `net.default`.
    pub fn setting(name: &str) -> Self {
        Self(name.into())
    }

    /// An element of a list, as in `net.rules[3]`.
    pub fn element(list: &str, index: usize) -> Self {
        Self(format!("{list}[{index}]").into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_actions_is_their_strictness() {
        assert!(Action::Kill > Action::Deny);
        assert!(Action::Deny > Action::Ask);
        assert!(Action::Ask > Action::Allow);
    }

    #[test]
    fn rules_are_named_by_their_place() {
        assert_eq!(RuleId::element("net.rules", 3).to_string(), "net.rules[3]");
        assert_eq!(RuleId::setting("net.default").as_str(), "net.default");
    }
}
