//! What a process in a container wants to do, as the kernel sees it.

use std::net::IpAddr;

use crate::model::Components;
use crate::values::{HostName, Protocol};

/// One action. Paths are those of the container's own tree, free of links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// `written`: this container wrote or created the file.
    Exec {
        path: Components,
        written: bool,
        /// The whole command line, the program's own name first.
        argv: Vec<Box<[u8]>>,
    },
    /// Maps a file as code.
    MapExec {
        path: Components,
        written: bool,
    },
    /// Makes memory that is writable and executable.
    WritableCode,
    Open {
        path: Components,
        read: bool,
        write: bool,
    },
    Create {
        path: Components,
    },
    /// A file or an empty folder.
    Unlink {
        path: Components,
    },
    /// Mode, owner, times, extended attributes.
    SetAttr {
        path: Components,
    },
    /// `folder`: one of the ends is a folder.
    Rename {
        from: Components,
        to: Components,
        folder: bool,
    },
    Link {
        from: Components,
        to: Components,
    },
    Connect(Destination),
    Send(Destination),
    Bind(Local),
    /// Waits for connections at an address.
    Listen(Local),
    /// Connects or sends to a UNIX socket.
    Unix {
        /// `None`: it has no place in the file system.
        path: Option<Components>,
        /// Made in this container, and not in a bind mount.
        inside: bool,
    },
}

/// Where to. At least one of address and host is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub address: Option<IpAddr>,
    /// The name that the address was learnt from.
    pub host: Option<HostName>,
    pub port: u16,
    pub protocol: Protocol,
}

/// An address of the container itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    pub address: IpAddr,
    /// 0: whichever is free.
    pub port: u16,
}

impl Act {
    /// The name of the operation in events and receipts.
    pub fn op(&self) -> &'static str {
        match self {
            Self::Exec { .. } => "exec",
            Self::MapExec { .. } | Self::WritableCode => "map_exec",
            Self::Open { .. } => "open",
            Self::Create { .. } => "create",
            Self::Unlink { .. } => "unlink",
            Self::SetAttr { .. } => "setattr",
            Self::Rename { .. } => "rename",
            Self::Link { .. } => "link",
            Self::Connect(_) => "connect",
            Self::Send(_) => "send",
            Self::Bind(_) => "bind",
            Self::Listen(_) => "listen",
            Self::Unix { .. } => "unix",
        }
    }
}
