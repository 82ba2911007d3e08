//! The networks of an image.

use std::collections::{BTreeSet, HashMap};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::compile::{Numbers, TooLarge};
use super::{NetNode, PortSet, Ports};
use crate::judge::Point;
use crate::model::{NetRule, Policy};
use crate::values::{NetTarget, PortRange, Protocol};

pub(super) fn compile(
    policy: &Policy,
    numbers: &Numbers,
) -> Result<(Vec<NetNode>, Vec<PortSet>), TooLarge> {
    let mut sets = Vec::new();
    let mut known = HashMap::new();
    let mut nodes = Vec::new();
    let rules = RulesByNet::of(policy);
    let mut around: Vec<IpNet> = Vec::new();
    for net in places(policy) {
        // sorted as they are, a network follows those around it
        while around.last().is_some_and(|last| !last.contains(&net)) {
            around.pop();
        }
        around.push(net);
        let set = port_set(policy, numbers, net, &rules.on(&around))?;
        let set = *known.entry(set.clone()).or_insert_with(|| {
            sets.push(set);
            sets.len() - 1
        });
        let set = u16::try_from(set).map_err(|_| TooLarge::Rules { count: sets.len() })?;
        nodes.push(NetNode {
            net: as_ipv6(net),
            set,
        });
    }
    Ok((nodes, sets))
}

/// IPv4 lives inside IPv6 there: without a node of its own, it would meet the rules on IPv6 networks around it.
fn places(policy: &Policy) -> BTreeSet<IpNet> {
    let all = [IpNet::from(Ipv4Net::default()), Ipv6Net::default().into()];
    let rules = policy.never.net.iter().chain(&policy.net.rules);
    let named = rules.flat_map(targets).filter_map(|target| match target {
        NetTarget::Net(net) => Some(*net),
        NetTarget::Host(_) | NetTarget::Below(_) => None,
    });
    all.into_iter().chain(named).collect()
}

fn targets(rule: &NetRule) -> impl Iterator<Item = &NetTarget> {
    let excepted = rule.unless.iter().map(|entry| &entry.target);
    rule.target.iter().chain(excepted)
}

pub(super) fn as_ipv6(net: IpNet) -> Ipv6Net {
    match net {
        IpNet::V6(net) => net,
        IpNet::V4(net) => {
            let mapped = net.network().to_ipv6_mapped();
            Ipv6Net::new_assert(mapped, 96 + net.prefix_len())
        }
    }
}

/// A policy may name 100,000 networks: of each, only the rules on it and around it are asked.
struct RulesByNet<'a> {
    everywhere: Vec<Placed<'a>>,
    by_net: HashMap<IpNet, Vec<Placed<'a>>>,
}

/// Its place among all rules, and whether it is one of `never`.
type Placed<'a> = (usize, bool, &'a NetRule);

impl<'a> RulesByNet<'a> {
    fn of(policy: &'a Policy) -> Self {
        let never = policy.never.net.iter().map(|rule| (true, rule));
        let own = policy.net.rules.iter().map(|rule| (false, rule));
        let mut rules = Self {
            everywhere: Vec::new(),
            by_net: HashMap::new(),
        };
        for (place, (never, rule)) in never.chain(own).enumerate() {
            let placed = (place, never, rule);
            match &rule.target {
                None => rules.everywhere.push(placed),
                Some(NetTarget::Net(net)) => rules.by_net.entry(*net).or_default().push(placed),
                Some(NetTarget::Host(_) | NetTarget::Below(_)) => {}
            }
        }
        rules
    }

    /// In the order of the policy.
    fn on(&self, nets: &[IpNet]) -> Vec<Placed<'a>> {
        let named = nets.iter().filter_map(|net| self.by_net.get(net)).flatten();
        let mut rules: Vec<Placed<'a>> = self.everywhere.iter().chain(named).copied().collect();
        rules.sort_unstable_by_key(|(place, ..)| *place);
        rules
    }
}

fn port_set(
    policy: &Policy,
    numbers: &Numbers,
    net: IpNet,
    rules: &[Placed<'_>],
) -> Result<PortSet, TooLarge> {
    let starts = starts(rules);
    let mut ports: Vec<Ports> = Vec::new();
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        for (index, first) in starts.iter().enumerate() {
            let point = Point {
                net: Some(net),
                host: None,
                port: *first,
                protocol,
            };
            let rules = rules.iter().map(|(_, never, rule)| (*never, *rule));
            let answer = numbers.answer(policy.by_rules(rules, &point));
            let last = starts.get(index + 1).map_or(u16::MAX, |next| next - 1);
            match ports.last_mut() {
                Some(previous) if previous.protocol == protocol && previous.answer == answer => {
                    previous.last = last;
                }
                _ => ports.push(Ports {
                    first: *first,
                    last,
                    protocol,
                    answer,
                }),
            }
        }
    }
    ports.retain(|ports| ports.answer.rule != 0);
    match ports.len() {
        count if count > PortSet::MAX => Err(TooLarge::Ports {
            net: net.to_string(),
            count,
        }),
        _ => Ok(PortSet(ports)),
    }
}

/// Every port that an answer can change at.
fn starts(rules: &[Placed<'_>]) -> Vec<u16> {
    let ranges = rules.iter().flat_map(|(.., rule)| {
        let excepted = rule.unless.iter().filter_map(|entry| entry.ports);
        rule.ports.iter().copied().chain(excepted)
    });
    let edges = |range: PortRange| [Some(range.first()), range.last().checked_add(1)];
    let starts: BTreeSet<u16> = ranges.flat_map(edges).flatten().chain([0]).collect();
    starts.into_iter().collect()
}
