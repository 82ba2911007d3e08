//! `checkpoint` and `restore`, refused: a restored container would run without the policy the kernel held for it.

use std::ffi::OsString;
use std::path::PathBuf;

use super::with_id;
use crate::cli::Globals;
use crate::error::{Error, Result};
use crate::grammar::options;

options! {
    /// refused: a container's policy in the kernel cannot be saved
    pub struct Checkpoint("checkpoint", "ID") {
        /// folder for the image files
        image_path: Option<PathBuf>,
        /// folder for work files and logs
        work_path: Option<PathBuf>,
        /// folder of an earlier image
        parent_path: Option<PathBuf>,
        /// leave the container running
        leave_running: bool,
        /// allow open TCP connections
        tcp_established: bool,
        /// skip TCP connections in flight
        tcp_skip_in_flight: bool,
        /// allow external UNIX sockets
        ext_unix_sk: bool,
        /// allow shell jobs
        shell_job: bool,
        /// restore memory pages lazily
        lazy_pages: bool,
        /// descriptor to announce lazy pages on
        status_fd: Option<i32>,
        /// address and port of the page server
        page_server: Option<String>,
        /// handle file locks
        file_locks: bool,
        /// dump the memory only
        pre_dump: bool,
        /// soft, full, strict or ignore
        manage_cgroups_mode: Option<String>,
        /// a namespace whose properties are not restored
        empty_ns: Vec<String>,
        /// remove duplicate memory images
        auto_dedup: bool,
    }
}

options! {
    /// refused: a container's policy in the kernel cannot be restored
    pub struct Restore("restore", "ID") {
        /// socket that receives the terminal
        console_socket: Option<PathBuf>,
        /// folder of the image files
        image_path: Option<PathBuf>,
        /// folder for work files and logs
        work_path: Option<PathBuf>,
        /// allow open TCP connections
        tcp_established: bool,
        /// allow external UNIX sockets
        ext_unix_sk: bool,
        /// allow shell jobs
        shell_job: bool,
        /// handle file locks
        file_locks: bool,
        /// soft, full, strict or ignore
        manage_cgroups_mode: Option<String>,
        /// folder of config.json
        'b' bundle: Option<PathBuf>,
        /// do not wait for the container's end
        'd' detach: bool,
        /// file for the pid of the container's init
        pid_file: Option<PathBuf>,
        /// do not adopt the container's orphans
        no_subreaper: bool,
        /// do not use pivot_root
        no_pivot: bool,
        /// a namespace whose properties are not restored
        empty_ns: Vec<String>,
        /// remove duplicate memory images
        auto_dedup: bool,
        /// restore memory pages lazily
        lazy_pages: bool,
        /// a security profile, as TYPE:NAME
        lsm_profile: Option<String>,
        /// a security context for the mounts
        lsm_mount_context: Option<String>,
    }
}

const REASON: &str =
    "the kernel's record of a container's policy cannot be restored, and it must not run without";

pub fn checkpoint(_: &Globals, words: &[OsString]) -> Result<u8> {
    with_id::<Checkpoint>(words)?;
    Err(Error::Impossible {
        what: "checkpoint",
        reason: REASON,
    })
}

pub fn restore(_: &Globals, words: &[OsString]) -> Result<u8> {
    with_id::<Restore>(words)?;
    Err(Error::Impossible {
        what: "restore",
        reason: REASON,
    })
}
