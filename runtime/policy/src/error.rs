//! Why a request was refused, and the next step.

use crate::ceiling::Refused;
use crate::file::{InFile, Unreadable};
use crate::keys::PREFIX;
use crate::shown::Shown;
use crate::values::{Domain, Invalid, PolicyName};

/// A refusal. Its text names the key; [`Error::hint`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("unknown annotation {key}")]
    UnknownKey { key: Shown, nearest: Option<String> },
    #[error("annotation {key} is given twice")]
    DuplicateKey { key: Shown },
    #[error("{key}: {value} {}", reason.text)]
    BadValue {
        key: Shown,
        value: Shown,
        reason: Invalid,
    },
    #[error("{key} asks for bit {bit}, which {domain} does not define")]
    UndefinedBit {
        key: Shown,
        bit: u32,
        domain: Domain,
    },
    #[error("{key} names policy {annotation}, and the runtime is registered with policy {node}")]
    TwoPolicies {
        key: Shown,
        annotation: PolicyName,
        node: PolicyName,
    },
    #[error("annotation {key} is for one container of a pod, and this one has no name in a pod")]
    NotInAPod { key: Shown },
    #[error("annotation {key} is refused by this host")]
    HostRefuses { key: Shown },
    #[error("the annotations of config.json cannot be read at line {line}, column {column}")]
    Json { line: usize, column: usize },
    #[error(transparent)]
    InFile(#[from] InFile),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Error {
    /// The next step, as one line.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownKey { nearest, .. } => match nearest {
                Some(nearest) => format!("did you mean {nearest}"),
                None => format!("keys that begin with {PREFIX} must be known; remove it"),
            },
            Self::DuplicateKey { .. } => "give the key once".to_owned(),
            Self::BadValue { reason, .. } => reason.hint.clone(),
            Self::UndefinedBit { bit: 24.., .. } => "bits 24-31 are reserved".to_owned(),
            Self::UndefinedBit { .. } => format!(
                "bits 16-23 belong to the domain; set {PREFIX}domain to the one that defines them"
            ),
            Self::TwoPolicies { node, .. } => {
                format!("remove the annotation, or use a runtime that is not bound to {node}")
            }
            Self::NotInAPod { .. } => format!("write the key as {PREFIX}KEY"),
            Self::HostRefuses { .. } => "remove the annotation".to_owned(),
            Self::Json { .. } => {
                "annotations are one JSON object that maps strings to strings".to_owned()
            }
            Self::InFile(wrong) => wrong.hint.clone(),
            Self::Unreadable(file) => file.hint(),
            Self::Refused(refused) => refused.hint(),
        }
    }
}
