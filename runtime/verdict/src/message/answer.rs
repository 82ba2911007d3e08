//! What a service says.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::digest::Digest;
use crate::strict::{is_default, present};
use crate::tainted::Tainted;
use crate::text::{Code, Label};
use crate::words::{Decided, Vote};

/// The answer to one ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub id: u64,
    pub verdict: Decided,
    /// That of the ask.
    pub action: Digest,
    /// That of the hello.
    pub jury: Digest,
    /// Why, in a word.
    pub code: Code,
    /// How long it may be remembered; the client may remember it for less.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub cache: Option<Cache>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub jurors: Vec<JurorVote>,
    /// For people. It may repeat what the agent wrote.
    #[serde(
        default,
        deserialize_with = "short",
        skip_serializing_if = "Option::is_none"
    )]
    pub why: Option<Tainted<String>>,
    /// How long judging took.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub us: Option<u64>,
}

/// How long and how often an answer holds for the same action again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    pub ttl_ms: u32,
    pub uses: u32,
}

/// What one juror said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JurorVote {
    pub name: Label,
    pub vote: Vote,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub why: Option<Code>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub us: Option<u64>,
}

fn short<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tainted<String>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.len() {
        ..=MAX_WHY => Ok(Some(text.into())),
        _ => Err(de::Error::custom("why is longer than 1024 bytes")),
    }
}

/// In bytes.
pub const MAX_WHY: usize = 1024;
