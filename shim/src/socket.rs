//! UNIX sockets an engine listens on, and descriptors that go over them.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

use crate::error::{Context, Result};

/// Connects to the socket at `path`, however long that is.
pub fn connect(path: &Path) -> Result<OwnedFd> {
    let connected = if path.as_os_str().len() < LONGEST_ADDRESS {
        UnixStream::connect(path)
    } else {
        through_folder(path)
    };
    Ok(connected.map(OwnedFd::from).on("connect to", path)?)
}

/// A socket's address holds 107 bytes; that of its opened folder is always short.
fn through_folder(path: &Path) -> io::Result<UnixStream> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = File::open(folder)?;
    UnixStream::connect(PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name))
}

/// The descriptor that has been sent over `socket`; None when nothing has.
pub fn receive(socket: &UnixStream) -> Result<Option<OwnedFd>> {
    let mut text = [0; 4096];
    let mut space = nix::cmsg_space!([i32; 1]);
    let mut parts = [io::IoSliceMut::new(&mut text)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let doing = || "receive the terminal".to_string();
    let message = match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags) {
        Err(nix::errno::Errno::EAGAIN) => return Ok(None),
        other => other.during(doing)?,
    };
    let sent = message.cmsgs().during(doing)?.find_map(|part| match part {
        ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
        _ => None,
    });
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows its number.
    Ok(sent.map(|descriptor| unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

const LONGEST_ADDRESS: usize = 108;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_socket_is_reached_however_long_its_path_is() {
        let folder = tempfile::tempdir().expect("tempdir");
        let deep = folder.path().join("d".repeat(LONGEST_ADDRESS));
        std::fs::create_dir(&deep).expect("made");
        let opened = File::open(&deep).expect("opened");
        let address = format!("/proc/self/fd/{}/socket", opened.as_raw_fd());
        let listener = UnixListener::bind(address).expect("bound");
        connect(&deep.join("socket")).expect("connected");
        listener.accept().expect("somebody has connected");
    }

    #[test]
    fn a_socket_that_is_not_there_is_named() {
        let error = connect(Path::new("/nonexistent/socket")).expect_err("nobody listens");
        assert_eq!(
            error.to_string(),
            "connect to /nonexistent/socket: no such file or directory"
        );
    }

    #[test]
    fn nothing_is_waited_for_when_nothing_was_sent() {
        let (ours, _theirs) = UnixStream::pair().expect("socket pair");
        assert!(receive(&ours).expect("no error").is_none());
    }
}
