//! Which rules speak of an object or a destination.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::weigh::{Voice, Weighed, join, weigh};
use crate::model::{Access, Action, ExecRule, FileRule, NetRule, Policy};
use crate::values::{HostName, NetEntry, NetTarget, PortRange, Protocol};

/// One of the four things that are decided about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    Read,
    Write,
    Change,
    Exec,
}

impl Touch {
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Change, Self::Exec];

    fn is_in(self, access: Access) -> bool {
        match self {
            Self::Read => access.read,
            Self::Write => access.write,
            Self::Change => access.change,
            Self::Exec => false,
        }
    }
}

impl Policy {
    /// What the rules on places say.
    pub(crate) fn by_place(&self, path: &[Box<[u8]>], touch: Touch) -> Weighed<'_> {
        weigh(
            &self.voices_on_place(path, touch),
            Some(self.default_of(touch)),
            self.is_audit(),
        )
    }

    /// The same for all that can be done there, in the order of [`Touch::ALL`]: whether a rule covers the place is asked
    /// once.
    pub(crate) fn all_by_place(&self, path: &[Box<[u8]>]) -> [Weighed<'_>; 4] {
        let covers = |(_, rule): &(bool, &FileRule)| rule.covers_path(path);
        let files: Vec<(bool, &FileRule)> = self.file_rules().filter(covers).collect();
        Touch::ALL.map(|touch| match touch {
            Touch::Exec => self.by_place(path, touch),
            _ => {
                let speaking = files.iter().filter(|(_, rule)| touch.is_in(rule.access));
                let voices: Vec<Voice<'_>> = speaking.map(Voice::of_file).collect();
                weigh(&voices, Some(self.default_of(touch)), self.is_audit())
            }
        })
    }

    /// What the rules on names say.
    pub(crate) fn by_name(&self, path: &[Box<[u8]>], touch: Touch) -> Weighed<'_> {
        weigh(&self.voices_on_name(path, touch), None, self.is_audit())
    }

    pub(crate) fn by_place_and_name(&self, path: &[Box<[u8]>], touch: Touch) -> Weighed<'_> {
        join(self.by_place(path, touch), self.by_name(path, touch))
    }

    pub(crate) fn voices_on_place(&self, path: &[Box<[u8]>], touch: Touch) -> Vec<Voice<'_>> {
        if touch == Touch::Exec {
            let rules = self.exec.rules.iter();
            return rules
                .filter(|rule| rule.covers(path))
                .map(Voice::from)
                .collect();
        }
        self.file_voices(touch, |rule| rule.covers_path(path))
    }

    pub(crate) fn voices_on_words(&self, path: &[Box<[u8]>], argv: &[Box<[u8]>]) -> Vec<Voice<'_>> {
        let rules = self.exec.rules.iter();
        let speaking = rules.filter(|rule| rule.covers_with_words(path) && rule.fits(argv));
        speaking.map(Voice::from).collect()
    }

    pub(crate) fn voices_on_name(&self, path: &[Box<[u8]>], touch: Touch) -> Vec<Voice<'_>> {
        self.file_voices(touch, |rule| rule.covers_name(path))
    }

    fn file_voices(&self, touch: Touch, covers: impl Fn(&FileRule) -> bool) -> Vec<Voice<'_>> {
        let speaks = |(_, rule): &(bool, &FileRule)| touch.is_in(rule.access) && covers(rule);
        let speaking = self.file_rules().filter(speaks);
        speaking.map(|rule| Voice::of_file(&rule)).collect()
    }

    /// Each with whether it is one of `never`.
    fn file_rules(&self) -> impl Iterator<Item = (bool, &FileRule)> {
        let never = self.never.file.iter().map(|rule| (true, rule));
        never.chain(self.file.rules.iter().map(|rule| (false, rule)))
    }

    pub(crate) fn default_of(&self, touch: Touch) -> Action {
        match touch {
            Touch::Exec => self.exec.default,
            _ => self.file.default,
        }
    }

    /// What is said of a destination.
    pub(crate) fn by_destination(&self, point: &Point) -> Weighed<'_> {
        weigh(
            &self.voices_on_destination(point),
            Some(self.net.default),
            self.is_audit(),
        )
    }

    /// The same, where it is known which rules can have a voice; each with whether it is one of `never`.
    pub(crate) fn by_rules<'a>(
        &self,
        rules: impl Iterator<Item = (bool, &'a NetRule)>,
        point: &Point,
    ) -> Weighed<'a> {
        let voices: Vec<Voice<'a>> = voices_among(rules, point).collect();
        weigh(&voices, Some(self.net.default), self.is_audit())
    }

    pub(crate) fn voices_on_destination(&self, point: &Point) -> Vec<Voice<'_>> {
        let never = self.never.net.iter().map(|rule| (true, rule));
        let own = self.net.rules.iter().map(|rule| (false, rule));
        voices_among(never.chain(own), point).collect()
    }
}

fn voices_among<'a>(
    rules: impl Iterator<Item = (bool, &'a NetRule)>,
    point: &Point,
) -> impl Iterator<Item = Voice<'a>> {
    let speaking = rules.filter(|(_, rule)| point.is_in(rule));
    speaking.map(|(never, rule)| match never {
        true => Voice::from(rule).never(),
        false => Voice::from(rule),
    })
}

impl<'a> Voice<'a> {
    fn of_file((never, rule): &(bool, &'a FileRule)) -> Self {
        Self {
            never: *never,
            ..Self::from(*rule)
        }
    }

    fn never(self) -> Self {
        Self {
            never: true,
            ..self
        }
    }
}

macro_rules! voice_of {
    ($($rule:ty),+) => { $(
        impl<'a> From<&'a $rule> for Voice<'a> {
            fn from(rule: &'a $rule) -> Self {
                Self { rule: &rule.id, action: rule.action, audit: rule.audit, never: false }
            }
        }
    )+ };
}
voice_of!(ExecRule, FileRule, NetRule);

/// A destination, or a whole network of them about which every rule says the same.
#[derive(Debug, Clone)]
pub(crate) struct Point<'a> {
    pub net: Option<IpNet>,
    pub host: Option<&'a HostName>,
    pub port: u16,
    pub protocol: Protocol,
}

impl Point<'_> {
    pub(crate) fn is_in(&self, rule: &NetRule) -> bool {
        rule.target.as_ref().is_none_or(|target| self.is_at(target))
            && self.has_port(&rule.ports)
            && rule
                .protocol
                .is_none_or(|protocol| protocol == self.protocol)
            && !rule.unless.iter().any(|except| self.is_excepted(except))
    }

    fn is_excepted(&self, except: &NetEntry) -> bool {
        self.is_at(&except.target)
            && except.ports.is_none_or(|range| in_range(self.port, range))
            && except
                .protocol
                .is_none_or(|protocol| protocol == self.protocol)
    }

    fn is_at(&self, target: &NetTarget) -> bool {
        match target {
            NetTarget::Host(name) => self.host == Some(name),
            NetTarget::Below(parent) => self.host.is_some_and(|host| host.is_below(parent)),
            NetTarget::Net(net) => self.net.is_some_and(|own| net.contains(&own)),
        }
    }

    fn has_port(&self, ports: &[PortRange]) -> bool {
        ports.is_empty() || ports.iter().any(|range| in_range(self.port, *range))
    }
}

fn in_range(port: u16, range: PortRange) -> bool {
    (range.first()..=range.last()).contains(&port)
}

/// One address as a network of its own. An IPv4 address in IPv6 clothes is an IPv4 address.
pub(crate) fn net_of(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Net::from(address).into(),
        IpAddr::V6(address) => Ipv6Net::from(address).into(),
    }
}
