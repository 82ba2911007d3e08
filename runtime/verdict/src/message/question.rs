//! What is asked.

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::{Digest, Sha256Digits};
use crate::message::Facts;
use crate::strict::{is_default, present, take};
use crate::tainted::{Bytes, Tainted};
use crate::text::Label;
use crate::words::{Ended, Gate, IntentSource, Op, Risk};

/// One action that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// Increases on a connection.
    pub id: u64,
    /// How long the client will wait from now on; later than this nothing allows.
    pub deadline_ms: u32,
    /// The question's digest. The answer repeats it.
    pub action: Digest,
    /// How many jurors more than usual have to allow it.
    #[serde(skip_serializing_if = "is_default")]
    pub extra_jurors: u8,
    #[serde(flatten)]
    pub question: Question,
}

/// Everything that jurors see of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub op: Op,
    /// The rule that asks.
    pub rule: Label,
    pub risk: Risk,
    pub policy: Digest,
    pub facts: Facts,
    pub tainted: TaintedFacts,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub intent: Option<Intent>,
    /// What this container did before, the latest first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub history: Vec<Earlier>,
}

/// What the agent chose the bytes of. Values of its environment never travel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaintedFacts {
    #[serde(default, skip_serializing_if = "is_default")]
    pub argv: Vec<Tainted<Bytes>>,
    /// How many arguments there are, sent or not.
    #[serde(default, skip_serializing_if = "is_default")]
    pub argv_total: u32,
    /// Arguments are missing, or the last one is cut.
    #[serde(default, skip_serializing_if = "is_default")]
    pub argv_truncated: bool,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub path: Option<Tainted<Bytes>>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub cwd: Option<Tainted<Bytes>>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub env_names: Vec<Tainted<String>>,
}

/// What the container is there for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    pub source: IntentSource,
    pub sha256: Sha256Digits,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub text: Option<Tainted<String>>,
}

/// An earlier act of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    pub ago_ms: u64,
    pub op: Op,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub class: Option<Label>,
    pub result: Ended,
}

impl Question {
    /// A question that nobody's action waits for: by it a service is tried. Nothing in it is an agent's.
    pub fn canary() -> Self {
        let label = |text| Label::new(text).expect("a name of ours");
        Self {
            op: Op::Exec,
            rule: label("canary"),
            risk: Risk::Low,
            policy: Digest::of("canary", b""),
            facts: Facts {
                hook: label("canary"),
                container: label("canary"),
                uid: 65534,
                exe: None,
                fds: Default::default(),
                ancestors: Vec::new(),
                net: None,
                taint: Vec::new(),
                gate: Gate::Open,
                writable_exe: false,
            },
            tainted: TaintedFacts {
                argv: vec![Tainted::from_bytes("true")],
                argv_total: 1,
                ..TaintedFacts::default()
            },
            intent: None,
            history: Vec::new(),
        }
    }

    /// For people: what is to be done, in quotes.
    pub fn told(&self) -> String {
        let quoted: Vec<String> = self.tainted.argv.iter().map(Tainted::quoted).collect();
        match (&self.facts.net, &self.tainted.path) {
            (Some(net), _) => {
                let host = net.host.as_ref().map(|host| format!("{host} "));
                let address = std::net::SocketAddr::new(net.ip, net.port);
                format!("{}{address}/{}", host.unwrap_or_default(), net.proto)
            }
            (None, Some(path)) if quoted.is_empty() => path.quoted(),
            (None, Some(path)) => format!("{} as {}", path.quoted(), quoted.join(" ")),
            (None, None) => quoted.join(" "),
        }
    }

    /// Of every field, so that an answer holds for exactly what the jurors saw.
    pub fn digest(&self) -> Digest {
        let bytes = serde_json::to_vec(self).expect("writing to memory cannot fail");
        Digest::of(PURPOSE, &bytes)
    }
}

impl Ask {
    pub(super) fn from_object(object: &mut Map<String, Value>) -> Result<Self, serde_json::Error> {
        let id = take(object, "id")?;
        let deadline_ms = take(object, "deadline_ms")?;
        let action = take(object, "action")?;
        let extra_jurors = match object.contains_key("extra_jurors") {
            true => take(object, "extra_jurors")?,
            false => 0,
        };
        let question: Question = serde_json::from_value(Value::Object(std::mem::take(object)))?;
        if deadline_ms == 0 || deadline_ms > MAX_DEADLINE_MS {
            return Err(serde_json::Error::custom(
                "a deadline is 1 to 300000 ms away",
            ));
        }
        Ok(Self {
            id,
            deadline_ms,
            action,
            extra_jurors,
            question,
        })
    }
}

impl TaintedFacts {
    /// Whether the jurors see every argument, all of it.
    pub fn argv_is_whole(&self) -> bool {
        !self.argv_truncated && u32::try_from(self.argv.len()) == Ok(self.argv_total)
    }
}

/// A person is given five minutes; nobody waits longer.
pub const MAX_DEADLINE_MS: u32 = 300_000;
const PURPOSE: &str = "sevorix.verdict/1 action";
