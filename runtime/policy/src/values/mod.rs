//! The values an annotation can hold, each a type that parses strictly and prints what it parsed.

mod choice;
mod device;
mod gate;
mod host_name;
mod list;
mod name;
mod net;
mod number;
mod path;
mod text;
mod trust_mask;

use std::borrow::Cow;

pub use choice::{Domain, Mode, SlmMount, VerdictMode};
pub use device::{CdiName, Device};
pub use gate::{GateLimits, GateStep, Window};
pub use host_name::HostName;
pub use list::List;
pub use name::{ContainerName, PolicyName, PresetName};
pub use net::{NetEntry, NetTarget, PortRange, Protocol};
pub use number::VerdictTimeout;
pub use path::{PathPrefix, ProgramPath};
pub use text::{AgentLabel, Intent};
pub use trust_mask::TrustMask;

pub(crate) use choice::{choice, nearest, none_of};
pub(crate) use number::duration;
pub(crate) use path::{check_absolute as check_path, check_component};

use crate::shown::Shown;

/// Why a value is refused: `text` goes on after the value, `hint` is the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    pub text: Cow<'static, str>,
    pub hint: String,
    /// The part of the value that is meant, when it is not all of it.
    pub(crate) part: Option<Shown>,
}

impl Invalid {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>, hint: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            hint: hint.into(),
            part: None,
        }
    }

    /// Says which part of the value is meant; the innermost part stands.
    pub(crate) fn in_part(mut self, part: &str) -> Self {
        self.part.get_or_insert_with(|| Shown::value(part));
        self
    }
}
