//! Where a person answers: what waits for one, and what one has said.
//!
//! A rule with `ask = "operator"` holds its action until somebody says yes or no. Silence denies. What was said can be made
//! to stand for a while, for the same act and no other: the same program by the same words in the same folder, or the same
//! destination.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::digest::Digest;
use crate::message::Question;
use crate::text::Label;
use crate::words::{Decided, Op, Reason, Risk};

/// The asks of one container that wait for a person, and the answers that stand.
#[derive(Debug, Default)]
pub struct Desk {
    state: Mutex<State>,
}

/// One that waits, for whoever is to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub number: u64,
    pub container: Label,
    pub op: Op,
    /// In quotes, with nothing in it that a terminal would act on.
    pub what: String,
    pub uid: u32,
    pub rule: Label,
    pub risk: Risk,
    /// Until silence denies it.
    pub left_ms: u64,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    pub decided: Decided,
    /// Why, for events and receipts.
    pub reason: String,
    /// For how long it holds for the same act; absent: for this one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// And how often at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
}

#[derive(Debug, Default)]
struct State {
    /// The last one that was given out.
    last: u64,
    waiting: BTreeMap<u64, Held>,
    standing: HashMap<Digest, Standing>,
}

#[derive(Debug)]
struct Held {
    subject: Digest,
    told: Waiting,
    ends: Instant,
    answer: watch::Sender<Option<Said>>,
}

#[derive(Debug)]
struct Standing {
    said: Said,
    ends: Instant,
    /// `None`: as often as one likes.
    left: Option<u32>,
}

/// What to do with a question.
enum Step {
    Known(Said),
    Wait(u64, watch::Receiver<Option<Said>>, Instant),
}

impl Desk {
    /// Ends with what a person says, or with why nobody did, which is a denial.
    pub async fn ask(&self, question: &Question, patience: Duration) -> Result<Said, Reason> {
        let (number, mut answer, ends) = match self.step(question, patience) {
            Step::Known(said) => return Ok(said),
            Step::Wait(number, answer, ends) => (number, answer, ends),
        };
        let _leaves = Leaving { desk: self, number };
        let waited = timeout_at(ends, answer.wait_for(Option::is_some)).await;
        let said = waited.map_err(|_| Reason::Timeout)?;
        let said = said.map_err(|_| Reason::Disconnected)?;
        said.clone().ok_or(Reason::Disconnected)
    }

    /// The oldest first.
    pub fn waiting(&self) -> Vec<Waiting> {
        let now = Instant::now();
        let left = |held: &Held| {
            let left = held.ends.saturating_duration_since(now).as_millis();
            u64::try_from(left).unwrap_or(u64::MAX)
        };
        let told = |held: &Held| Waiting {
            left_ms: left(held),
            ..held.told.clone()
        };
        self.state().waiting.values().map(told).collect()
    }

    /// `None`: nothing waits under this number, any more or ever.
    pub fn answer(&self, number: u64, said: Said) -> Option<Waiting> {
        let mut state = self.state();
        let held = state.waiting.remove(&number)?;
        state.keep(held.subject, &said, Instant::now());
        // everybody may have gone meanwhile; what stands stands
        held.answer.send_replace(Some(said));
        Some(held.told)
    }

    /// Takes back every answer that stands.
    pub fn forget(&self) {
        self.state().standing.clear();
    }

    fn step(&self, question: &Question, patience: Duration) -> Step {
        let subject = subject(question);
        let now = Instant::now();
        let mut state = self.state();
        if let Some(said) = state.stands(&subject, now) {
            return Step::Known(said);
        }
        let same = |held: &&Held| held.subject == subject && held.ends > now;
        if let Some(held) = state.waiting.values().find(same) {
            return Step::Wait(held.told.number, held.answer.subscribe(), held.ends);
        }
        state.last += 1;
        let number = state.last;
        let ends = now + patience;
        let (answer, waits) = watch::channel(None);
        let told = Waiting::of(number, question);
        let held = Held {
            subject,
            told,
            ends,
            answer,
        };
        state.waiting.insert(number, held);
        Step::Wait(number, waits, ends)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // a panic elsewhere leaves a state that is whole
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever waits goes, with an answer or without: what nobody waits for any more is not shown.
struct Leaving<'a> {
    desk: &'a Desk,
    number: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut state = self.desk.state();
        let last = |held: &Held| held.answer.receiver_count() <= 1;
        if state.waiting.get(&self.number).is_some_and(last) {
            state.waiting.remove(&self.number);
        }
    }
}

impl State {
    fn stands(&mut self, subject: &Digest, now: Instant) -> Option<Said> {
        let standing = self.standing.get_mut(subject)?;
        let said = standing.said.clone();
        let is_over = now >= standing.ends;
        let is_last = standing.left.as_mut().is_some_and(|left| {
            *left -= 1;
            *left == 0
        });
        if is_over || is_last {
            self.standing.remove(subject);
        }
        (!is_over).then_some(said)
    }

    /// The act that waits has used it once already.
    fn keep(&mut self, subject: Digest, said: &Said, now: Instant) {
        let left = said.uses.map(|uses| uses.saturating_sub(1));
        let Some(lasts) = said.for_ms.filter(|_| left != Some(0)) else {
            return;
        };
        if self.standing.len() >= MOST {
            self.standing.retain(|_, standing| now < standing.ends);
        }
        // a person who says more than this has a rule to write
        if self.standing.len() < MOST {
            let ends = now + Duration::from_millis(lasts).min(LONGEST);
            let said = said.clone();
            self.standing.insert(subject, Standing { said, ends, left });
        }
    }
}

impl Waiting {
    fn of(number: u64, question: &Question) -> Self {
        Self {
            number,
            container: question.facts.container.clone(),
            op: question.op,
            what: question.told(),
            uid: question.facts.uid,
            rule: question.rule.clone(),
            risk: question.risk,
            left_ms: 0,
        }
    }
}

/// What makes two acts the same one to a person. Who runs it, and what ran before, does not.
fn subject(question: &Question) -> Digest {
    let parts = (
        question.op,
        &question.rule,
        &question.policy,
        (&question.facts.exe, &question.facts.net),
        &question.tainted.argv,
        (&question.tainted.path, &question.tainted.cwd),
    );
    let bytes = serde_json::to_vec(&parts).expect("writing to memory cannot fail");
    Digest::of(PURPOSE, &bytes)
}

const PURPOSE: &str = "sevorix.verdict/1 act of a person";
/// Answers that stand at a time.
const MOST: usize = 256;
/// Nobody's word holds for longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::tainted::Tainted;

    const PATIENCE: Duration = Duration::from_secs(300);

    fn question(word: &str) -> Question {
        let mut question = Question::canary();
        question.tainted.argv = vec![Tainted::from_bytes("git"), Tainted::from_bytes(word)];
        question
    }

    fn said(decided: Decided, for_s: Option<u64>) -> Said {
        Said {
            decided,
            reason: "because".into(),
            for_ms: for_s.map(|seconds| seconds * 1000),
            uses: None,
        }
    }

    fn on_a_still_clock<F: Future>(test: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.expect("a runtime").block_on(test)
    }

    /// Asks, and answers as soon as somebody waits.
    async fn asked(desk: &Arc<Desk>, word: &str, answer: Option<Said>) -> Result<Decided, Reason> {
        let (desk, question) = (Arc::clone(desk), question(word));
        let asking = Arc::clone(&desk);
        let ask = tokio::spawn(async move { asking.ask(&question, PATIENCE).await });
        tokio::task::yield_now().await;
        if let Some(said) = answer {
            for waiting in desk.waiting() {
                desk.answer(waiting.number, said.clone()).expect("it waits");
            }
        }
        ask.await.expect("no panic").map(|said| said.decided)
    }

    #[test]
    fn a_person_decides_and_silence_denies() {
        on_a_still_clock(async {
            let desk = Arc::new(Desk::default());
            let allow = said(Decided::Allow, None);
            assert_eq!(asked(&desk, "push", Some(allow)).await, Ok(Decided::Allow));
            let deny = said(Decided::Deny, None);
            let denied = Ok(Decided::Deny);
            assert_eq!(asked(&desk, "push", Some(deny)).await, denied);
            let silence = Err(Reason::Timeout);
            assert_eq!(asked(&desk, "push", None).await, silence);
            assert_eq!(desk.waiting(), []);
        });
    }

    #[test]
    fn what_was_said_for_ten_minutes_holds_for_ten_minutes() {
        on_a_still_clock(async {
            let desk = Arc::new(Desk::default());
            let allow = Some(said(Decided::Allow, Some(600)));
            assert_eq!(asked(&desk, "push", allow).await, Ok(Decided::Allow));
            tokio::time::advance(Duration::from_secs(599)).await;
            assert_eq!(asked(&desk, "push", None).await, Ok(Decided::Allow));
            let silence = Err(Reason::Timeout);
            assert_eq!(asked(&desk, "pull", None).await, silence, "another act");
            assert_eq!(asked(&desk, "push", None).await, silence, "minute eleven");
        });
    }

    #[test]
    fn uses_are_used_up() {
        on_a_still_clock(async {
            let desk = Arc::new(Desk::default());
            let twice = Said {
                uses: Some(2),
                ..said(Decided::Allow, Some(600))
            };
            assert_eq!(asked(&desk, "push", Some(twice)).await, Ok(Decided::Allow));
            assert_eq!(asked(&desk, "push", None).await, Ok(Decided::Allow));
            let silence = Err(Reason::Timeout);
            assert_eq!(asked(&desk, "push", None).await, silence);
        });
    }

    #[test]
    fn the_same_act_is_shown_once_and_goes_with_the_last_who_waits() {
        on_a_still_clock(async {
            let desk = Arc::new(Desk::default());
            let ask = || {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move { desk.ask(&question("push"), PATIENCE).await })
            };
            let (one, other) = (ask(), ask());
            tokio::task::yield_now().await;
            let waiting = desk.waiting();
            assert_eq!(waiting.len(), 1);
            assert_eq!(waiting[0].what, r#""git" "push""#);
            assert_eq!(waiting[0].left_ms, 300_000);
            one.abort();
            let _ = one.await;
            assert_eq!(desk.waiting().len(), 1);
            other.abort();
            let _ = other.await;
            assert_eq!(desk.waiting(), []);
            assert_eq!(
                desk.answer(waiting[0].number, said(Decided::Allow, None)),
                None
            );
        });
    }

    proptest! {
        /// Whatever a person says of some acts, another one is not allowed by it.
        #[test]
        fn a_word_holds_for_its_act_alone(words in prop::collection::vec("[a-c]", 1..20), other in "[d-z]") {
            on_a_still_clock(async {
                let desk = Arc::new(Desk::default());
                for word in &words {
                    let _ = asked(&desk, word, Some(said(Decided::Allow, Some(60)))).await;
                }
                prop_assert_eq!(asked(&desk, &other, None).await, Err(Reason::Timeout));
                Ok(())
            })?;
        }
    }
}
