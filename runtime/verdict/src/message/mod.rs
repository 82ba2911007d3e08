//! The messages, and how they become frames and come out of them.

mod answer;
mod facts;
mod hello;
mod question;

pub use answer::{Answer, Cache, JurorVote, MAX_WHY};
pub use facts::{Ancestor, Exe, Facts, Fd, Net};
pub use hello::{CANCEL, ClientHello, PROTO, ServiceHello, VERSION};
pub use question::{Ask, Earlier, Intent, MAX_DEADLINE_MS, Question, TaintedFacts};

use serde::Serialize;
use serde::de::Error as _;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::frames::{MAX_ANSWER, MAX_ASK, frame};
use crate::strict;

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToService {
    Hello(ClientHello),
    /// The answer to this id is not needed any more.
    Cancel(u64),
    #[serde(untagged)]
    Ask(Box<Ask>),
}

/// What a service sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FromService {
    Hello(ServiceHello),
    #[serde(untagged)]
    Answer(Answer),
}

impl ToService {
    /// As one frame.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        frame(self, MAX_ASK)
    }

    /// From the content of one frame.
    pub fn decode(content: &[u8]) -> Result<Self, Error> {
        let read = |content| {
            let mut object = strict::object(content)?;
            match () {
                () if object.contains_key("hello") => Ok(Self::Hello(only(object, "hello")?)),
                () if object.contains_key("cancel") => Ok(Self::Cancel(only(object, "cancel")?)),
                () => Ok(Self::Ask(Box::new(Ask::from_object(&mut object)?))),
            }
        };
        read(content).map_err(Error::Malformed)
    }
}

impl FromService {
    /// As one frame.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        frame(self, MAX_ANSWER)
    }

    /// From the content of one frame.
    pub fn decode(content: &[u8]) -> Result<Self, Error> {
        let read = |content| {
            let object = strict::object(content)?;
            if object.contains_key("hello") {
                return Ok(Self::Hello(only(object, "hello")?));
            }
            Ok(Self::Answer(serde_json::from_value(Value::Object(object))?))
        };
        read(content).map_err(Error::Malformed)
    }
}

/// The value of the object's only field.
fn only<T: serde::de::DeserializeOwned>(
    mut object: Map<String, Value>,
    key: &'static str,
) -> Result<T, serde_json::Error> {
    let value = strict::take(&mut object, key)?;
    match object.is_empty() {
        true => Ok(value),
        false => Err(serde_json::Error::custom(format!("{key} stands alone"))),
    }
}
