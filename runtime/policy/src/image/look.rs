//! The lookups, as the kernel makes them.

use std::net::IpAddr;

use ipnet::Ipv6Net;

use super::{Answer, Answers, Image, PathNode, WordSet, nets};
use crate::judge::net_of;
use crate::model::{Action, NamePattern, extension_of, last_of};
use crate::values::Protocol;

impl Image {
    /// What holds for an object.
    pub fn answers(&self, path: &[Box<[u8]>]) -> Answers {
        let place = self.by_place(path);
        match last_of(path).and_then(|name| self.by_name(name)) {
            Some(name) => place.join(name),
            None => place,
        }
    }

    /// What holds for whatever no node names, deep inside this folder.
    pub fn deep_inside(&self, folder: &[Box<[u8]>]) -> Answers {
        self.deepest(folder)
            .map_or(self.defaults, |node| node.below)
    }

    /// Whether the folder holds an object that is not treated as the rest of it.
    pub fn guards(&self, folder: &[Box<[u8]>]) -> bool {
        self.node(folder).is_some_and(|node| node.guards)
    }

    /// What holds for a destination.
    pub fn destination(&self, address: IpAddr, port: u16, protocol: Protocol) -> Answer {
        self.at_net(nets::as_ipv6(net_of(address)), port, protocol)
    }

    /// What holds for whatever of this network no narrower node names.
    pub(crate) fn at_net(&self, net: Ipv6Net, port: u16, protocol: Protocol) -> Answer {
        let fitting = self.nets.iter().filter(|node| node.net.contains(&net));
        let longest = fitting.max_by_key(|node| Ipv6Net::prefix_len(&node.net));
        let set = longest.and_then(|node| self.port_sets.get(usize::from(node.set)));
        let ports = set.into_iter().flat_map(|set| &set.0);
        let found = ports
            .filter(|ports| ports.protocol == protocol)
            .find(|ports| (ports.first..=ports.last).contains(&port));
        found.map_or(self.net_default, |ports| ports.answer)
    }

    /// Whether the kernel has to know what the container wrote. Where nothing may be executed that may be written, the
    /// places tell.
    pub fn tells_what_was_written(&self) -> bool {
        self.written.action != Action::Allow && self.runs_what_it_writes()
    }

    /// Whether something may be executed from a place that may be written to.
    pub fn runs_what_it_writes(&self) -> bool {
        let both = |answers: &Answers| {
            let written = answers.write.lets_through() || answers.change.lets_through();
            written && answers.exec.lets_through()
        };
        let places = self
            .paths
            .iter()
            .flat_map(|node| [&node.own, &node.child, &node.below]);
        let lifts = |answer: Answer| answer.rule != 0 && answer.lets_through();
        let by_name = |answers: &Answers| answers.each()[1..].iter().copied().any(lifts);
        places.chain([&self.defaults]).any(both)
            || self.names.iter().any(|node| by_name(&node.answers))
    }

    fn by_place(&self, path: &[Box<[u8]>]) -> Answers {
        let Some(node) = self.deepest(path) else {
            return self.defaults;
        };
        match path.len() - node.path.len() {
            0 => node.own,
            1 => node.child,
            _ => node.below,
        }
    }

    /// The rules on command lines for a program there.
    pub fn words(&self, path: &[Box<[u8]>]) -> Option<&WordSet> {
        let node = self.deepest(path)?;
        let number = node.words_at(path.len() - node.path.len());
        self.word_sets.get(usize::from(number))
    }

    /// Those for whatever no node names, deep inside this folder.
    pub(super) fn words_deep_inside(&self, folder: &[Box<[u8]>]) -> Option<&WordSet> {
        let number = self.deepest(folder)?.words_at(2);
        self.word_sets.get(usize::from(number))
    }

    fn deepest(&self, path: &[Box<[u8]>]) -> Option<&PathNode> {
        let mut lengths = (0..=path.len()).rev();
        lengths.find_map(|length| self.node(&path[..length]))
    }

    fn node(&self, path: &[Box<[u8]>]) -> Option<&PathNode> {
        let found = self.paths.binary_search_by(|node| node.path[..].cmp(path));
        found.ok().map(|index| &self.paths[index])
    }

    fn by_name(&self, name: &[u8]) -> Option<Answers> {
        let of = |pattern: NamePattern| {
            let found = self
                .names
                .binary_search_by(|node| node.pattern.cmp(&pattern));
            found.ok().map(|index| self.names[index].answers)
        };
        let ending =
            || extension_of(name).map(|extension| NamePattern::Extension(extension.into()));
        of(NamePattern::Literal(name.into())).or_else(|| ending().and_then(of))
    }
}
