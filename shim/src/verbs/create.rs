//! `create`: a container that waits for its `start`.

use std::ffi::OsString;
use std::path::PathBuf;

use sevorix_container::CreateOptions;

use super::with_id;
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::options;
use crate::socket;

options! {
    /// prepare a container up to the point where start lets it run
    pub struct Create("create", "ID") {
        /// folder of config.json (default: the current one)
        'b' bundle: Option<PathBuf>,
        /// socket that receives the terminal
        console_socket: Option<PathBuf>,
        /// socket that receives a pidfd of the container's init
        pidfd_socket: Option<PathBuf>,
        /// file for the pid of the container's init
        pid_file: Option<PathBuf>,
        /// do not use pivot_root: for a rootfs on a ramdisk
        no_pivot: bool,
        /// keep the caller's session keyring
        no_new_keyring: bool,
        /// descriptors to pass on beside the standard streams and those of LISTEN_FDS
        preserve_fds: Option<u32>,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, id) = with_id::<Create>(words)?;
    let connect = |path: Option<PathBuf>| path.as_deref().map(socket::connect).transpose();
    let options = CreateOptions {
        bundle: options.bundle.unwrap_or_else(|| ".".into()),
        pid_file: options.pid_file,
        console: connect(options.console_socket)?,
        pidfd_socket: connect(options.pidfd_socket)?,
        no_pivot: options.no_pivot,
        no_new_keyring: options.no_new_keyring,
        preserve_fds: super::passed_on(options.preserve_fds),
    };
    globals.runtime()?.create(&id, options)?;
    Ok(0)
}
