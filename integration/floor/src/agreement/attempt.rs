//! One act, as `judge` is asked about it and as a process makes it.
//!
//! Wherever the kernel asks its guards before it finds out that an act is impossible, the impossible one is made: nothing has
//! to be undone then, and what it fails with tells that it was let through.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, connect, socket};
use sevorix_policy::{Act, Components, Destination, Protocol, components};

use super::chance::Chance;
use super::outside::{Done, Outside};
use super::tree::{FRESH, Tree};

#[derive(Debug)]
pub enum Attempt {
    Open {
        path: PathBuf,
        write: bool,
    },
    Execute(PathBuf),
    MakeFolder(PathBuf),
    /// One that is not empty.
    RemoveFolder(PathBuf),
    MoveFile {
        from: PathBuf,
        to: PathBuf,
    },
    /// To where there is one that is not empty.
    MoveFolder {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Connect(SocketAddr, Protocol),
}

/// Every file is opened and executed, every folder changed; and afterwards, when names have moved and what was remembered
/// of them no longer counts, files are opened again.
pub fn all(chance: &mut Chance, tree: &Tree) -> Vec<Attempt> {
    let open = |path: &PathBuf, write| Attempt::Open {
        path: path.clone(),
        write,
    };
    let opens = tree.files.iter();
    let mut all: Vec<_> = opens
        .flat_map(|file| [open(file, false), open(file, true)])
        .collect();
    all.extend(tree.files.iter().cloned().map(Attempt::Execute));
    all.extend(
        tree.folders
            .iter()
            .skip(1)
            .cloned()
            .map(Attempt::RemoveFolder),
    );
    for folder in &tree.folders {
        all.push(Attempt::MakeFolder(folder.join(chance.one(&FRESH))));
        all.push(Attempt::MoveFile {
            from: chance.of(&tree.files).clone(),
            to: folder.join(chance.one(&FRESH)),
        });
        all.push(Attempt::Link {
            from: chance.of(&tree.files).clone(),
            to: folder.join(chance.one(&FRESH)),
        });
        all.extend(folder_move(folder, chance.of::<PathBuf>(&tree.folders)));
        all.push(open(chance.of(&tree.files), false));
        all.push(open(chance.of(&tree.files), true));
        all.push(destination(chance));
    }
    all
}

/// Nothing where one lies in the other: that is impossible before anybody is asked.
fn folder_move(from: &Path, to: &Path) -> Option<Attempt> {
    (!from.starts_with(to) && !to.starts_with(from)).then(|| Attempt::MoveFolder {
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

/// Here nobody listens, and there is no way to the others.
fn destination(chance: &mut Chance) -> Attempt {
    const ADDRESSES: [IpAddr; 7] = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
        IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
        IpAddr::V4(Ipv4Addr::new(203, 0, 113, 200)),
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    ];
    let address = *chance.of(&ADDRESSES);
    let port = *chance.of(&[53, 80, 443, 1023, 1024, 8080]);
    let protocol = *chance.of(&[Protocol::Tcp, Protocol::Udp]);
    Attempt::Connect(SocketAddr::new(address, port), protocol)
}

impl Attempt {
    pub fn act(&self) -> Act {
        match self {
            Self::Open { path, write } => Act::Open {
                path: place(path),
                read: !write,
                write: *write,
            },
            Self::Execute(path) => Act::Exec {
                path: place(path),
                written: false,
                argv: Vec::new(),
            },
            Self::MakeFolder(path) => Act::Create { path: place(path) },
            Self::RemoveFolder(path) => Act::Unlink { path: place(path) },
            Self::MoveFile { from, to } => Act::Rename {
                from: place(from),
                to: place(to),
                folder: false,
            },
            Self::MoveFolder { from, to } => Act::Rename {
                from: place(from),
                to: place(to),
                folder: true,
            },
            Self::Link { from, to } => Act::Link {
                from: place(from),
                to: place(to),
            },
            Self::Connect(to, protocol) => Act::Connect(Destination {
                address: Some(to.ip()),
                host: None,
                port: to.port(),
                protocol: *protocol,
            }),
        }
    }

    /// The errno that it was refused with; nothing when it was let through.
    pub fn make(&self, outside: &mut Outside) -> io::Result<Option<i32>> {
        let made = match self {
            Self::Open { path, write: false } => File::open(path).map(drop),
            Self::Open { path, write: true } => OpenOptions::new().write(true).open(path).map(drop),
            Self::Execute(path) => execute(path),
            Self::MakeFolder(path) => fs::create_dir(path),
            Self::RemoveFolder(path) => fs::remove_dir(path),
            Self::MoveFile { from, to } | Self::MoveFolder { from, to } => fs::rename(from, to),
            Self::Link { from, to } => fs::hard_link(from, to),
            Self::Connect(to, protocol) => reach(*to, *protocol),
        };
        let Err(error) = made else {
            return self.put_back(outside).map(|()| None);
        };
        let errno = error.raw_os_error();
        Ok(errno.filter(|errno| !self.impossible_with().contains(errno)))
    }

    /// What an act fails with that nobody refused.
    fn impossible_with(&self) -> &'static [i32] {
        match self {
            Self::Execute(_) => &[libc::ENOEXEC],
            Self::RemoveFolder(_) | Self::MoveFolder { .. } => &[libc::ENOTEMPTY],
            Self::Connect(..) => &[libc::ECONNREFUSED, libc::ENETUNREACH],
            _ => &[],
        }
    }

    fn put_back(&self, outside: &mut Outside) -> io::Result<()> {
        match self {
            Self::MakeFolder(path) => outside.undo(Done::MadeFolder(path)),
            Self::Link { to, .. } => outside.undo(Done::MadeName(to)),
            Self::MoveFile { from, to } => outside.undo(Done::Moved { from, to }),
            Self::Open { .. } | Self::Connect(..) => Ok(()),
            // impossible, and yet it was possible: the tree is not what it should be
            Self::Execute(_) | Self::RemoveFolder(_) | Self::MoveFolder { .. } => {
                Err(io::Error::from_raw_os_error(libc::EUCLEAN))
            }
        }
    }
}

fn execute(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    match nix::unistd::execv(&path, &[&path]) {
        Ok(never) => match never {},
        Err(errno) => Err(errno.into()),
    }
}

fn reach(to: SocketAddr, protocol: Protocol) -> io::Result<()> {
    let family = if to.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let kind = match protocol {
        Protocol::Tcp => SockType::Stream,
        Protocol::Udp => SockType::Datagram,
    };
    let socket = socket(family, kind, SockFlag::SOCK_CLOEXEC, None)?;
    let to = SockaddrStorage::from(to);
    connect(socket.as_raw_fd(), &to).map_err(io::Error::from)
}

/// Of the tree, whose paths are whole and plain.
fn place(path: &Path) -> Components {
    components(&path.to_string_lossy()).expect("a path of the tree")
}
