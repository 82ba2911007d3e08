//! What of a policy a list of granted folders can hold, as Landlock has it.
//!
//! A right that is granted on a folder holds for everything beneath it, and nothing beneath it can be taken out again.
//! Whatever else a policy says of places and names is told by its rules: it is not held.

use std::collections::BTreeSet;

use super::{Answer, Answers, Image, PathNode};
use crate::model::{Action, Components};

/// What is granted; everything else is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beneath {
    pub grants: Vec<Grant>,
    /// The rules and defaults whose answers are not what the grants come to.
    pub unheld: BTreeSet<String>,
}

/// One right on one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub path: Components,
    /// What lies in the folder, too. Without it the right is for a file, and a folder can't have it.
    pub tree: bool,
    pub right: Right,
}

/// What may be done to an object; in the order of [`Answers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    Read,
    Write,
    /// Its name: create, rename, link, unlink.
    Change,
    Exec,
}

impl Right {
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Change, Self::Exec];

    /// The answer that decides about it.
    pub fn of(self, answers: &Answers) -> Answer {
        match self {
            Self::Read => answers.read,
            Self::Write => answers.write,
            Self::Change => answers.change,
            Self::Exec => answers.exec,
        }
    }
}

impl Image {
    /// The grants that come nearest to the policy and give nothing that it refuses, but for what lies in a granted folder.
    pub fn beneath(&self) -> Beneath {
        let mut found = Beneath::default();
        for right in Right::ALL {
            self.grant(right, &mut found);
            self.look_at_names(right, &mut found);
        }
        found
    }

    /// Nodes are sorted by path: what lies below one follows it.
    fn grant(&self, right: Right, found: &mut Beneath) {
        let mut granted: Option<&Components> = None;
        for node in &self.paths {
            granted = granted.filter(|folder| node.path.starts_with(folder));
            let [own, child, below] = [&node.own, &node.child, &node.below].map(|of| right.of(of));
            let inside = granted.is_some();
            if !inside && [own, child, below].into_iter().all(Answer::lets_through) {
                granted = Some(&node.path);
                found.grants.push(grant_of(node, true, right));
            } else if !inside && own.lets_through() && right != Right::Change {
                found.grants.push(grant_of(node, false, right));
            } else if own.lets_through() != inside {
                self.not_held(own, right, found);
            }
            for answer in [child, below] {
                if answer.lets_through() != granted.is_some() {
                    self.not_held(answer, right, found);
                }
            }
            for answer in [own, child, below] {
                if !says_no_more_than_it_grants(answer, right) {
                    self.not_held(answer, right, found);
                }
            }
        }
    }

    /// A name is no place: it can be neither granted nor taken out.
    fn look_at_names(&self, right: Right, found: &mut Beneath) {
        let of_right = |grant: &&Grant| grant.right == right;
        let somewhere = found.grants.iter().any(|grant| of_right(&grant));
        let everywhere = found.grants.iter().filter(of_right);
        let everywhere = everywhere
            .into_iter()
            .any(|grant| grant.tree && grant.path.is_empty());
        let answers = self.names.iter().map(|node| right.of(&node.answers));
        let said: Vec<Answer> = answers.filter(|answer| answer.rule != 0).collect();
        for answer in said {
            let held = match answer.lets_through() {
                true => everywhere && says_no_more_than_it_grants(answer, right),
                false => !somewhere && says_no_more_than_it_grants(answer, right),
            };
            if !held {
                self.not_held(answer, right, found);
            }
        }
    }

    fn not_held(&self, answer: Answer, right: Right, found: &mut Beneath) {
        let name = match (answer.rule, right) {
            (0, Right::Exec) => "exec.default",
            (0, _) => "file.default",
            (rule, _) => self.rules[usize::from(rule)].as_str(),
        };
        found.unheld.insert(name.to_owned());
    }
}

fn grant_of(node: &PathNode, tree: bool, right: Right) -> Grant {
    Grant {
        path: node.path.clone(),
        tree,
        right,
    }
}

/// Nobody reports what is on trial, nobody kills, and a program that may not be executed can still be mapped: a grant, or
/// none, is not all that such an answer asks for.
fn says_no_more_than_it_grants(answer: Answer, right: Right) -> bool {
    match answer.action {
        Action::Allow => true,
        Action::Ask | Action::Deny => !answer.audit && right != Right::Exec,
        Action::Kill => false,
    }
}
