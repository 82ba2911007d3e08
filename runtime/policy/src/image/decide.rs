//! An act, decided by lookups alone: what the kernel programs do, in the order in which they do it.

use super::{Answer, Answers, Image};
use crate::judge::{Act, Local, Refusal, join, stricter};
use crate::model::{Action, LINE_MOST, Listen, RuleId, Unix, length};

/// What the tables come to.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub answer: Answer,
    /// How the act fails when it is not let through; `None` only for `allow`.
    pub refusal: Option<Refusal>,
}

impl Image {
    /// Decides an act. A host name is not looked at: the tables know addresses.
    pub fn decide(&self, act: &Act) -> Decision {
        match act {
            Act::Exec {
                path,
                written,
                argv,
            } => self.exec(self.command(path, argv), *written),
            Act::MapExec { path, written } => self.exec(self.answers(path).exec, *written),
            Act::WritableCode => decision(self.jit, Refusal::Access),
            Act::Open { path, read, write } => {
                let answers = self.answers(path);
                let wanted = match (read, write) {
                    (true, true) => stricter(answers.read, answers.write),
                    (true, false) => answers.read,
                    (false, true) => answers.write,
                    (false, false) => NOTHING,
                };
                decision(wanted, Refusal::Access)
            }
            Act::Create { path } | Act::Unlink { path } => {
                decision(self.answers(path).change, Refusal::Access)
            }
            Act::SetAttr { path } => decision(self.answers(path).write, Refusal::Access),
            Act::Rename { from, to, folder } => self.movement(from, to, *folder),
            Act::Link { from, to } => self.movement(from, to, false),
            Act::Connect(to) | Act::Send(to) => {
                let answer = match to.address {
                    Some(address) => self.destination(address, to.port, to.protocol),
                    None => self.net_default,
                };
                decision(answer, Refusal::Perm)
            }
            Act::Bind(local) if local.port == 0 => decision(NOTHING, Refusal::Perm),
            Act::Bind(local) | Act::Listen(local) => decision(
                self.setting("net.listen", self.may_listen(local)),
                Refusal::Perm,
            ),
            Act::Unix { path, inside } => {
                let reachable = *inside || self.unix == Unix::Any;
                let by_kind = self.setting("net.unix", reachable);
                let answer = match path {
                    Some(path) => stricter(self.answers(path).write, by_kind),
                    None => by_kind,
                };
                decision(answer, Refusal::Access)
            }
        }
    }

    fn command(&self, path: &[Box<[u8]>], argv: &[Box<[u8]>]) -> Answer {
        let by_path = self.answers(path).exec;
        let Some(words) = self.words(path) else {
            return by_path;
        };
        let by_words = words.answer(argv);
        if length(argv) > LINE_MOST {
            return stricter(by_path, by_words);
        }
        join(by_path, by_words)
    }

    fn exec(&self, by_path: Answer, written: bool) -> Decision {
        let answer = match written {
            true => stricter(by_path, self.written),
            false => by_path,
        };
        decision(answer, Refusal::Access)
    }

    fn movement(&self, from: &[Box<[u8]>], to: &[Box<[u8]>], folder: bool) -> Decision {
        let (source, target) = (self.answers(from), self.answers(to));
        let answer = stricter(source.change, target.change);
        if answer.action >= Action::Deny && !answer.audit {
            return decision(answer, Refusal::Access);
        }
        let stays = source.carry_the_same(&target)
            && self.carried_words(from) == self.carried_words(to)
            && (!folder || self.carries_whole(from, to));
        if stays {
            return decision(answer, Refusal::Access);
        }
        Decision {
            answer: Answer {
                action: Action::Deny,
                ..NOTHING
            },
            refusal: Some(Refusal::CrossDevice),
        }
    }

    fn carried_words(&self, path: &[Box<[u8]>]) -> Option<u16> {
        self.words(path).map(|set| set.carried)
    }

    fn carries_whole(&self, from: &[Box<[u8]>], to: &[Box<[u8]>]) -> bool {
        let inside: [Answers; 2] = [from, to].map(|folder| self.deep_inside(folder));
        let words = [from, to].map(|folder| self.words_deep_inside(folder));
        let [words_from, words_to] = words.map(|set| set.map(|set| set.carried));
        inside[0].carry_the_same(&inside[1])
            && words_from == words_to
            && !self.guards(from)
            && !self.guards(to)
    }

    fn may_listen(&self, local: &Local) -> bool {
        match self.listen {
            Listen::None => false,
            Listen::Loopback => local.address.to_canonical().is_loopback(),
            Listen::Any => true,
        }
    }

    fn setting(&self, name: &str, allowed: bool) -> Answer {
        let number = self
            .rules
            .iter()
            .position(|rule| *rule == RuleId::setting(name));
        Answer {
            action: if allowed { Action::Allow } else { Action::Deny },
            audit: self.audit && !allowed,
            rule: number
                .and_then(|number| u16::try_from(number).ok())
                .unwrap_or(0),
        }
    }
}

fn decision(answer: Answer, refusal: Refusal) -> Decision {
    let refusal = match answer.action {
        Action::Allow => None,
        Action::Kill => Some(Refusal::Perm),
        Action::Ask | Action::Deny => Some(refusal),
    };
    Decision { answer, refusal }
}

const NOTHING: Answer = Answer {
    action: Action::Allow,
    audit: false,
    rule: 0,
};
