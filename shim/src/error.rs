//! What a command line can fail with beyond what a container can.

use std::io;
use std::path::{Path, PathBuf};

use crate::grammar::Grammar;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Container(#[from] sevorix_container::Error),
    #[error(transparent)]
    Install(#[from] crate::install::Error),
    /// The words make no command line.
    #[error("{0}")]
    Usage(String),
    /// They do, but what one of them asks for cannot be.
    #[error("{0}")]
    Invalid(String),
    /// Not a failure: somebody asked for the help text.
    #[error("help")]
    Help(&'static Grammar),
    #[error("{action}: {}", os_text(.source))]
    Io { action: String, source: io::Error },
    #[error("parse {}: {source}", .path.display())]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{what} cannot be done: {reason}")]
    Impossible {
        what: &'static str,
        reason: &'static str,
    },
}

impl Error {
    /// The next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Container(error) => error.hint(),
            Self::Install(error) => Some(error.hint()),
            Self::Usage(_) => Some("see sevorix --help".into()),
            _ => None,
        }
    }
}

/// Engines look for `no such file or directory`, not for `No such file or directory (os error 2)`.
fn os_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_lowercase(),
        None => error.to_string(),
    }
}

/// Names what an operation of the system failed on.
pub trait Context<T> {
    fn during(self, action: impl FnOnce() -> String) -> Result<T>;

    fn on(self, verb: &str, path: &Path) -> Result<T>
    where
        Self: Sized,
    {
        self.during(|| format!("{verb} {}", path.display()))
    }
}

impl<T> Context<T> for io::Result<T> {
    fn during(self, action: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Io {
            action: action(),
            source,
        })
    }
}

impl<T> Context<T> for nix::Result<T> {
    fn during(self, action: impl FnOnce() -> String) -> Result<T> {
        self.map_err(io::Error::from).during(action)
    }
}
