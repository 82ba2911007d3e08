//! Whether a container stands alone, belongs to a pod, or is the pod's pause container.

use crate::error::Error;
use crate::shown::Shown;
use crate::values::{Invalid, none_of};

/// The place of a container, as containerd's CRI plugin, CRI-O and Podman tell it.
///
/// A caller of Docker can forge these annotations, so a sandbox only ever gets less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerKind {
    Plain,
    /// Podman gives its pods' containers no name.
    Pod {
        name: Option<String>,
    },
    Sandbox,
}

impl ContainerKind {
    /// `get` looks an annotation up.
    pub(crate) fn of<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Error> {
        let (mut container, mut sandbox) = (false, false);
        for key in TYPE_KEYS {
            match get(key) {
                None => {}
                Some("container") => container = true,
                Some("sandbox") => sandbox = true,
                Some(value) => return Err(unknown_type(key, value)),
            }
        }
        match name(get)? {
            _ if sandbox => Ok(Self::Sandbox),
            None if !container => Ok(Self::Plain),
            name => Ok(Self::Pod { name }),
        }
    }
}

fn unknown_type(key: &str, value: &str) -> Error {
    Error::BadValue {
        key: Shown::key(key),
        value: Shown::value(value),
        reason: none_of(value, &["container", "sandbox"]),
    }
}

fn name<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<String>, Error> {
    let [cri, crio] = NAME_KEYS.map(get);
    if let (Some(cri), Some(crio)) = (cri, crio)
        && cri != crio
    {
        return Err(Error::BadValue {
            key: Shown::key(NAME_KEYS[1]),
            value: Shown::value(crio),
            reason: Invalid::new(
                format!("is another name than {} gives", NAME_KEYS[0]),
                "engines set these keys; set neither",
            ),
        });
    }
    Ok(cri.or(crio).map(str::to_owned))
}

pub(crate) const TYPE_KEYS: [&str; 2] = [
    "io.kubernetes.cri.container-type",
    "io.kubernetes.cri-o.ContainerType",
];

pub(crate) const NAME_KEYS: [&str; 2] = [
    "io.kubernetes.cri.container-name",
    "io.kubernetes.container.name",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(annotations: &[(&str, &str)]) -> Result<ContainerKind, Error> {
        ContainerKind::of(|key| {
            let found = annotations.iter().find(|(known, _)| *known == key);
            found.map(|(_, value)| *value)
        })
    }

    fn pod(name: &str) -> Result<ContainerKind, Error> {
        Ok(ContainerKind::Pod {
            name: Some(name.to_owned()),
        })
    }

    #[test]
    fn kinds() {
        assert_eq!(kind(&[]), Ok(ContainerKind::Plain));
        for key in TYPE_KEYS {
            assert_eq!(kind(&[(key, "sandbox")]), Ok(ContainerKind::Sandbox));
            assert_eq!(
                kind(&[(key, "container")]),
                Ok(ContainerKind::Pod { name: None })
            );
            assert!(kind(&[(key, "Sandbox")]).is_err());
            assert!(kind(&[(key, "")]).is_err());
            for name in NAME_KEYS {
                assert_eq!(kind(&[(key, "container"), (name, "web")]), pod("web"));
                assert_eq!(kind(&[(name, "web")]), pod("web"));
            }
        }
    }

    #[test]
    fn engines_that_disagree_give_the_narrower_kind() {
        let [cri, crio] = TYPE_KEYS;
        let sandbox = Ok(ContainerKind::Sandbox);
        assert_eq!(kind(&[(cri, "container"), (crio, "sandbox")]), sandbox);
        assert_eq!(kind(&[(cri, "sandbox"), (crio, "container")]), sandbox);
        assert!(kind(&[(cri, "sandbox"), (crio, "x")]).is_err());
        let names = |a, b| [(NAME_KEYS[0], a), (NAME_KEYS[1], b), (cri, "container")];
        assert_eq!(kind(&names("web", "web")), pod("web"));
        assert!(kind(&names("web", "db")).is_err());
    }
}
