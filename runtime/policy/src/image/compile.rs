//! From a policy to its image.

use std::collections::{BTreeSet, HashMap};

use super::words::{Sets, WordSet};
use super::{Answer, Answers, Image, NameNode, PathNode, nets};
use crate::judge::{Touch, Weighed};
use crate::model::{Action, Components, FRESH, FileMatch, NamePattern, Policy, RuleId};

/// More than the kernel's tables hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    #[error("the policy has {count} rules, {} are possible", MAX_RULES)]
    Rules { count: usize },
    #[error(
        "the rules on {net} make {count} different port ranges, {} are possible",
        super::PortSet::MAX
    )]
    Ports { net: String, count: usize },
    #[error(
        "the path of rule {rule} has {count} components, {} are possible",
        MAX_DEPTH
    )]
    Depth { rule: RuleId, count: usize },
    #[error(
        "the rules on argv that meet at one program, {rule} among them, are {rules} with {bytes} bytes together; {} with {} are possible",
        WordSet::RULES,
        WordSet::STATES
    )]
    Words {
        rule: RuleId,
        rules: usize,
        bytes: usize,
    },
}

/// Composes all rules, so that the deepest node that fits has the whole answer.
///
/// Rules on host names and contents have no place in the tables: [`Policy::needs`] tells them.
pub fn compile(policy: &Policy) -> Result<Image, TooLarge> {
    let numbers = Numbers::of(policy)?;
    check_depths(policy)?;
    let (nets, port_sets) = nets::compile(policy, &numbers)?;
    let mut words = Sets::new(policy, &numbers);
    words.at(&[])?; // of the root, which is no program: the empty set comes first
    Ok(Image {
        paths: path_nodes(policy, &numbers, &mut words)?,
        word_sets: words.all(),
        names: name_nodes(policy, &numbers),
        nets,
        port_sets,
        defaults: defaults(policy, &numbers),
        net_default: numbers.default(policy.net.default),
        written: numbers.setting(policy.exec.writable, &numbers.written),
        jit: numbers.setting(policy.exec.jit, &numbers.jit),
        listen: policy.net.listen,
        unix: policy.net.unix,
        audit: policy.is_audit(),
        rules: numbers.rules,
    })
}

/// Which number stands for which rule.
pub(super) struct Numbers {
    rules: Vec<RuleId>,
    by_rule: HashMap<RuleId, u16>,
    written: RuleId,
    jit: RuleId,
    audit: bool,
}

impl Numbers {
    fn of(policy: &Policy) -> Result<Self, TooLarge> {
        let mut rules: Vec<RuleId> = SETTINGS.map(RuleId::setting).to_vec();
        let mut by_rule = HashMap::new();
        for id in policy.rule_ids() {
            by_rule.entry(id.clone()).or_insert_with(|| {
                rules.push(id.clone());
                rules.len() - 1
            });
        }
        by_rule.extend((0..SETTINGS.len()).map(|number| (rules[number].clone(), number)));
        let count = rules.len();
        if count > MAX_RULES {
            return Err(TooLarge::Rules { count });
        }
        let number = |number| u16::try_from(number).map_err(|_| TooLarge::Rules { count });
        let by_rule = by_rule
            .into_iter()
            .map(|(id, index)| Ok((id, number(index)?)));
        Ok(Self {
            by_rule: by_rule.collect::<Result<_, TooLarge>>()?,
            rules,
            written: RuleId::setting("exec.writable"),
            jit: RuleId::setting("exec.jit.default"),
            audit: policy.is_audit(),
        })
    }

    pub(super) fn answer(&self, weighed: Weighed) -> Answer {
        Answer {
            action: weighed.action,
            audit: weighed.audit,
            rule: weighed.rule.map_or(0, |rule| self.by_rule[rule]),
        }
    }

    fn default(&self, action: Action) -> Answer {
        Answer {
            action,
            audit: self.audit && action != Action::Allow,
            rule: 0,
        }
    }

    fn setting(&self, action: Action, rule: &RuleId) -> Answer {
        Answer {
            rule: self.by_rule[rule],
            ..self.default(action)
        }
    }
}

fn defaults(policy: &Policy, numbers: &Numbers) -> Answers {
    answers(|touch| numbers.default(policy.default_of(touch)))
}

fn answers(mut answer: impl FnMut(Touch) -> Answer) -> Answers {
    let [read, write, change, exec] = Touch::ALL.map(&mut answer);
    Answers {
        read,
        write,
        change,
        exec,
    }
}

fn path_nodes(
    policy: &Policy,
    numbers: &Numbers,
    words: &mut Sets<'_>,
) -> Result<Vec<PathNode>, TooLarge> {
    let at = |path: &[Box<[u8]>]| {
        let [read, write, change, exec] = policy.all_by_place(path);
        Answers {
            read: numbers.answer(read),
            write: numbers.answer(write),
            change: numbers.answer(change),
            exec: numbers.answer(exec),
        }
    };
    let mut nodes: Vec<PathNode> = places(policy)
        .into_iter()
        .map(|path| {
            let deeper = [&path[..], &[FRESH.into(), FRESH.into()]].concat();
            let child = &deeper[..=path.len()];
            Ok(PathNode {
                own: at(&path),
                child: at(child),
                below: at(&deeper),
                words: [words.at(&path)?, words.at(child)?, words.at(&deeper)?],
                guards: false,
                path,
            })
        })
        .collect::<Result<_, TooLarge>>()?;
    let guards: Vec<bool> = (0..nodes.len())
        .map(|index| guards(&nodes[index..], words))
        .collect();
    for (node, guards) in nodes.iter_mut().zip(guards) {
        node.guards = guards;
    }
    Ok(nodes)
}

/// Sorted by path, what lies below a node follows it.
fn guards(from_node: &[PathNode], words: &Sets<'_>) -> bool {
    let Some((node, rest)) = from_node.split_first() else {
        return false;
    };
    let [.., rest_of_words] = node.words;
    let differs = |answers: &Answers, set: u16| {
        !answers.carry_the_same(&node.below) || !words.carry_the_same(set, rest_of_words)
    };
    let inside = rest
        .iter()
        .take_while(|other| other.path.starts_with(&node.path));
    differs(&node.child, node.words[1])
        || inside.into_iter().any(|other| {
            let answers = [&other.own, &other.child, &other.below];
            let mut all = answers.into_iter().zip(other.words);
            all.any(|(answers, set)| differs(answers, set))
        })
}

/// Every place that an answer can change at, and all places above.
fn places(policy: &Policy) -> BTreeSet<Components> {
    let bases = policy.bases().map(|(_, base)| base);
    let mut places = BTreeSet::from([Components::new()]);
    for base in bases {
        places.extend((1..=base.len()).map(|length| base[..length].to_vec()));
    }
    places
}

fn check_depths(policy: &Policy) -> Result<(), TooLarge> {
    match policy.bases().find(|(_, base)| base.len() > MAX_DEPTH) {
        None => Ok(()),
        Some((rule, base)) => Err(TooLarge::Depth {
            rule: rule.clone(),
            count: base.len(),
        }),
    }
}

impl Policy {
    fn rule_ids(&self) -> impl Iterator<Item = &RuleId> {
        let never = self.never.file.iter().map(|rule| &rule.id);
        never
            .chain(self.never.net.iter().map(|rule| &rule.id))
            .chain(self.exec.rules.iter().map(|rule| &rule.id))
            .chain(self.file.rules.iter().map(|rule| &rule.id))
            .chain(self.net.rules.iter().map(|rule| &rule.id))
    }

    pub(crate) fn bases(&self) -> impl Iterator<Item = (&RuleId, &Components)> {
        let files = self.never.file.iter().chain(&self.file.rules);
        let files = files.flat_map(|rule| rule.bases().map(|base| (&rule.id, base)));
        let execs = self.exec.rules.iter();
        files.chain(execs.flat_map(|rule| rule.bases().map(|base| (&rule.id, base))))
    }
}

fn name_nodes(policy: &Policy, numbers: &Numbers) -> Vec<NameNode> {
    let rules = policy.never.file.iter().chain(&policy.file.rules);
    let patterns: BTreeSet<&NamePattern> = rules
        .filter_map(|rule| match &rule.object {
            FileMatch::Name(pattern) => Some(pattern),
            FileMatch::Path(_) => None,
        })
        .collect();
    patterns
        .into_iter()
        .map(|pattern| {
            let example = [example_of(pattern)];
            NameNode {
                pattern: pattern.clone(),
                answers: answers(|touch| numbers.answer(policy.by_name(&example, touch))),
            }
        })
        .collect()
}

/// A name that this pattern covers, and no other one that it need not.
fn example_of(pattern: &NamePattern) -> Box<[u8]> {
    match pattern {
        NamePattern::Literal(name) => name.clone(),
        NamePattern::Extension(extension) => [FRESH, b".", extension].concat().into(),
    }
}

/// What decides without being a rule of a list; the first stands for the default of whatever class it is.
const SETTINGS: [&str; 5] = [
    "default",
    "exec.writable",
    "exec.jit.default",
    "net.listen",
    "net.unix",
];
/// An answer of the kernel has 13 bits for its rule.
pub(super) const MAX_RULES: usize = 1 << 13;
/// The kernel's walk ends there.
const MAX_DEPTH: usize = 64;
