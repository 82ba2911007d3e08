//! The jury behind the socket.

use std::future::{Future, ready};
use std::time::Instant;

use sevorix_verdict::{Ask, Cache, Code, Decided, Digest, Judge, JurorVote, Label, Ruling, Vote};

use crate::consent::{Consent, consent};
use crate::rulebook::{RULES, veto};

/// The jurors of this release.
#[derive(Debug)]
pub struct Jury {
    digest: Digest,
    rulebook: Label,
}

impl Jury {
    pub fn new() -> Self {
        // another release may read the same rules in another way
        let rules = RULES
            .iter()
            .map(|rule| format!("{}: {}\n", rule.code, rule.why));
        let text = format!(
            "{}\n{}",
            env!("CARGO_PKG_VERSION"),
            rules.collect::<String>()
        );
        Self {
            digest: Digest::of("sevorix-slm jury", text.as_bytes()),
            rulebook: Label::new("rulebook").expect("a name"),
        }
    }

    pub fn ruling(&self, ask: &Ask) -> Ruling {
        let begun = Instant::now();
        let vetoed = veto(&ask.question);
        let vote = if vetoed.is_some() {
            Vote::Deny
        } else {
            Vote::Allow
        };
        let juror = JurorVote {
            name: self.rulebook.clone(),
            vote,
            why: vetoed.map(|rule| code(rule.code)),
            us: u64::try_from(begun.elapsed().as_micros()).ok(),
        };
        let (verdict, word, why, cache) =
            match consent(&[vote], ask.question.risk, ask.extra_jurors) {
                Consent::Allow => (Decided::Allow, "quorum", None, Some(REMEMBERED)),
                Consent::Veto => (Decided::Deny, "veto", vetoed.map(|rule| rule.why), None),
                Consent::NoQuorum => (Decided::Deny, "no-quorum", Some(NO_QUORUM), None),
            };
        Ruling {
            verdict,
            code: code(word),
            cache,
            jurors: vec![juror],
            why: why.map(|why| why.to_owned().into()),
        }
    }
}

impl Default for Jury {
    fn default() -> Self {
        Self::new()
    }
}

impl Judge for Jury {
    fn jury(&self) -> Digest {
        self.digest
    }

    fn judge(&self, ask: &Ask) -> impl Future<Output = Ruling> + Send {
        ready(self.ruling(ask))
    }
}

fn code(word: &str) -> Code {
    Code::new(word).expect("a code of ours")
}

const REMEMBERED: Cache = Cache {
    ttl_ms: 60_000,
    uses: 100,
};
const NO_QUORUM: &str = "nobody objects, but the rulebook alone is too few for this risk";

#[cfg(test)]
mod tests {
    use sevorix_verdict::{Gate, Question, Risk};

    use super::*;

    fn ruled(change: impl FnOnce(&mut Ask)) -> (Decided, String) {
        let question = Question::canary();
        let mut ask = Ask {
            id: 1,
            deadline_ms: 1000,
            action: question.digest(),
            extra_jurors: 0,
            question,
        };
        change(&mut ask);
        let ruling = Jury::new().ruling(&ask);
        (ruling.verdict, ruling.code.to_string())
    }

    #[test]
    fn what_nobody_objects_to_is_allowed_at_low_risk_only() {
        let no_quorum = (Decided::Deny, "no-quorum".to_owned());
        assert_eq!(ruled(|_| ()), (Decided::Allow, "quorum".into()));
        assert_eq!(ruled(|ask| ask.question.risk = Risk::High), no_quorum);
        assert_eq!(ruled(|ask| ask.extra_jurors = 1), no_quorum);
        assert_eq!(
            ruled(|ask| ask.question.facts.gate = Gate::Lock),
            (Decided::Deny, "veto".into())
        );
    }
}
