//! `run`: create, start, and in the foreground wait and delete.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sevorix_container::{Container, CreateOptions, Runtime};

use super::with_id;
use crate::cli::Globals;
use crate::console::Waiting;
use crate::error::{Context, Error, Result};
use crate::foreground::Foreground;
use crate::grammar::options;
use crate::{log, socket};

options! {
    /// create a container and start it
    pub struct Run("run", "ID") {
        /// folder of config.json (default: the current one)
        'b' bundle: Option<PathBuf>,
        /// socket that receives the terminal
        console_socket: Option<PathBuf>,
        /// socket that receives a pidfd of the container's init
        pidfd_socket: Option<PathBuf>,
        /// do not wait for the container's end
        'd' detach: bool,
        /// do not delete the container after its end
        keep: bool,
        /// file for the pid of the container's init
        pid_file: Option<PathBuf>,
        /// do not adopt the container's orphans
        no_subreaper: bool,
        /// do not use pivot_root: for a rootfs on a ramdisk
        no_pivot: bool,
        /// keep the caller's session keyring
        no_new_keyring: bool,
        /// descriptors to pass on beside the standard streams and those of LISTEN_FDS
        preserve_fds: Option<u32>,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, id) = with_id::<Run>(words)?;
    let runtime = globals.runtime()?;
    if options.detach {
        in_background(&runtime, &id, options)
    } else {
        in_foreground(&runtime, &id, options)
    }
}

fn in_background(runtime: &Runtime, id: &str, options: Run) -> Result<u8> {
    let console = options
        .console_socket
        .as_deref()
        .map(socket::connect)
        .transpose()?;
    let mut container = runtime.create(id, options.into_create(console)?)?;
    container.start().inspect_err(|_| delete(runtime, id))?;
    Ok(0)
}

fn in_foreground(runtime: &Runtime, id: &str, options: Run) -> Result<u8> {
    let console = Waiting::if_wanted(wants_terminal(&options)?, options.console_socket.as_deref())?;
    let foreground = Foreground::begin()?;
    if !options.no_subreaper {
        foreground.adopt_orphans()?;
    }
    let (ours, theirs) = console.unzip();
    let keep = options.keep;
    let mut container = runtime.create(id, options.into_create(theirs)?)?;
    let status = attend(&mut container, ours, foreground);
    if !keep {
        delete(runtime, id);
    }
    status
}

fn attend(
    container: &mut Container,
    console: Option<Waiting>,
    foreground: Foreground,
) -> Result<u8> {
    let gone = || Error::Impossible {
        what: "waiting for the payload",
        reason: "it has ended before its start",
    };
    let init = container.init_pid().ok_or_else(gone)?;
    let console = console.map(Waiting::open).transpose()?;
    container.start()?;
    foreground.wait(init, console)
}

/// What the caller asked for has succeeded or failed by now; that is what it is told.
fn delete(runtime: &Runtime, id: &str) {
    if let Err(error) = runtime.delete(id, true) {
        log::warn(&format!("delete {id}: {}", Error::from(error).sentence()));
    }
}

impl Run {
    fn into_create(self, console: Option<OwnedFd>) -> Result<CreateOptions> {
        Ok(CreateOptions {
            bundle: self.bundle.unwrap_or_else(|| ".".into()),
            pid_file: self.pid_file,
            console,
            pidfd_socket: self
                .pidfd_socket
                .as_deref()
                .map(socket::connect)
                .transpose()?,
            no_pivot: self.no_pivot,
            no_new_keyring: self.no_new_keyring,
            preserve_fds: super::passed_on(self.preserve_fds),
        })
    }
}

/// A broken config.json is `create`'s to complain about.
fn wants_terminal(options: &Run) -> Result<bool> {
    #[derive(Deserialize)]
    struct Config {
        process: Option<Process>,
    }
    #[derive(Deserialize)]
    struct Process {
        terminal: Option<bool>,
    }
    let path = options
        .bundle
        .as_deref()
        .unwrap_or(Path::new("."))
        .join("config.json");
    let text = std::fs::read(&path).on("open", &path)?;
    let config: Option<Config> = serde_json::from_slice(&text).ok();
    Ok(config
        .and_then(|config| config.process?.terminal)
        .unwrap_or(false))
}
