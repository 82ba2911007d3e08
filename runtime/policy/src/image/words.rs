//! The rules on command lines, as the kernel reads them: one automaton for all rules that meet at a program.
//!
//! A state is a place in a rule's globs. A set of states is a bit for each; what a byte does to it is
//! one look-up, a shift and a few logical operations, whatever the globs are. So the time for a
//! command line depends on its length alone, and the verifier sees no path that a policy could bend.

use std::collections::BTreeMap;

use super::compile::{Numbers, TooLarge};
use super::{Answer, PathNode};
use crate::judge::{Weighed, stricter, weigh};
use crate::model::{Action, ExecRule, LINE_MOST, Policy, REST, length};

/// The rules that meet at one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordSet {
    pub rules: Vec<WordRule>,
    /// For a command line of more than [`LINE_MOST`] bytes.
    pub too_long: Answer,
    /// Equal for sets between whose programs a rename changes nothing that is enforced.
    pub carried: u16,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordRule {
    pub globs: Vec<String>,
    pub answer: Answer,
}

/// A bit for each state.
pub type States = [u64; WordSet::STATES / 64];

/// The rules of a set as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Automaton {
    /// For each byte the states that it leads one further from; the byte 0 ends an argument.
    pub moves: Box<[States; 256]>,
    /// The states that bytes of an argument may leave as they are.
    pub stays: States,
    /// Those that the end of an argument may, too.
    pub rests: States,
    pub starts: States,
    /// Of each rule the state in which it fits.
    pub ends: Vec<u16>,
}

impl WordSet {
    pub const STATES: usize = 256;
    pub const RULES: usize = 32;

    /// What the rules say of a command line whose first word is the program's name. Rule 0: nothing.
    pub fn answer(&self, argv: &[Box<[u8]>]) -> Answer {
        if length(argv) > LINE_MOST {
            return self.too_long;
        }
        let automaton = self.automaton();
        let mut at = automaton.starts;
        for word in argv.iter().skip(1) {
            for byte in word.iter().chain(&[0]) {
                at = automaton.step(at, *byte);
            }
        }
        let fitting = self.rules.iter().zip(&automaton.ends);
        fitting
            .filter(|(_, end)| has(&at, usize::from(**end)))
            .fold(SILENT, |answer, (rule, _)| {
                first_or_stricter(answer, rule.answer)
            })
    }

    pub fn automaton(&self) -> Automaton {
        let mut automaton = Automaton::empty();
        let mut state = 0;
        for rule in &self.rules {
            state = automaton.add(&rule.globs, state);
        }
        automaton
    }
}

impl Automaton {
    fn empty() -> Self {
        Self {
            moves: Box::new([NOWHERE; 256]),
            stays: NOWHERE,
            rests: NOWHERE,
            starts: NOWHERE,
            ends: Vec::new(),
        }
    }

    /// The first state behind the rule's own.
    fn add(&mut self, globs: &[String], first: usize) -> usize {
        let mut state = first;
        set(&mut self.starts, state);
        for glob in globs {
            if glob == REST {
                set(&mut self.stays, state);
                set(&mut self.rests, state);
                continue;
            }
            for byte in glob.bytes() {
                match byte {
                    b'*' => {
                        set(&mut self.stays, state);
                        continue;
                    }
                    b'?' => self.moves[1..]
                        .iter_mut()
                        .for_each(|moves| set(moves, state)),
                    byte => set(&mut self.moves[usize::from(byte)], state),
                }
                state += 1;
            }
            set(&mut self.moves[0], state);
            state += 1;
        }
        self.ends.push(u16::try_from(state).unwrap_or(u16::MAX));
        state + 1
    }

    fn step(&self, at: States, byte: u8) -> States {
        let stays = if byte == 0 { &self.rests } else { &self.stays };
        let moves = &self.moves[usize::from(byte)];
        let mut next = NOWHERE;
        let mut carry = 0;
        for word in 0..next.len() {
            let moved = at[word] & moves[word];
            next[word] = (moved << 1) | carry | (at[word] & stays[word]);
            carry = moved >> 63;
        }
        next
    }
}

fn set(states: &mut States, state: usize) {
    if let Some(word) = states.get_mut(state / 64) {
        *word |= 1 << (state % 64);
    }
}

fn has(states: &States, state: usize) -> bool {
    states
        .get(state / 64)
        .is_some_and(|word| word & (1 << (state % 64)) != 0)
}

/// Of several rules that fit.
fn first_or_stricter(answer: Answer, other: Answer) -> Answer {
    match answer.rule {
        0 => other,
        _ => stricter(answer, other),
    }
}

const NOWHERE: States = [0; WordSet::STATES / 64];
const SILENT: Answer = Answer {
    action: Action::Allow,
    audit: false,
    rule: 0,
};

/// The sets of a policy, each of them once. The first is empty.
pub(super) struct Sets<'a> {
    policy: &'a Policy,
    numbers: &'a Numbers,
    sets: Vec<WordSet>,
    by_rules: BTreeMap<Vec<usize>, u16>,
    by_enforced: BTreeMap<Vec<usize>, u16>,
}

impl<'a> Sets<'a> {
    pub fn new(policy: &'a Policy, numbers: &'a Numbers) -> Self {
        Self {
            policy,
            numbers,
            sets: Vec::new(),
            by_rules: BTreeMap::new(),
            by_enforced: BTreeMap::new(),
        }
    }

    /// The number of the set for a program at this place.
    pub fn at(&mut self, path: &[Box<[u8]>]) -> Result<u16, TooLarge> {
        let rules = self.policy.exec.rules.iter().enumerate();
        let here: Vec<usize> = rules
            .filter(|(_, rule)| rule.covers_with_words(path))
            .map(|(index, _)| index)
            .collect();
        if let Some(number) = self.by_rules.get(&here) {
            return Ok(*number);
        }
        let set = self.set_of(&here)?;
        let number = u16::try_from(self.sets.len()).unwrap_or(u16::MAX);
        self.sets.push(set);
        self.by_rules.insert(here, number);
        Ok(number)
    }

    pub fn carry_the_same(&self, one: u16, other: u16) -> bool {
        let carried = |number: u16| self.sets.get(usize::from(number)).map(|set| set.carried);
        carried(one) == carried(other)
    }

    pub fn all(self) -> Vec<WordSet> {
        self.sets
    }

    fn set_of(&mut self, here: &[usize]) -> Result<WordSet, TooLarge> {
        let policy = self.policy;
        let rules: Vec<&ExecRule> = here
            .iter()
            .map(|index| &policy.exec.rules[*index])
            .collect();
        if let Some(first) = rules.first() {
            must_fit(first, &rules)?;
        }
        let answer = |rule: &&ExecRule| {
            self.numbers
                .answer(weigh(&[(*rule).into()], None, policy.is_audit()))
        };
        let enforced: Vec<usize> = here
            .iter()
            .copied()
            .filter(|index| policy.exec.rules[*index].is_enforced(policy))
            .collect();
        let next = u16::try_from(self.by_enforced.len()).unwrap_or(u16::MAX);
        Ok(WordSet {
            too_long: self.numbers.answer(policy.too_long(&rules)),
            rules: rules
                .iter()
                .map(|rule| WordRule {
                    globs: rule.argv.clone(),
                    answer: answer(rule),
                })
                .collect(),
            carried: *self.by_enforced.entry(enforced).or_insert(next),
        })
    }
}

fn must_fit(first: &ExecRule, rules: &[&ExecRule]) -> Result<(), TooLarge> {
    let states = |rule: &&ExecRule| -> usize {
        let globs = rule.argv.iter().filter(|glob| *glob != REST);
        1 + globs
            .map(|glob| 1 + glob.bytes().filter(|byte| *byte != b'*').count())
            .sum::<usize>()
    };
    let count = rules.iter().map(states).sum();
    if count > WordSet::STATES || rules.len() > WordSet::RULES {
        return Err(TooLarge::Words {
            rule: first.id.clone(),
            rules: rules.len(),
            bytes: count,
        });
    }
    Ok(())
}

impl Policy {
    /// What a command line comes to that is longer than what is judged, where these rules could apply.
    pub(crate) fn too_long<'p>(&self, rules: &[&'p ExecRule]) -> Weighed<'p> {
        let enforced = rules.iter().find(|rule| rule.is_enforced(self));
        match enforced.or(rules.first()) {
            None => Weighed::SILENT,
            Some(rule) => Weighed {
                action: Action::Kill,
                audit: enforced.is_none(),
                rule: Some(&rule.id),
            },
        }
    }
}

impl PathNode {
    /// The number of the rules on command lines, `beyond` components below the node.
    pub(super) fn words_at(&self, beyond: usize) -> u16 {
        self.words[beyond.min(2)]
    }
}
