//! Why the runtime could not be registered or taken out.

use std::io;
use std::path::PathBuf;

use super::Engine;

/// A refusal or a failure; nothing was written when it came before the first file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("unknown engine {name:?}")]
    UnknownEngine { name: String },
    #[error("{name:?} is not the name of a policy")]
    Policy { name: String, hint: String },
    #[error("{engine} needs no runtime of its own for a policy")]
    PolicyNotNeeded { engine: Engine },
    #[error("there is no runtime at {}", path.display())]
    Binary { path: PathBuf },
    #[error("cannot read {} line {line}: {reason}", path.display())]
    Broken {
        path: PathBuf,
        line: usize,
        reason: String,
    },
    #[error("{} was not written by sevorix", path.display())]
    NotOurs { path: PathBuf },
    #[error("{} is a link that leads out of the host's root", path.display())]
    LinkOutside { path: PathBuf },
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl Error {
    /// The next step, as one line.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownEngine { .. } => {
                let names = Engine::ALL.map(Engine::as_str);
                format!("the engines are {}", names.join(", "))
            }
            Self::Policy { hint, .. } => hint.clone(),
            Self::PolicyNotNeeded { .. } => {
                "it passes annotations: use io.sevorix.policy and leave --policy out".to_owned()
            }
            Self::Binary { .. } => "give the absolute path of sevorix on the host".to_owned(),
            Self::Broken { .. } => "mend the file; nothing was changed".to_owned(),
            Self::NotOurs { .. } => "move the file away; nothing was changed".to_owned(),
            Self::LinkOutside { .. } => {
                "replace the link by a file; nothing was changed".to_owned()
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "run it as root".to_owned()
            }
            Self::Io { source, .. } => source.to_string(),
        }
    }

    pub(super) fn io<'a>(
        action: &'static str,
        path: impl Into<PathBuf> + 'a,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io {
            action,
            path: path.into(),
            source,
        }
    }
}
