//! What a list asks for and the host does not grant.

use std::fmt;

use super::narrow::{plain, tree};
use crate::file::Place;
use crate::judge::{Point, Touch, Weighed};
use crate::keys::{Asked, Key, PREFIX};
use crate::model::{Components, FRESH, Policy, RuleId};
use crate::values::{NetEntry, NetTarget, Protocol};

/// One entry of a list that is not granted, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub key: Key,
    pub asked: String,
    pub effective: Granted,
    /// The rule that says so, and where it stands.
    pub ceiling: RuleId,
    pub place: Option<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    Nothing,
    Part,
}

impl Granted {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Part => "a part",
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, asked, ceiling) = (self.key.name(), &self.asked, &self.ceiling);
        let granted = self.effective.as_str();
        write!(
            f,
            "{PREFIX}{key}: {granted} of {asked} is granted, because of {ceiling}"
        )?;
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

pub(super) fn of_lists(policy: &Policy, asked: &Asked) -> Vec<Cut> {
    let bench = Bench { policy };
    let mut cuts = Vec::new();
    let files = [
        (Key::FsRead, &asked.fs_read, &[Touch::Read][..]),
        (
            Key::FsWrite,
            &asked.fs_write,
            &[Touch::Write, Touch::Change],
        ),
    ];
    for (key, list, touches) in files {
        let prefixes = list.iter().flat_map(|list| list.as_slice());
        cuts.extend(prefixes.filter_map(|prefix| bench.files(key, prefix.as_str(), touches)));
    }
    let programs = asked.exec_allow.iter().flat_map(|list| list.as_slice());
    cuts.extend(programs.filter_map(|program| bench.program(program.as_str())));
    let entries = asked.net_allow.iter().flat_map(|list| list.as_slice());
    cuts.extend(entries.filter_map(|entry| bench.destination(entry)));
    let presets = asked.presets.iter().flat_map(|list| list.as_slice());
    let unknown = presets.filter(|name| !policy.presets.contains(name));
    let presets = RuleId::setting("presets");
    cuts.extend(
        unknown.map(|name| bench.cut(Key::Preset, name.to_string(), Granted::Nothing, &presets)),
    );
    cuts
}

struct Bench<'a> {
    policy: &'a Policy,
}

impl Bench<'_> {
    fn files(&self, key: Key, prefix: &str, touches: &[Touch]) -> Option<Cut> {
        let tree = tree(prefix);
        let inner = self.policy.bases().map(|(_, base)| base.clone());
        let inner = inner.filter(|base| tree.covers(base));
        let places = inner
            .chain([tree.base.clone()])
            .flat_map(|base| around(&base));
        let said: Vec<Weighed> = places
            .flat_map(|place| {
                touches
                    .iter()
                    .map(move |touch| self.policy.by_place(&place, *touch))
            })
            .collect();
        self.compare(key, prefix.to_owned(), &said, "file.default")
    }

    fn program(&self, path: &str) -> Option<Cut> {
        let said = self.policy.by_place(&plain(path), Touch::Exec);
        self.compare(Key::ExecAllow, path.to_owned(), &[said], "exec.default")
    }

    fn destination(&self, entry: &NetEntry) -> Option<Cut> {
        let protocols = match entry.protocol {
            Some(protocol) => vec![protocol],
            None => vec![Protocol::Tcp, Protocol::Udp],
        };
        let ports = self.ports(entry);
        let nets = self.nets(&entry.target);
        // any name below stands for all of them
        let host = match &entry.target {
            NetTarget::Host(name) => Some(name.clone()),
            NetTarget::Below(parent) => format!("any.{parent}").parse().ok(),
            NetTarget::Net(_) => None,
        };
        let mut said = Vec::new();
        for protocol in protocols {
            for port in &ports {
                for net in &nets {
                    said.push(self.policy.by_destination(&Point {
                        net: *net,
                        host: host.as_ref(),
                        port: *port,
                        protocol,
                    }));
                }
            }
        }
        self.compare(Key::NetAllow, entry.to_string(), &said, "net.default")
    }

    /// Every port of the entry at which an answer can change.
    fn ports(&self, entry: &NetEntry) -> Vec<u16> {
        let (first, last) = entry
            .ports
            .map_or((1, u16::MAX), |range| (range.first(), range.last()));
        let rules = self.policy.never.net.iter().chain(&self.policy.net.rules);
        let edges = rules
            .flat_map(|rule| &rule.ports)
            .flat_map(|range| [Some(range.first()), range.last().checked_add(1)])
            .flatten()
            .filter(|port| (first..=last).contains(port));
        edges.chain([first]).collect()
    }

    fn nets(&self, target: &NetTarget) -> Vec<Option<ipnet::IpNet>> {
        let NetTarget::Net(net) = target else {
            return vec![None];
        };
        let rules = self.policy.never.net.iter().chain(&self.policy.net.rules);
        let inner = rules.filter_map(|rule| match &rule.target {
            Some(NetTarget::Net(inner)) if net.contains(inner) => Some(Some(*inner)),
            _ => None,
        });
        inner.chain([Some(*net)]).collect()
    }

    fn compare(&self, key: Key, asked: String, said: &[Weighed], default: &str) -> Option<Cut> {
        use crate::judge::Joined;
        let refused: Vec<&Weighed> = said
            .iter()
            .filter(|said| !said.lets_through() && said.action != crate::model::Action::Ask)
            .collect();
        let first = refused.first()?;
        let granted = match refused.len() == said.len() {
            true => Granted::Nothing,
            false => Granted::Part,
        };
        let rule = first
            .rule
            .cloned()
            .unwrap_or_else(|| RuleId::setting(default));
        Some(self.cut(key, asked, granted, &rule))
    }

    fn cut(&self, key: Key, asked: String, effective: Granted, rule: &RuleId) -> Cut {
        Cut {
            key,
            asked,
            effective,
            ceiling: rule.clone(),
            place: self.policy.places.get(rule).cloned(),
        }
    }
}

/// A place, any object in it, and any object deeper.
fn around(base: &Components) -> [Components; 3] {
    [0, 1, 2].map(|depth| [&base[..], &vec![FRESH.into(); depth]].concat())
}
