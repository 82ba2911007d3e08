use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// What `exec` takes beside the process itself.
#[derive(Debug, Default)]
pub struct ExecOptions {
    pub pid_file: Option<PathBuf>,
    pub console: Option<OwnedFd>,
    pub pidfd_socket: Option<OwnedFd>,
    pub preserve_fds: u32,
    /// `--cgroup`: a sub-cgroup of the container's own
    pub sub_cgroup: Option<String>,
    /// exec into a paused container instead of refusing
    pub ignore_paused: bool,
}
