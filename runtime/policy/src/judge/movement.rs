//! Whether a rename or a link would carry an object to where it is treated otherwise.
//!
//! A rule holds for places. Were a denied file's folder renamed, the file would lie where no rule
//! looks; were a harmless folder renamed to a guarded name, its content would be under that name
//! without ever having been created there.

use super::voices::Touch;
use super::weigh::{Joined, Weighed};
use crate::model::{Components, FRESH, Policy, RuleId};

/// The rule out of or into whose reach the object would come.
pub(super) fn out_of_reach(
    policy: &Policy,
    from: &[Box<[u8]>],
    to: &[Box<[u8]>],
    folder: bool,
) -> Option<RuleId> {
    let itself = |place: &[Box<[u8]>], touch| policy.by_place_and_name(place, touch);
    let own = Touch::ALL
        .into_iter()
        .find_map(|touch| difference(itself(from, touch), itself(to, touch), touch))
        .or_else(|| differing_words(policy, from, to));
    if !folder {
        return own;
    }
    let deep = |place: &[Box<[u8]>]| [place, &[FRESH.into(), FRESH.into()]].concat();
    own.or_else(|| differing(policy, &deep(from), &deep(to)))
        .or_else(|| [from, to].into_iter().find_map(|end| guarding(policy, end)))
}

/// The rule that treats something below the folder otherwise than the rest of it.
fn guarding(policy: &Policy, folder: &[Box<[u8]>]) -> Option<RuleId> {
    let deep = [folder, &[FRESH.into(), FRESH.into()]].concat();
    let child = [folder, &[FRESH.into()]].concat();
    let named = policy
        .bases()
        .map(|(_, base)| base)
        .filter(|base| base.len() > folder.len() && base.starts_with(folder))
        .flat_map(|base| (0..3).map(|depth| below(base, depth)));
    [child]
        .into_iter()
        .chain(named)
        .find_map(|place| differing(policy, &place, &deep))
}

fn below(base: &Components, depth: usize) -> Components {
    [&base[..], &vec![FRESH.into(); depth]].concat()
}

fn differing(policy: &Policy, one: &[Box<[u8]>], other: &[Box<[u8]>]) -> Option<RuleId> {
    let by_place = Touch::ALL.into_iter().find_map(|touch| {
        difference(
            policy.by_place(one, touch),
            policy.by_place(other, touch),
            touch,
        )
    });
    by_place.or_else(|| differing_words(policy, one, other))
}

/// The rule on command lines that holds for a program in one place and not in the other.
fn differing_words(policy: &Policy, one: &[Box<[u8]>], other: &[Box<[u8]>]) -> Option<RuleId> {
    let enforced = policy
        .exec
        .rules
        .iter()
        .filter(|rule| rule.is_enforced(policy));
    enforced
        .into_iter()
        .find(|rule| rule.covers_with_words(one) != rule.covers_with_words(other))
        .map(|rule| rule.id.clone())
}

/// The rule that makes the difference: that of the end where less is allowed.
fn difference(one: Weighed, other: Weighed, touch: Touch) -> Option<RuleId> {
    if one.carried() == other.carried() {
        return None;
    }
    let stricter = if one.carried() > other.carried() {
        one
    } else {
        other
    };
    let default = match touch {
        Touch::Exec => "exec.default",
        _ => "file.default",
    };
    Some(
        stricter
            .rule
            .cloned()
            .unwrap_or_else(|| RuleId::setting(default)),
    )
}
