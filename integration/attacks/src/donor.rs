//! The helper outside: gives away, over a UNIX socket, what a container must not get.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

use crate::attempt::{Stop, Tried, first};
use crate::ground;

/// In a folder that the container's creator bind mounts.
pub const STREAM: &str = "/run/outside/stream";
pub const DATAGRAM: &str = "/run/outside/datagram";
pub const ABSTRACT: &str = "attack-outside";

/// Whoever connects writes what it wants: `s` a socket made here, anything else a file.
pub fn serve() -> io::Result<()> {
    std::fs::create_dir_all("/run/outside")?;
    for name in [STREAM, DATAGRAM] {
        let _ = std::fs::remove_file(name); // of an earlier run
    }
    let _datagram = UnixDatagram::bind(DATAGRAM)?;
    let _abstract = UnixListener::bind_addr(&SocketAddr::from_abstract_name(ABSTRACT)?)?;
    let listener = UnixListener::bind(STREAM)?;
    let socket = TcpListener::bind("127.0.0.1:0")?;
    println!("ready");
    for client in listener.incoming() {
        let client = client?;
        let file = std::fs::File::open(ground::SECRET)?;
        let given = match wish(&client) {
            Some(b's') => socket.as_raw_fd(),
            _ => file.as_raw_fd(),
        };
        // the client's refusal to take it is the client's to tell
        let _ = give(&client, given);
    }
    Ok(())
}

fn wish(client: &UnixStream) -> Option<u8> {
    let mut wish = [0];
    let count = nix::unistd::read(client, &mut wish).ok()?;
    (count == 1).then_some(wish[0])
}

fn give(client: &UnixStream, descriptor: RawFd) -> nix::Result<usize> {
    let rights = [descriptor];
    let message = [ControlMessage::ScmRights(&rights)];
    sendmsg::<()>(
        client.as_raw_fd(),
        &[IoSlice::new(b"x")],
        &message,
        MsgFlags::empty(),
        None,
    )
}

/// In the container: asks for it.
pub fn take(wish: u8) -> Tried {
    let donor = first("the donor's socket", UnixStream::connect(STREAM))?;
    first("asking the donor", nix::unistd::write(&donor, &[wish]))?;
    receive(&donor)
}

/// Between two of its own sockets a container may hand over what it likes.
pub fn hand_over() -> Tried {
    let (one, other) = first("a pair of sockets", UnixStream::pair())?;
    first("sending", give(&one, one.as_raw_fd()))?;
    receive(&other)
}

fn receive(from: &UnixStream) -> Tried {
    let mut byte = [0];
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let mut parts = [IoSliceMut::new(&mut byte)];
    let flags = MsgFlags::empty();
    let message = recvmsg::<()>(from.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let mut parts = match message.cmsgs() {
        Ok(parts) => parts,
        Err(Errno::ENOBUFS) => return Err(Stop::WithoutEffect), // cut off: nothing was installed
        Err(errno) => return Err(errno.into()),
    };
    match parts.any(|part| matches!(part, ControlMessageOwned::ScmRights(all) if !all.is_empty())) {
        true => Ok(()),
        false => Err(Stop::WithoutEffect),
    }
}
