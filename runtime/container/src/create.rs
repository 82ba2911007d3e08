use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// What `create` and `run` take beside the bundle's config.json.
#[derive(Debug, Default)]
pub struct CreateOptions {
    pub bundle: PathBuf,
    pub pid_file: Option<PathBuf>,
    /// connected socket over which the terminal's master end is sent
    pub console: Option<OwnedFd>,
    /// connected socket over which a pidfd of init is sent
    pub pidfd_socket: Option<OwnedFd>,
    pub no_pivot: bool,
    pub no_new_keyring: bool,
    pub preserve_fds: u32,
}
