//! Networks that two policies decide otherwise.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::Ipv6Net;

use super::{Change, Pair, change};
use crate::image::Image;
use crate::values::Protocol;

impl Pair {
    pub(super) fn nets(&self) -> Vec<Change> {
        let nodes = self.old.nets.iter().chain(&self.new.nets);
        let nets: BTreeSet<Ipv6Net> = nodes.map(|node| node.net).collect();
        let mut changes = Vec::new();
        for net in &nets {
            let around = nets
                .iter()
                .filter(|other| {
                    *other != net && other.contains(net) && is_ipv4(other) == is_ipv4(net)
                })
                .max_by_key(|other| other.prefix_len());
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                let known = around.map_or(Vec::new(), |around| self.ports(*around, protocol));
                let new = self.ports(*net, protocol).into_iter();
                let new = new.filter(|change| !known.contains(change));
                changes.extend(new.map(|change| Change {
                    what: format!("connect {}{}", plain(*net), change.what),
                    ..change
                }));
            }
        }
        changes
    }

    /// The ports of a network that are decided otherwise; neighbours with one change are one.
    fn ports(&self, net: Ipv6Net, protocol: Protocol) -> Vec<Change> {
        let starts = self.port_starts();
        let mut found: Vec<(u16, u16, Change)> = Vec::new();
        for (index, first) in starts.iter().enumerate() {
            let last = starts.get(index + 1).map_or(u16::MAX, |next| next - 1);
            let answer = |image: &Image| image.at_net(net, *first, protocol);
            let Some(change) = change("", answer(&self.old), answer(&self.new)) else {
                continue;
            };
            match found.last_mut() {
                Some((_, end, before)) if *end + 1 == *first && *before == change => *end = last,
                _ => found.push((*first, last, change)),
            }
        }
        let told = found.into_iter().map(|(first, last, change)| {
            let ports = match (first, last) {
                (0 | 1, u16::MAX) => String::new(),
                (first, last) if first == last => format!(" port {first}"),
                (first, last) => format!(" ports {first}-{last}"),
            };
            let what = format!("{ports} {protocol}");
            Change { what, ..change }
        });
        told.collect()
    }

    fn port_starts(&self) -> Vec<u16> {
        let sets = self.old.port_sets.iter().chain(&self.new.port_sets);
        let ports = sets.flat_map(|set| &set.0);
        let edges = ports.flat_map(|ports| [Some(ports.first), ports.last.checked_add(1)]);
        let starts: BTreeSet<u16> = edges.flatten().chain([0]).collect();
        starts.into_iter().collect()
    }
}

fn is_ipv4(net: &Ipv6Net) -> bool {
    net.prefix_len() >= 96 && net.network().to_ipv4_mapped().is_some()
}

/// An IPv4 network as one.
fn plain(net: Ipv6Net) -> String {
    match (
        net.network().to_ipv4_mapped(),
        net.prefix_len().checked_sub(96),
    ) {
        (Some(address), Some(length)) => format!("{}/{length}", IpAddr::from(address)),
        _ => net.to_string(),
    }
}
