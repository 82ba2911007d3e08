//! What a command line can fail with beyond what a container can.

use std::path::PathBuf;

pub use sevorix_container::Context;
use sevorix_container::os_text;

use crate::grammar::Grammar;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Container(#[from] sevorix_container::Error),
    #[error(transparent)]
    Monitor(#[from] sevorix_monitor::Error),
    #[error(transparent)]
    Install(#[from] crate::install::Error),
    #[error(transparent)]
    Policy(#[from] sevorix_policy::Error),
    #[error(transparent)]
    Verdict(#[from] sevorix_verdict::Error),
    /// The words make no command line.
    #[error("{0}")]
    Usage(String),
    /// They do, but what one of them asks for cannot be.
    #[error("{0}")]
    Invalid(String),
    /// Not a failure: somebody asked for the help text.
    #[error("help")]
    Help(&'static Grammar),
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

/// What `sevorix_container` could not do either, told in the same words.
impl From<sevorix_bpf::BpfError> for Error {
    fn from(error: sevorix_bpf::BpfError) -> Self {
        Self::Container(error.into())
    }
}

impl Error {
    /// What failed and why, down to the last cause.
    pub fn sentence(&self) -> String {
        let mut sentence = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let words = error
                .downcast_ref()
                .map_or_else(|| error.to_string(), os_text);
            // some errors tell their cause themselves
            if !sentence.contains(&words) {
                sentence = format!("{sentence}: {words}");
            }
            cause = error.source();
        }
        sentence
    }

    /// The next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Container(error) => error.hint(),
            Self::Monitor(error) => error.hint(),
            Self::Install(error) => Some(error.hint()),
            Self::Policy(error) => Some(error.hint()),
            Self::Verdict(error) => Some(error.hint()),
            Self::Usage(_) => Some("see sevorix --help".into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_cause_is_told_once() {
        let refused = || io::Error::from_raw_os_error(libc::EACCES);
        let told = Err::<(), _>(refused()).on("open", Path::new("/x"));
        assert_eq!(
            Error::from(told.expect_err("failed")).sentence(),
            "open /x: permission denied"
        );
        let path = PathBuf::from("/x");
        let untold = Error::Install(crate::install::Error::Io {
            action: "read",
            path,
            source: refused(),
        });
        assert_eq!(untold.sentence(), "cannot read /x: permission denied");
    }
}
