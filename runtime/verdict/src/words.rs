//! Values of the protocol that are one word of a short list.

macro_rules! words {
    ($(#[$doc:meta])* pub $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$word_doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
words! {
    /// What is to be done.
    pub Op {
        Exec = "exec",
        Open = "open",
        Create = "create",
        Rename = "rename",
        Link = "link",
        Unlink = "unlink",
        SetAttr = "setattr",
        Connect = "connect",
        Send = "send",
        Bind = "bind",
        Listen = "listen",
        Unix = "unix",
        Dns = "dns",
    }
}

words! {
    /// What the rule that asks says of the action.
    pub Risk {
        Low = "low",
        High = "high",
    }
}

words! {
    /// The layer of the root file system that a program comes from.
    pub Layer {
        /// The image's.
        Lower = "lower",
        /// The container's own.
        Upper = "upper",
    }
}

words! {
    /// Of a destination.
    pub Proto {
        Tcp = "tcp",
        Udp = "udp",
    }
}

words! {
    /// How far the gate valve of the container is closed.
    pub Gate {
        Open = "open",
        Throttle = "throttle",
        Crack = "crack",
        Lock = "lock",
    }
}

words! {
    /// Who wrote an intent down.
    pub IntentSource {
        Operator = "operator",
        /// It never raises trust.
        Agent = "agent",
    }
}

words! {
    /// How an earlier act ended.
    pub Ended {
        Allow = "allow",
        Deny = "deny",
        Kill = "kill",
        /// It would have been denied, and was let through.
        Audit = "audit",
    }
}

words! {
    /// What a service decides.
    pub Decided {
        Allow = "allow",
        Deny = "deny",
    }
}

words! {
    /// What one juror says.
    pub Vote {
        Allow = "allow",
        Deny = "deny",
        Abstain = "abstain",
    }
}

words! {
    /// Why an action was denied, other than by a policy's rule. The words stand in events and receipts.
    pub Reason {
        /// The service says so; its answer has a code of its own.
        Denied = "denied",
        /// No answer within the deadline. A late one changes nothing.
        Timeout = "timeout",
        /// An answer to what was not asked, or to what was answered already.
        UnknownId = "unknown-id",
        /// The answer names another action than the one that was asked about.
        WrongDigest = "wrong-digest",
        /// The answer is another jury's than the one that said hello.
        WrongJury = "wrong-jury",
        /// Not a message of this protocol.
        Malformed = "malformed",
        /// A frame without content or above the limit.
        Oversized = "oversized",
        /// More than the budget, the places of held actions, or what the service takes.
        Overload = "overload",
        /// The connection ended before the answer.
        Disconnected = "disconnected",
        /// No version in common.
        Version = "version",
        /// Nobody listens.
        Absent = "no-verdict-service",
        /// Somebody else than root could be listening.
        Untrusted = "untrusted-socket",
        /// The primary service is lost, and the policy denies then.
        PrimaryLost = "primary-lost",
        /// `verdict.mode = "off"`.
        Off = "verdicts-off",
    }
}
