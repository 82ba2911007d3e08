//! A compiled policy as the entries of the kernel's maps.

use std::collections::HashSet;

use sevorix_policy::{Action, Answer, Answers, Image, NamePattern, WordRule, WordSet};

use super::hash::{Hasher, extension_name, literal_name};
use super::skeleton::types;

const GUARDS: u64 = 1;
const HAS_CHILDREN: u64 = 2;
const HAS_NAMES: u32 = 1;
const TELLS_ORIGINS: u32 = 2;
const HAS_WORDS: u32 = 4;

pub(super) fn policy(image: &Image, hasher: Hasher) -> types::policy {
    types::policy {
        policy_id: image.policy_id(),
        root: hasher.root(),
        flags: flag(!image.names.is_empty(), HAS_NAMES)
            | flag(image.tells_what_was_written(), TELLS_ORIGINS)
            | flag(has_words(image), HAS_WORDS),
        written: pack(image.written),
        jit: pack(image.jit),
    }
}

fn flag(holds: bool, flag: u32) -> u32 {
    if holds { flag } else { 0 }
}

pub(super) fn paths(image: &Image, hasher: Hasher) -> Vec<(u64, types::path_node)> {
    let parents: HashSet<&[Box<[u8]>]> = image
        .paths
        .iter()
        .filter_map(|node| Some(node.path.split_last()?.1))
        .collect();
    let entry = |node: &sevorix_policy::PathNode| {
        let (last, parent) = match node.path.split_last() {
            Some((last, parent)) => (&**last, place(hasher, parent)),
            None => (&b""[..], 0),
        };
        let [own_words, child_words, below_words] = node.words;
        let has_children = parents.contains(&node.path[..]);
        let flags =
            if node.guards { GUARDS } else { 0 } | if has_children { HAS_CHILDREN } else { 0 };
        types::path_node {
            parent,
            own: pack_all(&node.own),
            child: pack_all(&node.child),
            below: pack_all(&node.below),
            flags,
            own_words,
            child_words,
            below_words,
            reserved: 0,
            name: literal_name(last),
        }
    };
    image
        .paths
        .iter()
        .map(|node| (place(hasher, &node.path), entry(node)))
        .collect()
}

pub(super) fn names(image: &Image, hasher: Hasher) -> Vec<(u64, types::name_node)> {
    let entry = |node: &sevorix_policy::NameNode| {
        let (key, name) = match &node.pattern {
            NamePattern::Literal(name) => (hasher.literal(name), literal_name(name)),
            NamePattern::Extension(name) => (hasher.extension(name), extension_name(name)),
        };
        let answers = pack_all(&node.answers);
        (key, types::name_node { answers, name })
    };
    image.names.iter().map(entry).collect()
}

/// Beside the empty set.
pub(super) fn has_words(image: &Image) -> bool {
    image.word_sets.len() > 1
}

/// The empty set, which is the first, has no entry.
pub(super) fn words(image: &Image) -> Vec<(u64, types::word_set)> {
    let sets = image.word_sets.iter().enumerate().skip(1);
    sets.map(|(number, set)| (number as u64, word_set(set)))
        .collect()
}

fn word_set(set: &WordSet) -> types::word_set {
    let automaton = set.automaton();
    let states = |words| types::states { words };
    let lifts = |rule: &WordRule| rule.answer.action == Action::Allow;
    let mut entry = types::word_set {
        stays: states(automaton.stays),
        rests: states(automaton.rests),
        starts: states(automaton.starts),
        count: u16::try_from(set.rules.len()).unwrap_or(u16::MAX),
        too_long: pack(set.too_long),
        carried: set.carried,
        lifts: u16::from(set.rules.iter().any(lifts)),
        ..Default::default()
    };
    for (entry, moves) in entry.moves.iter_mut().zip(automaton.moves.iter()) {
        *entry = states(*moves);
    }
    let rules = set.rules.iter().zip(automaton.ends);
    for (entry, (rule, end)) in entry.rules.iter_mut().zip(rules) {
        *entry = types::word_rule {
            end,
            answer: pack(rule.answer),
        };
    }
    entry
}

/// The deepest node on the way to a path, and how many components lie behind it.
pub(super) fn deepest(image: &Image, hasher: Hasher, path: &[Box<[u8]>]) -> (u64, u32) {
    let is_node = |length: usize| {
        image
            .paths
            .binary_search_by(|node| node.path[..].cmp(&path[..length]))
            .is_ok()
    };
    let length = (0..=path.len())
        .rev()
        .find(|length| is_node(*length))
        .unwrap_or(0);
    let beyond = u32::try_from(path.len() - length).unwrap_or(u32::MAX);
    (place(hasher, &path[..length]), beyond)
}

/// What the name rules say of a name; 0: nothing.
pub(super) fn answers_of_name(image: &Image, name: &[u8]) -> u64 {
    let of = |wanted: &dyn Fn(&NamePattern) -> bool| {
        let found = image.names.iter().find(|node| wanted(&node.pattern));
        found.map(|node| pack_all(&node.answers))
    };
    of(&|pattern| matches!(pattern, NamePattern::Literal(literal) if **literal == *name))
        .or_else(|| of(&|pattern| pattern.covers(name)))
        .unwrap_or(0)
}

pub(super) fn place(hasher: Hasher, path: &[Box<[u8]>]) -> u64 {
    path.iter().fold(hasher.root(), |parent, component| {
        hasher.child(parent, component)
    })
}

fn pack_all(answers: &Answers) -> u64 {
    [answers.read, answers.write, answers.change, answers.exec]
        .into_iter()
        .rev()
        .fold(0, |all, answer| all << 16 | u64::from(pack(answer)))
}

/// The compiler of policies keeps to 13 bits of rules.
pub(super) fn pack(answer: Answer) -> u16 {
    let action = match answer.action {
        Action::Allow => 0,
        Action::Ask => 1,
        Action::Deny => 2,
        Action::Kill => 3,
    };
    action | u16::from(answer.audit) << 2 | answer.rule << 3
}
