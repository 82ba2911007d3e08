//! What can go wrong between the command line and the engine, and what to do about it.
//!
//! The engine's own message is passed on word for word: the tests look for the runtime's error in it.

use std::io;
use std::path::PathBuf;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot connect to {}: {source}", socket.display())]
    Connect { socket: PathBuf, source: io::Error },
    #[error("{method}: the connection failed: {source}")]
    Transport {
        method: &'static str,
        source: h2::Error,
    },
    #[error("{method}: no answer within {seconds} s")]
    Deadline { method: &'static str, seconds: u64 },
    #[error("{method}: {message} ({code})")]
    Refused {
        method: &'static str,
        code: Code,
        message: String,
    },
    #[error("{method}: the reply makes no sense: {reason}")]
    Reply {
        method: &'static str,
        reason: String,
    },
    #[error("container {container} still runs after {seconds} s")]
    StillRunning { container: String, seconds: u64 },
    #[error("log {}: {source}", path.display())]
    Log { path: PathBuf, source: io::Error },
    #[error("the status has nothing at '{pointer}'")]
    NoSuchField { pointer: String },
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// The next step, where there is one to name.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Connect { .. } => Some(
                "start containerd, or name its socket with --socket; 'version --wait' waits for it",
            ),
            Self::Deadline { .. } => Some("--call-timeout sets how long a call may take"),
            Self::StillRunning { .. } => Some("--wait sets how long the container may take"),
            Self::Refused {
                code: Code(UNIMPLEMENTED),
                ..
            } => Some("is the CRI plugin disabled in containerd's configuration?"),
            Self::NoSuchField { .. } => Some("run the command without --get to see all there is"),
            _ => None,
        }
    }
}

/// A gRPC status code; zero never gets here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u32);

const UNIMPLEMENTED: u32 = 12;

const CODE_NAMES: [&str; 17] = [
    "ok",
    "cancelled",
    "unknown",
    "invalid argument",
    "deadline exceeded",
    "not found",
    "already exists",
    "permission denied",
    "resource exhausted",
    "failed precondition",
    "aborted",
    "out of range",
    "unimplemented",
    "internal",
    "unavailable",
    "data loss",
    "unauthenticated",
];

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = usize::try_from(self.0)
            .ok()
            .and_then(|code| CODE_NAMES.get(code));
        match name {
            Some(name) => f.write_str(name),
            None => write!(f, "gRPC code {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_grpc_names() {
        assert_eq!(Code(2).to_string(), "unknown");
        assert_eq!(Code(5).to_string(), "not found");
        assert_eq!(Code(UNIMPLEMENTED).to_string(), "unimplemented");
        assert_eq!(Code(16).to_string(), "unauthenticated");
        assert_eq!(Code(99).to_string(), "gRPC code 99");
    }
}
