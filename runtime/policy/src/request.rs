//! From annotations to a request.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::container_kind::{self, ContainerKind};
use crate::error::Error;
use crate::keys::{Asked, Key, Origin, is_ours, read_key};
use crate::shown::Shown;
use crate::systemd::{self, SystemdProperties};
use crate::values::{ContainerName, Domain, Invalid, PolicyName};

/// What the caller of one container asks, complete and valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    kind: ContainerKind,
    asked: Asked,
    overrides: BTreeMap<ContainerName, Asked>,
    node_policy: Option<PolicyName>,
}

/// What the host says before any caller does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host<'a> {
    /// The runtime's `--policy NAME`: for engines that pass no annotations.
    pub policy: Option<&'a str>,
    pub systemd_properties: SystemdProperties,
}

impl Request {
    /// Reads the annotations of one container; `node_policy` is the runtime's `--policy NAME`.
    ///
    /// When both name a policy, it must be the same one: whoever registered the runtime under a
    /// policy did not leave the choice to the caller.
    pub fn parse<'a>(
        annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
        node_policy: Option<&str>,
    ) -> Result<Self, Error> {
        let host = Host {
            policy: node_policy,
            ..Host::default()
        };
        Self::parse_on(&host, annotations)
    }

    /// As [`Request::parse`], on a host that says more.
    pub fn parse_on<'a>(
        host: &Host,
        annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Error> {
        // Sorted, the first error does not depend on the order of a hash map.
        let mut annotations: Vec<(&str, &str)> = annotations.into_iter().collect();
        annotations.sort_unstable();
        refuse_duplicates(&annotations)?;
        refuse_systemd_properties(host, &annotations)?;
        let node_policy = host.policy.map(node_policy).transpose()?;
        let kind = ContainerKind::of(|key| get(&annotations, key))?;
        let mut request = Self {
            kind,
            asked: Asked::default(),
            overrides: BTreeMap::new(),
            node_policy,
        };
        for (annotation, value) in annotations.into_iter().filter(|(key, _)| is_ours(key)) {
            request.read(annotation, value)?;
        }
        request.check()?;
        Ok(request)
    }

    pub fn kind(&self) -> &ContainerKind {
        &self.kind
    }

    /// What was asked for this container: the pod's values with the container's own over them.
    pub fn asked(&self) -> Asked {
        match self.own() {
            Some((_, own)) => own.clone().over(self.asked.clone()),
            None => self.asked.clone(),
        }
    }

    /// The policy that was named; `None` leaves it to the host.
    pub fn policy(&self) -> Option<PolicyName> {
        match self.kind {
            ContainerKind::Sandbox => Some(PolicyName::pause()),
            _ => self.asked().policy.or_else(|| self.node_policy.clone()),
        }
    }

    /// The policy that the runtime itself was registered under.
    pub(crate) fn node_policy(&self) -> Option<&PolicyName> {
        self.node_policy.as_ref()
    }

    /// Every key that was given, as it was given; a sandbox answers for its whole pod.
    pub(crate) fn keys(&self) -> Vec<(Key, Origin)> {
        let of = |asked: &Asked, container: Option<&ContainerName>| {
            let keys = Key::ALL.iter().copied().filter(|key| asked.is_set(*key));
            keys.map(|key| (key, Origin::new(container, key)))
                .collect::<Vec<_>>()
        };
        let mut keys = of(&self.asked, None);
        for (name, own) in &self.overrides {
            keys.extend(of(own, Some(name)));
        }
        keys
    }

    /// How the key that holds for this container was written.
    pub(crate) fn origin(&self, key: Key) -> Origin {
        let own = self.own().filter(|(_, own)| own.is_set(key));
        Origin::new(own.map(|(name, _)| name), key)
    }

    /// The first key that asks for something that must be enforced.
    ///
    /// A sandbox answers for its whole pod, so that a pod stops at its first container.
    pub fn needs_enforcement(&self) -> Option<Origin> {
        let annotation = match self.kind {
            ContainerKind::Sandbox => self.first_of_the_pod(),
            _ => self.first_of_this_container(),
        };
        annotation.or_else(|| self.node_that_needs())
    }

    fn first_of_the_pod(&self) -> Option<Origin> {
        let pod = first_that_needs(&self.asked).map(Origin::Annotation);
        let own = |(name, own): (&ContainerName, &Asked)| {
            first_that_needs(own).map(|key| Origin::new(Some(name), key))
        };
        pod.or_else(|| self.overrides.iter().find_map(own))
    }

    fn first_of_this_container(&self) -> Option<Origin> {
        let key = first_that_needs(&self.asked())?;
        let own = self.own().filter(|(_, own)| own.is_set(key));
        Some(Origin::new(own.map(|(name, _)| name), key))
    }

    fn node_that_needs(&self) -> Option<Origin> {
        let policy = self.node_policy.as_ref()?;
        (!policy.is_none()).then_some(Origin::Node)
    }

    fn own(&self) -> Option<(&ContainerName, &Asked)> {
        match &self.kind {
            ContainerKind::Pod { name: Some(name) } => self
                .overrides
                .iter()
                .find(|(known, _)| known.as_str() == name),
            _ => None,
        }
    }

    fn read(&mut self, annotation: &str, value: &str) -> Result<(), Error> {
        let (container, key) = read_key(annotation)?;
        let asked = match container {
            None => &mut self.asked,
            Some(name) if self.may_override() => self.overrides.entry(name).or_default(),
            Some(_) => {
                let key = Shown::key(annotation);
                return Err(Error::NotInAPod { key });
            }
        };
        asked
            .set(key, value.trim_matches(' '))
            .map_err(|reason| bad_value(annotation, value, reason))
    }

    /// An override that can apply to nothing would be a deny that is silently lost.
    fn may_override(&self) -> bool {
        match &self.kind {
            ContainerKind::Sandbox => true,
            ContainerKind::Pod { name } => name.is_some(),
            ContainerKind::Plain => false,
        }
    }

    /// What no single value shows: for the pod, and for each container that has its own values.
    fn check(&self) -> Result<(), Error> {
        self.check_one(&self.asked, None)?;
        for (name, own) in &self.overrides {
            let effective = own.clone().over(self.asked.clone());
            self.check_one(&effective, Some((name, own)))?;
        }
        Ok(())
    }

    fn check_one(&self, asked: &Asked, own: Option<(&ContainerName, &Asked)>) -> Result<(), Error> {
        let shown = |key| {
            let own = own.filter(|(_, own)| own.is_set(key));
            Shown::key(&Origin::new(own.map(|(name, _)| name), key).to_string())
        };
        let domain = asked.domain.unwrap_or(Domain::General);
        if let Some(bit) = asked.trust_mask.and_then(|mask| mask.undefined_bit(domain)) {
            let key = shown(Key::TrustMask);
            return Err(Error::UndefinedBit { key, bit, domain });
        }
        match (&asked.policy, &self.node_policy) {
            (Some(annotation), Some(node)) if annotation != node => Err(Error::TwoPolicies {
                key: shown(Key::Policy),
                annotation: annotation.clone(),
                node: node.clone(),
            }),
            _ => Ok(()),
        }
    }
}

fn first_that_needs(asked: &Asked) -> Option<Key> {
    let mut keys = Key::ALL.iter().copied();
    keys.find(|key| asked.needs_enforcement(*key))
}

fn get<'a>(sorted: &[(&str, &'a str)], key: &str) -> Option<&'a str> {
    let index = sorted.binary_search_by_key(&key, |(known, _)| known).ok()?;
    sorted.get(index).map(|(_, value)| *value)
}

/// Of two equal keys another reader may obey the one that was not checked.
fn refuse_duplicates(sorted: &[(&str, &str)]) -> Result<(), Error> {
    let duplicate = sorted
        .windows(2)
        .filter_map(|pair| match pair {
            [(first, _), (second, _)] if first == second => Some(*first),
            _ => None,
        })
        .find(|key| is_read(key));
    match duplicate {
        Some(key) => Err(Error::DuplicateKey {
            key: Shown::key(key),
        }),
        None => Ok(()),
    }
}

fn is_read(key: &str) -> bool {
    is_ours(key)
        || container_kind::TYPE_KEYS.contains(&key)
        || container_kind::NAME_KEYS.contains(&key)
        || key.starts_with(systemd::PREFIX)
}

fn refuse_systemd_properties(host: &Host, annotations: &[(&str, &str)]) -> Result<(), Error> {
    for (annotation, value) in annotations {
        if let Some(property) = annotation.strip_prefix(systemd::PREFIX)
            && !host.systemd_properties.allow(property, value)
        {
            let key = Shown::key(annotation);
            return Err(Error::HostRefuses { key });
        }
    }
    Ok(())
}

fn node_policy(name: &str) -> Result<PolicyName, Error> {
    PolicyName::from_str(name).map_err(|reason| bad_value("--policy", name, reason))
}

fn bad_value(key: &str, value: &str, mut reason: Invalid) -> Error {
    let part = reason.part.take();
    Error::BadValue {
        key: Shown::key(key),
        value: part.unwrap_or_else(|| Shown::value(value)),
        reason,
    }
}
