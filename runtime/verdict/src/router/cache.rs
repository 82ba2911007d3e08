//! Answers that hold for the same question again.
//!
//! The service proposes for how long, the policy bounds it. A question's digest holds every field the jurors saw, so
//! nothing is remembered for a question that only looks alike.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::digest::Digest;
use crate::message::{Answer, Cache as Proposal};
use crate::words::Decided;

/// What is remembered, of one jury.
#[derive(Debug)]
pub struct Cache {
    entries: HashMap<Digest, Entry>,
    /// The policy's `cache_ttl`.
    longest: Duration,
}

#[derive(Debug)]
struct Entry {
    answer: Answer,
    ends: Instant,
    uses: u32,
}

impl Cache {
    pub fn new(longest: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            longest,
        }
    }

    /// Uses up one of the uses.
    pub fn take(&mut self, action: &Digest, now: Instant) -> Option<Answer> {
        let entry = self.entries.get_mut(action)?;
        if now >= entry.ends {
            self.entries.remove(action);
            return None;
        }
        entry.uses -= 1;
        if entry.uses > 0 {
            return Some(entry.answer.clone());
        }
        self.entries.remove(action).map(|entry| entry.answer)
    }

    pub fn put(&mut self, action: Digest, answer: &Answer, now: Instant) {
        let Some(Proposal { ttl_ms, uses }) = self.bounded(answer) else {
            return;
        };
        if self.entries.len() >= MOST {
            self.make_room(now);
        }
        let ends = now + Duration::from_millis(ttl_ms.into());
        let answer = answer.clone();
        self.entries.insert(action, Entry { answer, ends, uses });
    }

    /// On a change of policy, jury, taint or gate.
    pub fn flush(&mut self) {
        self.entries.clear();
    }

    /// A denial is remembered for 1 to 5 seconds, so that asking again and again costs nobody anything; an allow for
    /// what the service proposes and the policy lets it.
    fn bounded(&self, answer: &Answer) -> Option<Proposal> {
        let longest = u32::try_from(self.longest.as_millis()).unwrap_or(u32::MAX);
        let bounded = match (answer.verdict, answer.cache) {
            (Decided::Deny, proposal) => Proposal {
                ttl_ms: proposal
                    .map_or(0, |proposal| proposal.ttl_ms)
                    .clamp(SHORTEST_DENIAL, LONGEST_DENIAL),
                uses: u32::MAX,
            },
            (Decided::Allow, proposal) => {
                let Proposal { ttl_ms, uses } = proposal?;
                let ttl_ms = ttl_ms.min(longest);
                Proposal { ttl_ms, uses }
            }
        };
        (bounded.ttl_ms > 0 && bounded.uses > 0).then_some(bounded)
    }

    /// What has ended goes first, and then all of it: an agent that asks so much gains nothing from a memory.
    fn make_room(&mut self, now: Instant) {
        self.entries.retain(|_, entry| now < entry.ends);
        if self.entries.len() >= MOST {
            self.entries.clear();
        }
    }
}

/// A container that is asked about more than this has no memory to lose.
const MOST: usize = 1024;
const SHORTEST_DENIAL: u32 = 1_000;
const LONGEST_DENIAL: u32 = 5_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Code;

    fn digest(byte: u8) -> Digest {
        Digest::new([byte; 32])
    }

    fn answer(verdict: Decided, cache: Option<Proposal>) -> Answer {
        Answer {
            id: 1,
            verdict,
            action: digest(0),
            jury: digest(1),
            code: Code::new("test").expect("a code"),
            cache,
            jurors: Vec::new(),
            why: None,
            us: None,
        }
    }

    fn hits(proposal: Option<Proposal>, verdict: Decided, longest_ms: u64, at_ms: u64) -> bool {
        let now = Instant::now();
        let mut cache = Cache::new(Duration::from_millis(longest_ms));
        cache.put(digest(0), &answer(verdict, proposal), now);
        cache
            .take(&digest(0), now + Duration::from_millis(at_ms))
            .is_some()
    }

    #[test]
    fn an_allow_is_remembered_only_when_both_want_it() {
        let proposal = Some(Proposal {
            ttl_ms: 100,
            uses: 1,
        });
        assert!(hits(proposal, Decided::Allow, 1000, 99));
        assert!(!hits(proposal, Decided::Allow, 1000, 100));
        assert!(
            !hits(proposal, Decided::Allow, 50, 60),
            "the policy's bound"
        );
        assert!(
            !hits(proposal, Decided::Allow, 0, 0),
            "the policy wants no memory"
        );
        assert!(
            !hits(None, Decided::Allow, 1000, 0),
            "the service wants no memory"
        );
        assert!(!hits(
            Some(Proposal {
                ttl_ms: 100,
                uses: 0
            }),
            Decided::Allow,
            1000,
            0
        ));
    }

    #[test]
    fn a_denial_is_remembered_for_one_to_five_seconds_whatever_is_proposed() {
        let eternal = Some(Proposal {
            ttl_ms: u32::MAX,
            uses: 0,
        });
        assert!(hits(None, Decided::Deny, 0, 999));
        assert!(!hits(None, Decided::Deny, 0, 1000));
        assert!(hits(eternal, Decided::Deny, 0, 4999));
        assert!(!hits(eternal, Decided::Deny, 0, 5000));
    }

    #[test]
    fn uses_are_used_up() {
        let now = Instant::now();
        let mut cache = Cache::new(Duration::from_secs(1));
        let proposal = Some(Proposal {
            ttl_ms: 100,
            uses: 2,
        });
        cache.put(digest(0), &answer(Decided::Allow, proposal), now);
        let found = [(); 3].map(|()| cache.take(&digest(0), now).is_some());
        assert_eq!(found, [true, true, false]);
    }

    #[test]
    fn nothing_is_left_after_a_flush_and_another_question_is_another_one() {
        let now = Instant::now();
        let mut cache = Cache::new(Duration::from_secs(1));
        let proposal = Some(Proposal {
            ttl_ms: 100,
            uses: 9,
        });
        cache.put(digest(0), &answer(Decided::Allow, proposal), now);
        assert!(cache.take(&digest(9), now).is_none());
        assert!(cache.take(&digest(0), now).is_some());
        cache.flush();
        assert!(cache.take(&digest(0), now).is_none());
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_its_bound(keys in prop::collection::vec(any::<[u8; 2]>(), 0..3000)) {
            let now = Instant::now();
            let mut cache = Cache::new(Duration::from_secs(1));
            for [high, low] in keys {
                let mut bytes = [0; 32];
                (bytes[0], bytes[1]) = (high, low);
                cache.put(Digest::new(bytes), &answer(Decided::Deny, None), now);
                prop_assert!(cache.entries.len() <= MOST);
            }
        }
    }
}
