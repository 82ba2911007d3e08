//! The one error type of the crate.

use std::io;
use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Container(#[from] sevorix_container::Error),
    #[error(transparent)]
    Floor(#[from] sevorix_bpf::BpfError),
    /// Nothing can be let through before the policy is in force.
    #[error("the container has no place in the kernel's tables")]
    NoPlace,
    #[error("{action} {path}: {source}")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl Error {
    /// The next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Container(error) => error.hint(),
            Self::Floor(error) => error.hint(),
            Self::NoPlace | Self::Io { .. } => None,
        }
    }
}

/// Names the file an operation failed on.
pub(crate) trait Context<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn on(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|error| Error::Io {
            action,
            path: path.into(),
            source: error.into(),
        })
    }
}
