//! A compiled policy as the entries of the kernel's maps.

use std::collections::HashSet;

use sevorix_policy::{Action, Answer, Answers, Image, NamePattern, WordRule, WordSet};

use super::hash::{Hasher, extension_name, literal_name};
use super::skeleton::types;

const GUARDS: u64 = 1;
const HAS_CHILDREN: u64 = 2;
const IS_THERE: u64 = 4;
const HAS_NAMES: u32 = 1;
const HAS_ENDINGS: u32 = 2;
const TELLS_ORIGINS: u32 = 4;
const HAS_WORDS: u32 = 8;
/// As many places the programs look at for one node.
const PROBES: usize = 8;

/// With the table of its paths, whose size it tells.
pub(super) fn policy(
    image: &Image,
    policy_id: u64,
    hasher: Hasher,
    paths: &PathTable,
) -> types::policy {
    let is_ending =
        |node: &sevorix_policy::NameNode| matches!(node.pattern, NamePattern::Extension(_));
    types::policy {
        policy_id,
        root: hasher.root(),
        flags: flag(!image.names.is_empty(), HAS_NAMES)
            | flag(image.names.iter().any(is_ending), HAS_ENDINGS)
            | flag(image.tells_what_was_written(), TELLS_ORIGINS)
            | flag(has_words(image), HAS_WORDS),
        mask: paths.mask(),
        written: pack(image.written),
        jit: pack(image.jit),
        reserved: 0,
    }
}

fn flag(holds: bool, flag: u32) -> u32 {
    if holds { flag } else { 0 }
}

/// Nodes at their hash's place, or at one of the next ones. It has as many places as no node needs to lie further away.
#[derive(Debug)]
pub(super) struct PathTable {
    places: Vec<Option<types::path_node>>,
}

impl PathTable {
    pub fn of(nodes: &[types::path_node]) -> Self {
        let mut size = (2 * nodes.len()).max(1).next_power_of_two();
        loop {
            if let Some(places) = spread(nodes, size) {
                return Self { places };
            }
            size *= 2;
        }
    }

    /// How many places it has: a power of two.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    fn mask(&self) -> u32 {
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    pub fn taken(&self) -> Vec<(u32, types::path_node)> {
        let places = (0_u32..).zip(&self.places);
        places
            .filter_map(|(place, node)| Some((place, (*node)?)))
            .collect()
    }
}

/// `None`: one would lie too far away.
fn spread(nodes: &[types::path_node], size: usize) -> Option<Vec<Option<types::path_node>>> {
    let mut places = vec![None; size];
    for node in nodes {
        let mut probes = (0..PROBES as u64).map(|probe| index(node.place, probe, size));
        let free = probes.find(|place| places[*place].is_none())?;
        places[free] = Some(*node);
    }
    Some(places)
}

fn index(place: u64, probe: u64, size: usize) -> usize {
    let mask = size as u64 - 1;
    usize::try_from(place.wrapping_add(probe) & mask).unwrap_or(0)
}

pub(super) fn paths(image: &Image, hasher: Hasher) -> PathTable {
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
        let flags = IS_THERE
            | if node.guards { GUARDS } else { 0 }
            | if has_children { HAS_CHILDREN } else { 0 };
        types::path_node {
            place: place(hasher, &node.path),
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
    let nodes: Vec<types::path_node> = image.paths.iter().map(entry).collect();
    PathTable::of(&nodes)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As `node_at` does in `walk.h`.
    fn look_up(table: &PathTable, place: u64) -> Option<u64> {
        for probe in 0..PROBES as u64 {
            let node = table.places[index(place, probe, table.len())]?;
            if node.place == place {
                return Some(node.parent);
            }
        }
        None
    }

    fn table(places: &[u64]) -> PathTable {
        let node = |place: &u64| types::path_node {
            place: *place,
            parent: place ^ 1,
            flags: IS_THERE,
            ..Default::default()
        };
        PathTable::of(&places.iter().map(node).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn every_node_is_found_and_no_other_one(
            places in proptest::collection::hash_set(any::<u64>(), 0..600),
            others in proptest::collection::vec(any::<u64>(), 0..100),
        ) {
            let places: Vec<u64> = places.into_iter().collect();
            let table = table(&places);
            prop_assert!(table.len().is_power_of_two());
            for place in &places {
                prop_assert_eq!(look_up(&table, *place), Some(place ^ 1));
            }
            for other in others.iter().filter(|other| !places.contains(other)) {
                prop_assert_eq!(look_up(&table, *other), None);
            }
        }

        #[test]
        fn crowded_places_make_a_larger_table(start in any::<u64>()) {
            let places: Vec<u64> = (0..20).map(|number: u64| start.wrapping_add(number << 8)).collect();
            let table = table(&places);
            for place in &places {
                prop_assert_eq!(look_up(&table, *place), Some(place ^ 1));
            }
        }
    }

    #[test]
    fn a_table_without_nodes_has_a_place_and_finds_nothing() {
        let table = table(&[]);
        assert_eq!(table.len(), 1);
        assert_eq!(look_up(&table, 7), None);
    }
}
