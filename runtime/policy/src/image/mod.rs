//! A policy as tables in which the deepest entry that fits holds the whole answer.
//!
//! The kernel cannot weigh rules against each other; it can look up. So every place that a rule or
//! an exception names becomes a node, and each node is asked of the rules once, here.

mod beneath;
mod compile;
mod decide;
mod digest;
mod look;
mod nets;
mod words;

pub use beneath::{Beneath, Grant, Right};
pub use compile::{TooLarge, compile};
pub use decide::Decision;
pub use digest::policy_id_of;
pub use words::{Automaton, States, WordRule, WordSet};

use ipnet::Ipv6Net;

use crate::judge::{Joined, join};
use crate::model::{Action, Components, Listen, NamePattern, RuleId, Unix};
use crate::values::Protocol;

/// A compiled policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The index of a rule is what an [`Answer`] holds; 0 is the default of the class.
    pub rules: Vec<RuleId>,
    /// Every folder and object that a rule or an exception names, and all above them; sorted by path.
    pub paths: Vec<PathNode>,
    /// Sorted by pattern; a literal name holds what its ending says, too.
    pub names: Vec<NameNode>,
    /// IPv4 as `::ffff:a.b.c.d/96+n`; the longest that fits holds what the shorter ones say, too.
    pub nets: Vec<NetNode>,
    pub port_sets: Vec<PortSet>,
    /// Rules on command lines; the first set is empty.
    pub word_sets: Vec<WordSet>,
    pub defaults: Answers,
    pub net_default: Answer,
    /// For what this container wrote or created, when it is executed.
    pub written: Answer,
    /// For memory that is writable and executable.
    pub jit: Answer,
    pub listen: Listen,
    pub unix: Unix,
    /// Every answer that is not `never`'s lets through. The answers say it, too.
    pub audit: bool,
}

/// A place, and what holds there and below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathNode {
    pub path: Components,
    /// This very object.
    pub own: Answers,
    /// What lies directly in it, where no node of its own says otherwise.
    pub child: Answers,
    /// What lies deeper, likewise.
    pub below: Answers,
    /// The entries of [`Image::word_sets`] for a program that is this object, lies directly in it, or deeper.
    pub words: [u16; 3],
    /// Not everything below has the answers of `below`: to rename this folder would carry an object out of a rule's
    /// reach, or into it.
    pub guards: bool,
}

/// A name, and what the rules on names say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameNode {
    pub pattern: NamePattern,
    /// Rule 0: nothing is said about that access.
    pub answers: Answers,
}

/// A network, and its entry in [`Image::port_sets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetNode {
    pub net: Ipv6Net,
    pub set: u16,
}

/// Disjoint and sorted by protocol and port; [`Image::net_default`] holds for what is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PortSet(pub Vec<Ports>);

impl PortSet {
    /// The most entries it may have.
    pub const MAX: usize = 32;
}

/// Ports with one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ports {
    pub first: u16,
    pub last: u16,
    pub protocol: Protocol,
    pub answer: Answer,
}

/// One answer for each access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Answers {
    pub read: Answer,
    pub write: Answer,
    pub change: Answer,
    pub exec: Answer,
}

/// What holds, and which rule says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Answer {
    pub action: Action,
    /// Report it and let it through.
    pub audit: bool,
    /// An index of [`Image::rules`].
    pub rule: u16,
}

impl Answer {
    pub fn lets_through(self) -> bool {
        Joined::lets_through(self)
    }

    /// What an object takes along when it is renamed: how it is refused, and whether by a rule (a default may be lifted
    /// by a rule on names).
    pub fn carried(self) -> Option<(Action, bool)> {
        Joined::carried(self)
    }
}

impl Answers {
    /// Whether an object could go from a place with these answers to one with the others and be treated as before.
    pub fn carry_the_same(&self, other: &Self) -> bool {
        self.each()
            .into_iter()
            .zip(other.each())
            .all(|(own, other)| own.carried() == other.carried())
    }

    pub(crate) fn each(&self) -> [Answer; 4] {
        [self.read, self.write, self.change, self.exec]
    }

    pub(crate) fn join(self, name: Self) -> Self {
        Self {
            read: join(self.read, name.read),
            write: join(self.write, name.write),
            change: join(self.change, name.change),
            exec: join(self.exec, name.exec),
        }
    }
}

impl Joined for Answer {
    fn action(self) -> Action {
        self.action
    }

    fn on_trial(self) -> bool {
        self.audit
    }

    fn is_default(self) -> bool {
        self.rule == 0
    }
}
