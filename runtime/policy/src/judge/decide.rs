//! One act, judged.

use super::act::{Act, Destination, Local};
use super::judgement::{Beaten, Judgement, Reason, Refusal};
use super::movement;
use super::voices::{Point, Touch, net_of};
use super::weigh::{Joined, Voice, Weighed, join, stricter, weigh};
use crate::model::{Action, LINE_MOST, Listen, Policy, RuleId, Unix, length};

/// What the policy says of an act. Total: every act has an answer.
pub fn judge(policy: &Policy, act: &Act) -> Judgement {
    let bench = Bench { policy };
    match act {
        Act::Exec {
            path,
            written,
            argv,
        } => bench.exec(bench.command(path, argv), *written),
        Act::MapExec { path, written } => bench.exec(bench.touch(path, Touch::Exec), *written),
        Act::WritableCode => bench.setting("exec.jit.default", policy.exec.jit, Refusal::Access),
        Act::Open { path, read, write } => {
            let touches = [(*read, Touch::Read), (*write, Touch::Write)];
            let touches = touches.into_iter().filter(|(wanted, _)| *wanted);
            bench.strictest(touches.map(|(_, touch)| bench.touch(path, touch)))
        }
        Act::Create { path } | Act::Unlink { path } => bench.touch(path, Touch::Change),
        Act::SetAttr { path } => bench.touch(path, Touch::Write),
        Act::Rename { from, to, folder } => bench.movement(from, to, *folder),
        Act::Link { from, to } => bench.movement(from, to, false),
        Act::Connect(destination) | Act::Send(destination) => bench.destination(destination),
        Act::Bind(local) if local.port == 0 => bench.free_port(),
        Act::Bind(local) | Act::Listen(local) => bench.listen(local),
        Act::Unix { path, inside } => bench.unix(path.as_deref(), *inside),
    }
}

struct Bench<'a> {
    policy: &'a Policy,
}

impl Bench<'_> {
    /// The place of a program and its command line.
    fn command(&self, path: &[Box<[u8]>], argv: &[Box<[u8]>]) -> Judgement {
        if length(argv) > LINE_MOST {
            return self.strictest([self.touch(path, Touch::Exec), self.too_long(path)]);
        }
        let mut voices = self.policy.voices_on_place(path, Touch::Exec);
        let by_words = self.policy.voices_on_words(path, argv);
        let weighed = join(
            self.policy.by_place(path, Touch::Exec),
            weigh(&by_words, None, self.policy.is_audit()),
        );
        voices.extend(by_words);
        judgement(weighed, &voices, "exec.default", Refusal::Access)
    }

    fn too_long(&self, path: &[Box<[u8]>]) -> Judgement {
        let rules = self.policy.exec.rules.iter();
        let rules: Vec<_> = rules.filter(|rule| rule.covers_with_words(path)).collect();
        let weighed = self.policy.too_long(&rules);
        let mut judged = judgement(weighed, &[], "exec.default", Refusal::Access);
        judged.reason = Reason::TooLong;
        judged
    }

    fn exec(&self, by_path: Judgement, written: bool) -> Judgement {
        if !written {
            return by_path;
        }
        let mut by_origin =
            self.setting("exec.writable", self.policy.exec.writable, Refusal::Access);
        by_origin.reason = Reason::Written;
        self.strictest([by_path, by_origin])
    }

    fn touch(&self, path: &[Box<[u8]>], touch: Touch) -> Judgement {
        let weighed = self.policy.by_place_and_name(path, touch);
        let mut voices = self.policy.voices_on_place(path, touch);
        voices.extend(self.policy.voices_on_name(path, touch));
        let default = match touch {
            Touch::Exec => "exec.default",
            _ => "file.default",
        };
        judgement(weighed, &voices, default, Refusal::Access)
    }

    /// Both ends are changed; and whatever is moved must be treated there as it was here.
    fn movement(&self, from: &[Box<[u8]>], to: &[Box<[u8]>], folder: bool) -> Judgement {
        let ends = [from, to].map(|end| self.touch(end, Touch::Change));
        let judged = self.strictest(ends);
        if matches!(judged.action, Action::Deny | Action::Kill) && !judged.audit {
            return judged;
        }
        match movement::out_of_reach(self.policy, from, to, folder) {
            Some(rule) => Judgement {
                action: Action::Deny,
                audit: false,
                refusal: Some(Refusal::CrossDevice),
                rule,
                reason: Reason::OutOfReach,
                beaten: judged.beaten,
            },
            None => judged,
        }
    }

    fn destination(&self, destination: &Destination) -> Judgement {
        let point = Point {
            net: destination.address.map(net_of),
            host: destination.host.as_ref(),
            port: destination.port,
            protocol: destination.protocol,
        };
        let weighed = self.policy.by_destination(&point);
        let voices = self.policy.voices_on_destination(&point);
        judgement(weighed, &voices, "net.default", Refusal::Perm)
    }

    /// What a socket gets that only sends: nobody can be told where to find it.
    fn free_port(&self) -> Judgement {
        self.setting("net.listen", Action::Allow, Refusal::Perm)
    }

    fn listen(&self, local: &Local) -> Judgement {
        let allowed = match self.policy.net.listen {
            Listen::None => false,
            Listen::Loopback => local.address.to_canonical().is_loopback(),
            Listen::Any => true,
        };
        self.setting("net.listen", allow_if(allowed), Refusal::Perm)
    }

    fn unix(&self, path: Option<&[Box<[u8]>]>, inside: bool) -> Judgement {
        let reachable = inside || self.policy.net.unix == Unix::Any;
        let by_kind = self.setting("net.unix", allow_if(reachable), Refusal::Access);
        match path {
            None => by_kind,
            Some(path) => self.strictest([self.touch(path, Touch::Write), by_kind]),
        }
    }

    fn setting(&self, name: &str, action: Action, refusal: Refusal) -> Judgement {
        Judgement {
            action,
            audit: self.policy.is_audit() && action != Action::Allow,
            refusal: refusal_of(action, refusal),
            rule: RuleId::setting(name),
            reason: Reason::Setting,
            beaten: Vec::new(),
        }
    }

    /// Of equals the first; the others are beaten. Nothing wanted, as an open for neither reading nor writing: allowed.
    fn strictest(&self, judgements: impl IntoIterator<Item = Judgement>) -> Judgement {
        let stricter_one = |first: Judgement, second: Judgement| {
            let second_wins = stricter(first.weight(), second.weight()) == second.weight()
                && first.weight() != second.weight();
            let (mut winner, loser) = match second_wins {
                true => (second, first),
                false => (first, second),
            };
            let lost = Beaten::from(&loser);
            let new = loser.beaten.into_iter().chain([lost]);
            for beaten in new {
                if beaten.rule != winner.rule && !winner.beaten.contains(&beaten) {
                    winner.beaten.push(beaten);
                }
            }
            winner
        };
        let strictest = judgements.into_iter().reduce(stricter_one);
        strictest.unwrap_or_else(|| self.setting("file.default", Action::Allow, Refusal::Access))
    }
}

impl Judgement {
    fn weight(&self) -> Weight {
        Weight {
            action: self.action,
            audit: self.audit,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Weight {
    action: Action,
    audit: bool,
}

impl Joined for Weight {
    fn action(self) -> Action {
        self.action
    }

    fn on_trial(self) -> bool {
        self.audit
    }

    fn is_default(self) -> bool {
        false
    }
}

impl From<&Judgement> for Beaten {
    fn from(judgement: &Judgement) -> Self {
        Self {
            rule: judgement.rule.clone(),
            action: judgement.action,
            audit: judgement.audit,
        }
    }
}

fn judgement(weighed: Weighed, voices: &[Voice], default: &str, refusal: Refusal) -> Judgement {
    let decides = |voice: &Voice| Some(voice.rule) == weighed.rule;
    let reason = match voices.iter().find(|voice| decides(voice)) {
        None => Reason::NoMatch,
        Some(voice) if voice.never => Reason::Never,
        Some(_) => Reason::Match,
    };
    let beaten = voices.iter().filter(|voice| !decides(voice));
    Judgement {
        action: weighed.action,
        audit: weighed.audit,
        refusal: refusal_of(weighed.action, refusal),
        rule: weighed
            .rule
            .map_or_else(|| RuleId::setting(default), RuleId::clone),
        reason,
        beaten: beaten
            .map(|voice| Beaten {
                rule: voice.rule.clone(),
                action: voice.action,
                audit: voice.audit,
            })
            .collect(),
    }
}

/// A killed process's call fails with EPERM on its way out.
fn refusal_of(action: Action, refusal: Refusal) -> Option<Refusal> {
    match action {
        Action::Allow => None,
        Action::Kill => Some(Refusal::Perm),
        Action::Ask | Action::Deny => Some(refusal),
    }
}

fn allow_if(allowed: bool) -> Action {
    match allowed {
        true => Action::Allow,
        false => Action::Deny,
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
