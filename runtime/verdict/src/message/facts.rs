//! What the kernel or the runtime observed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::digest::Sha256Digits;
use crate::strict::{is_default, present};
use crate::tainted::Tainted;
use crate::text::Label;
use crate::words::{Gate, Layer, Proto};

/// What the kernel or the runtime observed; the agent chose none of it, but for what is [`Tainted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The hook that will hold the action to this.
    pub hook: Label,
    pub container: Label,
    pub uid: u32,
    /// What is executed, or who acts.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub exe: Option<Exe>,
    /// What the first descriptors are: `tty`, `pipe`, `socket`, `file`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fds: BTreeMap<Fd, Label>,
    /// The nearest first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ancestors: Vec<Ancestor>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub net: Option<Net>,
    /// The labels of what the container has read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub taint: Vec<Label>,
    pub gate: Gate,
    /// The container could write what is executed.
    pub writable_exe: bool,
}

/// An executable, as the hook identifies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exe {
    pub dev: u64,
    pub ino: u64,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub sha256: Option<Sha256Digits>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub layer: Option<Layer>,
}

/// A process above the one that acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ancestor {
    /// Observed, and named by whoever made the file.
    pub exe: Tainted<String>,
    pub ino: u64,
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Net {
    pub ip: IpAddr,
    pub port: u16,
    pub proto: Proto,
    /// The name that this container's resolver answered with the address.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub host: Option<Label>,
}

/// A descriptor's number; a key of JSON is a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Fd(pub u32);

impl<'de> Deserialize<'de> for Fd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number: u32 = text.parse().map_err(de::Error::custom)?;
        // "07" and "+7" would be second ways to write a key
        match number.to_string() == text {
            true => Ok(Self(number)),
            false => Err(de::Error::custom("a descriptor is a plain number")),
        }
    }
}
