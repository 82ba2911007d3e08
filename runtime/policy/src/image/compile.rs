//! From a policy to its image.

use std::collections::{BTreeSet, HashMap};

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
}

/// Composes all rules, so that the deepest node that fits has the whole answer.
///
/// Rules on host names, contents and arguments have no place in the tables: [`Policy::needs`] tells them.
pub fn compile(policy: &Policy) -> Result<Image, TooLarge> {
    let numbers = Numbers::of(policy)?;
    check_depths(policy)?;
    let (nets, port_sets) = nets::compile(policy, &numbers)?;
    Ok(Image {
        paths: path_nodes(policy, &numbers),
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
        let settings = [
            "default",
            "exec.writable",
            "exec.jit.default",
            "net.listen",
            "net.unix",
        ];
        let never = policy.never.file.iter().map(|rule| &rule.id);
        let ids = never
            .chain(policy.never.net.iter().map(|rule| &rule.id))
            .chain(policy.exec.rules.iter().map(|rule| &rule.id))
            .chain(policy.file.rules.iter().map(|rule| &rule.id))
            .chain(policy.net.rules.iter().map(|rule| &rule.id));
        let mut rules: Vec<RuleId> = settings.map(RuleId::setting).to_vec();
        let mut by_rule = HashMap::new();
        for id in ids {
            if !by_rule.contains_key(id) {
                by_rule.insert(id.clone(), rules.len());
                rules.push(id.clone());
            }
        }
        let count = rules.len();
        let too_many = |_| TooLarge::Rules { count };
        if count > MAX_RULES {
            return Err(TooLarge::Rules { count });
        }
        let settings = rules.iter().take(settings.len()).cloned().enumerate();
        let all = by_rule
            .into_iter()
            .chain(settings.map(|(number, id)| (id, number)));
        let by_rule = all
            .map(|(id, number)| Ok((id, u16::try_from(number).map_err(too_many)?)))
            .collect::<Result<_, TooLarge>>()?;
        Ok(Self {
            rules,
            by_rule,
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

fn path_nodes(policy: &Policy, numbers: &Numbers) -> Vec<PathNode> {
    let at = |path: &Components| answers(|touch| numbers.answer(policy.by_place(path, touch)));
    let mut nodes: Vec<PathNode> = places(policy)
        .into_iter()
        .map(|path| {
            let child = [&path[..], &[FRESH.into()]].concat();
            let below = [&child[..], &[FRESH.into()]].concat();
            PathNode {
                own: at(&path),
                child: at(&child),
                below: at(&below),
                guards: false,
                path,
            }
        })
        .collect();
    let guards: Vec<bool> = (0..nodes.len())
        .map(|index| guards(&nodes[index..]))
        .collect();
    for (node, guards) in nodes.iter_mut().zip(guards) {
        node.guards = guards;
    }
    nodes
}

/// Sorted by path, what lies below a node follows it.
fn guards(from_node: &[PathNode]) -> bool {
    let Some((node, rest)) = from_node.split_first() else {
        return false;
    };
    let differs = |answers: &Answers| !answers.carry_the_same(&node.below);
    let inside = rest
        .iter()
        .take_while(|other| other.path.starts_with(&node.path));
    differs(&node.child)
        || inside.into_iter().any(|other| {
            [&other.own, &other.child, &other.below]
                .into_iter()
                .any(differs)
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

/// An answer of the kernel has 13 bits for its rule.
pub(super) const MAX_RULES: usize = 1 << 13;
/// The kernel's walk ends there.
const MAX_DEPTH: usize = 64;
