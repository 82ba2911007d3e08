//! What one policy lets through and another one does not.
//!
//! Compared are the compiled images at every place that one of them names: between those places
//! neither changes its answer.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::Ipv6Net;

use crate::image::{Answer, Image, TooLarge, compile};
use crate::judge::Touch;
use crate::model::{Components, FRESH, Policy};
use crate::values::Protocol;

/// One thing that is decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub what: String,
    pub old: String,
    pub new: String,
    pub width: Width,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// The new policy lets more through.
    Wider,
    Narrower,
}

/// Everything that the new policy decides otherwise. Rules on names of hosts, contents and arguments are not compared.
pub fn compare(old: &Policy, new: &Policy) -> Result<Vec<Change>, TooLarge> {
    let images = Pair {
        old: compile(old)?,
        new: compile(new)?,
    };
    let mut changes = images.settings();
    changes.extend(images.paths());
    changes.extend(images.names());
    changes.extend(images.nets());
    Ok(changes)
}

struct Pair {
    old: Image,
    new: Image,
}

impl Pair {
    fn settings(&self) -> Vec<Change> {
        let (old, new) = (&self.old, &self.new);
        let listen = (old.listen != new.listen).then(|| Change {
            what: "listen".to_owned(),
            old: old.listen.to_string(),
            new: new.listen.to_string(),
            width: width(new.listen > old.listen),
        });
        let unix = (old.unix != new.unix).then(|| Change {
            what: "unix".to_owned(),
            old: old.unix.to_string(),
            new: new.unix.to_string(),
            width: width(new.unix > old.unix),
        });
        let written = change("exec of what the container wrote", old.written, new.written);
        let jit = change("memory that is writable and executable", old.jit, new.jit);
        [written, jit, listen, unix].into_iter().flatten().collect()
    }

    fn paths(&self) -> Vec<Change> {
        let nodes = self.old.paths.iter().chain(&self.new.paths);
        let places: BTreeSet<&Components> = nodes.map(|node| &node.path).collect();
        let mut changes = Vec::new();
        for (index, touch) in Touch::ALL.into_iter().enumerate() {
            let name = ["read", "write", "create, rename, unlink", "exec"][index];
            for place in &places {
                let told = [("", 0), ("/*", 1), ("/*/**", 2)].map(|(end, depth)| {
                    let path = [&place[..], &vec![FRESH.into(); depth]].concat();
                    let what = format!("{name} {}", shown(place, end));
                    self.at(&path, touch, &what)
                });
                changes.extend(self.unlike_above(place, touch, told, name));
            }
        }
        changes
    }

    fn at(&self, path: &[Box<[u8]>], touch: Touch, what: &str) -> Option<Change> {
        let answer = |image: &Image| {
            let answers = image.answers(path);
            match touch {
                Touch::Read => answers.read,
                Touch::Write => answers.write,
                Touch::Change => answers.change,
                Touch::Exec => answers.exec,
            }
        };
        change(what, answer(&self.old), answer(&self.new))
    }

    /// Three equal changes are one; and one that the folder above has already is none of its own.
    fn unlike_above(
        &self,
        place: &Components,
        touch: Touch,
        told: [Option<Change>; 3],
        name: &str,
    ) -> Vec<Change> {
        let key = |change: &Option<Change>| {
            change
                .as_ref()
                .map(|change| (change.old.clone(), change.new.clone()))
        };
        let all_alike = key(&told[0]) == key(&told[1]) && key(&told[1]) == key(&told[2]);
        let above = place.split_last().map(|(_, above)| {
            let deep = [above, &[FRESH.into(), FRESH.into()]].concat();
            key(&self.at(&deep, touch, ""))
        });
        let is_news = |change: &Option<Change>| above.as_ref() != Some(&key(change));
        let [own, child, below] = told;
        if all_alike {
            let whole = own.filter(|change| is_news(&Some(change.clone())));
            let what = format!("{name} {}", shown(place, "/**"));
            return whole
                .map(|change| Change { what, ..change })
                .into_iter()
                .collect();
        }
        let parts = [own, child, below].into_iter();
        parts.filter(|change| is_news(change)).flatten().collect()
    }

    fn names(&self) -> Vec<Change> {
        let patterns = self.old.names.iter().chain(&self.new.names);
        let patterns: BTreeSet<_> = patterns.map(|node| &node.pattern).collect();
        let mut changes = Vec::new();
        for pattern in patterns {
            let example: Box<[u8]> = match pattern {
                crate::model::NamePattern::Literal(name) => name.clone(),
                crate::model::NamePattern::Extension(ending) => {
                    [FRESH, b".", ending].concat().into()
                }
            };
            // somewhere, where no rule on places speaks of it alone
            let path = [FRESH.into(), FRESH.into(), example];
            let plain = [FRESH.into(), FRESH.into(), FRESH.into()];
            for (index, touch) in Touch::ALL.into_iter().enumerate() {
                let name = ["read", "write", "create, rename, unlink", "exec"][index];
                let named = self.at(&path, touch, &format!("{name} any {pattern}"));
                let usual = self.at(&plain, touch, "");
                let differs = named.as_ref().map(|change| (&change.old, &change.new))
                    != usual.as_ref().map(|change| (&change.old, &change.new));
                changes.extend(named.filter(|_| differs));
            }
        }
        changes
    }

    fn nets(&self) -> Vec<Change> {
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

fn change(what: &str, old: Answer, new: Answer) -> Option<Change> {
    let told = |answer: Answer| match answer.audit {
        true => format!("{} on trial", answer.action),
        false => answer.action.to_string(),
    };
    let strictness = |answer: Answer| (!answer.lets_through(), answer.action);
    (told(old) != told(new)).then(|| Change {
        what: what.to_owned(),
        old: told(old),
        new: told(new),
        width: width(strictness(new) < strictness(old)),
    })
}

fn width(is_wider: bool) -> Width {
    match is_wider {
        true => Width::Wider,
        false => Width::Narrower,
    }
}

fn shown(place: &Components, end: &str) -> String {
    let path: String = place
        .iter()
        .map(|component| format!("/{}", String::from_utf8_lossy(component)))
        .collect();
    match (path.as_str(), end) {
        ("", "") => "/".to_owned(),
        (path, end) => format!("{path}{end}"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        let name = "p".parse().expect("a name");
        Policy::parse(name, "p.toml", &format!("version = 1\n{text}")).expect(text)
    }

    fn told(old: &str, new: &str) -> Vec<String> {
        let changes = compare(&policy(old), &policy(new)).expect("small");
        let told = changes.into_iter().map(|change| {
            let sign = if change.width == Width::Wider {
                '+'
            } else {
                '-'
            };
            format!("{sign} {}: {} -> {}", change.what, change.old, change.new)
        });
        told.collect()
    }

    #[test]
    fn equal_policies_differ_in_nothing() {
        let text = "[file]\nrules = [{ path = \"/a/**\", access = \"rw\", action = \"allow\" }]";
        assert_eq!(told(text, text), [""; 0]);
    }

    #[test]
    fn a_change_is_told_once_at_the_top_of_its_reach() {
        let wide = "[file]\nrules = [{ path = \"/a/**\", access = \"r\", action = \"allow\" }]";
        let part = "[file]\nrules = [{ path = \"/a/b/*\", access = \"r\", action = \"allow\" }]";
        assert_eq!(told("", wide), ["+ read /a/**: deny -> allow"]);
        assert_eq!(told(wide, ""), ["- read /a/**: allow -> deny"]);
        assert_eq!(told("", part), ["+ read /a/b/*: deny -> allow"]);
        let name = "[file]\nrules = [{ name = \".env\", access = \"r\", action = \"allow\" }]";
        assert_eq!(told("", name), ["+ read any .env: deny -> allow"]);
    }

    #[test]
    fn networks_and_settings() {
        let net = "[net]\nlisten = \"any\"\nrules = [{ cidr = \"10.0.0.0/8\", port = [80, 81, 443], proto = \"tcp\", action = \"allow\" }]";
        assert_eq!(
            told("", net),
            [
                "+ listen: none -> any",
                "+ connect 10.0.0.0/8 ports 80-81 tcp: deny -> allow",
                "+ connect 10.0.0.0/8 port 443 tcp: deny -> allow",
            ]
        );
        let open = "[net]\ndefault = \"allow\"";
        let less = "[net]\ndefault = \"allow\"\nrules = [{ cidr = \"10.0.0.0/8\", action = \"deny\" }, { cidr = \"10.1.0.0/16\", action = \"kill\" }]";
        assert_eq!(
            told(open, less),
            [
                "- connect 10.0.0.0/8 tcp: allow -> deny",
                "- connect 10.0.0.0/8 udp: allow -> deny",
                "- connect 10.1.0.0/16 tcp: allow -> kill",
                "- connect 10.1.0.0/16 udp: allow -> kill",
            ]
        );
    }
}
