//! Whether a socket is the one it seems to be.
//!
//! Whoever answers on the socket decides what agents may do. So nobody but root, or the one user that the service runs
//! as, may be able to put another socket in its place, and the other end says who it is.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Whom a client takes for a verdict service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trust {
    /// The user of the service, beside root.
    pub user: Option<u32>,
}

impl Trust {
    /// Checks the socket and every folder above it.
    pub fn check(self, socket: &Path) -> Result<()> {
        let real = std::fs::canonicalize(socket).map_err(|source| Error::Socket {
            action: "find",
            path: socket.into(),
            source,
        })?;
        let mut below_owned = true;
        for (depth, place) in real.ancestors().enumerate() {
            let found = std::fs::symlink_metadata(place).map_err(|source| Error::Socket {
                action: "look at",
                path: place.into(),
                source,
            })?;
            let refuse = |reason| {
                let path = PathBuf::from(place);
                Err(Error::Untrusted { path, reason })
            };
            if !self.knows(found.uid()) {
                return refuse("belongs to somebody else than root");
            }
            // in a sticky folder nobody else can rename what root made
            let sticky = found.mode() & STICKY != 0 && below_owned;
            if depth > 0 && found.mode() & WRITABLE_BY_OTHERS != 0 && !sticky {
                return refuse("can be written to by others");
            }
            below_owned = self.knows(found.uid());
        }
        Ok(())
    }

    /// Checks who listens.
    #[cfg(feature = "net")]
    pub(crate) fn check_peer(self, socket: &Path, stream: &tokio::net::UnixStream) -> Result<()> {
        let peer = stream.peer_cred().map_err(|source| Error::Socket {
            action: "ask who listens on",
            path: socket.into(),
            source,
        })?;
        match self.knows(peer.uid()) {
            true => Ok(()),
            false => Err(Error::Peer {
                path: socket.into(),
                uid: peer.uid(),
            }),
        }
    }

    pub(crate) fn knows(self, user: u32) -> bool {
        user == 0 || self.user == Some(user)
    }
}

const STICKY: u32 = 0o1000;
const WRITABLE_BY_OTHERS: u32 = 0o022;

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn stage() -> (tempfile::TempDir, PathBuf, Trust) {
        let folder = tempfile::tempdir().expect("tempdir");
        let socket = folder.path().join("slm.sock");
        UnixListener::bind(&socket).expect("bound");
        let user = fs::metadata(&socket).expect("made").uid();
        (folder, socket, Trust { user: Some(user) })
    }

    #[test]
    fn a_socket_among_roots_folders_is_trusted() {
        let (_folder, socket, trust) = stage();
        trust.check(&socket).expect("ours alone");
    }

    #[test]
    fn a_folder_that_others_write_to_is_not() {
        let (folder, socket, trust) = stage();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("mode");
        assert!(
            matches!(trust.check(&socket), Err(Error::Untrusted { path, .. }) if path == folder.path())
        );
        fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).expect("mode");
        trust
            .check(&socket)
            .expect("sticky: what is ours stays ours");
    }

    #[test]
    fn a_link_is_as_good_as_what_it_points_to() {
        let (folder, socket, trust) = stage();
        let open = folder.path().join("open");
        fs::create_dir(&open).expect("made");
        fs::set_permissions(&open, Permissions::from_mode(0o777)).expect("mode");
        UnixListener::bind(open.join("x")).expect("bound");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(open.join("x"), &link).expect("linked");
        trust.check(&socket).expect("ours alone");
        assert!(trust.check(&link).is_err());
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = Trust::default()
            .check(Path::new("/nonexistent/slm.sock"))
            .expect_err("absent");
        assert!(
            error.to_string().contains("/nonexistent/slm.sock"),
            "{error}"
        );
    }
}
