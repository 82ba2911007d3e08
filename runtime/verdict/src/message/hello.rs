//! What both sides say first: which versions they speak, and who judges.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::digest::Digest;
use crate::text::Label;

/// The name of the protocol.
pub const PROTO: &str = "sevorix.verdict";
/// The version this crate speaks.
pub const VERSION: u16 = 1;
/// The feature of services that stop judging what they are told to cancel.
pub const CANCEL: &str = "cancel";

/// The client's first message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientHello {
    #[serde(deserialize_with = "this_protocol")]
    pub proto: Label,
    #[serde(deserialize_with = "some_versions")]
    pub versions: Vec<u16>,
    /// Tells one run of the machine from the next.
    pub boot: Label,
}

/// The service's first message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceHello {
    pub version: u16,
    /// Of everything that its answers depend on. A service whose jury changes ends its connections.
    pub jury: Digest,
    /// How many asks it takes at once on this connection; what is beyond is denied as `overload`.
    #[serde(deserialize_with = "some_asks")]
    pub max_inflight: u16,
    pub features: Vec<Label>,
}

impl ClientHello {
    pub fn new(boot: Label) -> Self {
        Self {
            proto: Label::new(PROTO).expect("a name"),
            versions: vec![VERSION],
            boot,
        }
    }
}

impl ServiceHello {
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|known| known.as_str() == feature)
    }
}

fn this_protocol<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Label, D::Error> {
    let name = Label::deserialize(deserializer)?;
    match name.as_str() {
        PROTO => Ok(name),
        _ => Err(de::Error::custom("another protocol")),
    }
}

fn some_versions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u16>, D::Error> {
    let versions = Vec::deserialize(deserializer)?;
    match versions.len() {
        1..=16 => Ok(versions),
        _ => Err(de::Error::custom("1 to 16 versions")),
    }
}

fn some_asks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    match u16::deserialize(deserializer)? {
        0 => Err(de::Error::custom("a service that takes nothing")),
        number => Ok(number),
    }
}
