//! Requests that the host refuses.

use std::fmt;

use crate::file::Place;
use crate::keys::Origin;
use crate::values::{PolicyName, PresetName};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the host names no default policy")]
    NoDefault,
    #[error("policy {name} may not be named{}", by(place))]
    NotNamed {
        name: PolicyName,
        place: Option<Place>,
    },
    #[error("there is no policy {name}")]
    NoSuchPolicy {
        name: PolicyName,
        known: Vec<PolicyName>,
    },
    #[error("policy {policy} names preset {preset}, and there is none of that name")]
    NoSuchPreset {
        policy: PolicyName,
        preset: PresetName,
    },
    #[error("annotation {key} is not permitted{}", by(place))]
    NotPermitted { key: Origin, place: Option<Place> },
    #[error("{key} asks for {asked}, and {ceiling} is the most{}", by(place))]
    Exceeds {
        key: Origin,
        asked: String,
        ceiling: String,
        place: Option<Place>,
    },
}

impl Refused {
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoDefault => "set default_policy in config.toml".to_owned(),
            Self::NotNamed { name, .. } => {
                format!("the host's operator can list {name} in policies")
            }
            Self::NoSuchPolicy { known, .. } => {
                let known: Vec<_> = known.iter().map(PolicyName::as_str).collect();
                format!("there are {}", known.join(", "))
            }
            Self::NoSuchPreset { preset, .. } => {
                format!("put it into presets.d/{preset}.toml, or remove the name")
            }
            Self::NotPermitted { .. } => {
                "remove it; the host's operator can list its key in annotations".to_owned()
            }
            Self::Exceeds { ceiling, .. } => {
                format!("ask for {ceiling} or less, or remove the annotation")
            }
        }
    }
}

fn by(place: &Option<Place>) -> impl fmt::Display {
    place
        .as_ref()
        .map_or_else(String::new, |place| format!(" ({place})"))
}
