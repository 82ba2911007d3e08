//! What can be wrong with a message, a socket or a service.

use std::io;
use std::path::PathBuf;

use crate::words::Reason;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not a message of the verdict protocol: {0}")]
    Malformed(#[source] serde_json::Error),
    #[error("a frame of {length} bytes, where 1 to {limit} are allowed")]
    Oversized { length: usize, limit: usize },
    #[error(
        "the service speaks version {version}, and we speak {}",
        crate::VERSION
    )]
    Version { version: u16 },
    #[error("the service said something else than hello first")]
    NoHello,
    #[error("{action} {}: {source}", .path.display())]
    Socket {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} {reason}", .path.display())]
    Untrusted { path: PathBuf, reason: &'static str },
    #[error("the service of {} runs as user {uid}", .path.display())]
    Peer { path: PathBuf, uid: u32 },
    #[error("{} is in use: another service listens there", .path.display())]
    InUse { path: PathBuf },
    #[error("the connection ended")]
    Ended(#[source] Option<io::Error>),
}

impl Error {
    /// The next step, as one line.
    pub fn hint(&self) -> String {
        match self {
            Self::Malformed(_) | Self::NoHello | Self::Oversized { .. } | Self::Ended(_) => {
                "see what the service does wrong: sevorix verdict test --socket PATH".into()
            }
            Self::Version { .. } => "install a service that speaks the runtime's version".into(),
            Self::Socket {
                action: "listen on",
                path,
                ..
            } => format!(
                "the folder must be there, and ours to write to: ls -ld {}",
                path.parent().unwrap_or(path).display()
            ),
            Self::Socket { path, .. } => format!(
                "is a service listening there? sevorix-slm serve --socket {}",
                path.display()
            ),
            Self::Untrusted { path, .. } => format!(
                "the socket and the folders above it must be root's and closed to other writers: ls -ld {}",
                path.display()
            ),
            Self::Peer { .. } => "let root or the socket's owner run the service".into(),
            Self::InUse { .. } => "stop that service, or name another socket".into(),
        }
    }

    /// What it makes of the actions that wait for an answer.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Malformed(_) | Self::NoHello => Reason::Malformed,
            Self::Oversized { .. } => Reason::Oversized,
            Self::Version { .. } => Reason::Version,
            Self::Socket { .. } | Self::InUse { .. } => Reason::Absent,
            Self::Untrusted { .. } | Self::Peer { .. } => Reason::Untrusted,
            Self::Ended(_) => Reason::Disconnected,
        }
    }
}
