//! The one way to be allowed.

use tokio::time::Instant;

use crate::message::Answer;
use crate::net::Given;
use crate::words::{Decided, Reason};

/// What becomes of an action.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny(Reason),
}

/// An `allow` to this very ask, by the jury that said hello, within the deadline. All else denies.
pub fn decide(given: &Result<Given, Reason>, now: Instant, deadline: Instant) -> Decision {
    let reason = match given {
        Ok(given) if given.answer.id != given.ask.id => Reason::UnknownId,
        Ok(given) if given.answer.action != given.ask.action => Reason::WrongDigest,
        Ok(given) if given.answer.jury != given.jury => Reason::WrongJury,
        Ok(_) if now > deadline => Reason::Timeout,
        Ok(Given {
            answer:
                Answer {
                    verdict: Decided::Allow,
                    ..
                },
            ..
        }) => return Decision::Allow,
        Ok(_) => Reason::Denied,
        Err(reason) => *reason,
    };
    Decision::Deny(reason)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::message::{Ask, FromService, ToService};

    /// An ask, and the answer that allows it.
    fn allowed() -> Given {
        let digest = |digit: &str| format!("\"sha256:{}\"", digit.repeat(64));
        let ask = format!(
            r#"{{"id":7,"deadline_ms":5,"op":"exec","rule":"r","risk":"low","policy":{},"action":{},
            "facts":{{"hook":"h","container":"c","uid":0,"gate":"open","writable_exe":false}},"tainted":{{}}}}"#,
            digest("c"),
            digest("a")
        );
        let answer = format!(
            r#"{{"id":7,"verdict":"allow","action":{},"jury":{},"code":"quorum"}}"#,
            digest("a"),
            digest("d")
        );
        let ask: Ask = match ToService::decode(ask.as_bytes()).expect("an ask") {
            ToService::Ask(ask) => *ask,
            other => panic!("{other:?}"),
        };
        match FromService::decode(answer.as_bytes()).expect("an answer") {
            FromService::Answer(answer) => Given {
                ask,
                jury: answer.jury,
                answer,
            },
            other => panic!("{other:?}"),
        }
    }

    fn after(change: impl FnOnce(&mut Given)) -> Decision {
        let mut given = allowed();
        change(&mut given);
        let now = Instant::now();
        decide(&Ok(given), now, now)
    }

    #[test]
    fn only_an_allow_to_this_very_ask_allows() {
        let other = crate::Digest::new([9; 32]);
        assert_eq!(after(|_| ()), Decision::Allow);
        for (decision, reason) in [
            (
                after(|given| given.answer.verdict = Decided::Deny),
                Reason::Denied,
            ),
            (after(|given| given.answer.id += 1), Reason::UnknownId),
            (
                after(|given| given.answer.action = other),
                Reason::WrongDigest,
            ),
            (after(|given| given.answer.jury = other), Reason::WrongJury),
        ] {
            assert_eq!(decision, Decision::Deny(reason));
        }
    }

    #[test]
    fn a_late_allow_is_none() {
        let now = Instant::now();
        let late = now + Duration::from_nanos(1);
        assert_eq!(
            decide(&Ok(allowed()), late, now),
            Decision::Deny(Reason::Timeout)
        );
    }

    #[test]
    fn no_answer_is_a_denial_whatever_the_reason() {
        let now = Instant::now();
        for reason in Reason::ALL {
            assert_eq!(decide(&Err(*reason), now, now), Decision::Deny(*reason));
        }
    }
}
