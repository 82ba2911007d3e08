//! From votes to a verdict: any juror can veto, nobody can be outvoted into an allow.

use sevorix_verdict::{Risk, Vote};

/// What a jury agrees on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    Allow,
    Veto,
    /// Nobody objects, and too few agree.
    NoQuorum,
}

/// One veto denies; else enough have to agree. Low risk needs one juror. High risk needs a language model, which this
/// release has none of.
pub fn consent(votes: &[Vote], risk: Risk, extra_jurors: u8) -> Consent {
    let count = |vote| votes.iter().filter(|cast| **cast == vote).count();
    let enough = match risk {
        Risk::Low => count(Vote::Allow) > usize::from(extra_jurors),
        Risk::High => false,
    };
    match () {
        () if count(Vote::Deny) > 0 => Consent::Veto,
        () if enough => Consent::Allow,
        () => Consent::NoQuorum,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn votes() -> impl Strategy<Value = Vec<Vote>> {
        prop::collection::vec(select(Vote::ALL), 0..6)
    }

    #[test]
    fn nobody_is_no_quorum_and_high_risk_has_none() {
        assert_eq!(consent(&[], Risk::Low, 0), Consent::NoQuorum);
        assert_eq!(consent(&[Vote::Abstain], Risk::Low, 0), Consent::NoQuorum);
        assert_eq!(consent(&[Vote::Allow], Risk::Low, 0), Consent::Allow);
        assert_eq!(consent(&[Vote::Allow], Risk::Low, 1), Consent::NoQuorum);
        assert_eq!(consent(&[Vote::Allow; 9], Risk::High, 0), Consent::NoQuorum);
    }

    proptest! {
        #[test]
        fn a_veto_denies(before in votes(), after in votes(), extra in 0_u8..4) {
            let all = [before, vec![Vote::Deny], after].concat();
            prop_assert_eq!(consent(&all, Risk::Low, extra), Consent::Veto);
        }

        #[test]
        fn the_order_does_not_matter(votes in votes(), extra in 0_u8..4) {
            let turned: Vec<_> = votes.iter().rev().copied().collect();
            prop_assert_eq!(consent(&votes, Risk::Low, extra), consent(&turned, Risk::Low, extra));
        }

        /// Removing, silencing or turning a juror who did not object never allows what was denied.
        #[test]
        fn a_juror_less_never_allows(votes in votes(), place: usize, extra in 0_u8..4) {
            prop_assume!(!votes.is_empty());
            let place = place % votes.len();
            prop_assume!(votes[place] != Vote::Deny && consent(&votes, Risk::Low, extra) != Consent::Allow);
            let mut fewer = votes.clone();
            fewer.remove(place);
            prop_assert_ne!(consent(&fewer, Risk::Low, extra), Consent::Allow);
            for vote in [Vote::Abstain, Vote::Deny] {
                let mut other = votes.clone();
                other[place] = vote;
                prop_assert_ne!(consent(&other, Risk::Low, extra), Consent::Allow);
            }
        }

        #[test]
        fn more_jurors_asked_for_never_allow(votes in votes(), extra in 0_u8..4) {
            if consent(&votes, Risk::Low, extra) != Consent::Allow {
                prop_assert_ne!(consent(&votes, Risk::Low, extra + 1), Consent::Allow);
            }
        }
    }
}
