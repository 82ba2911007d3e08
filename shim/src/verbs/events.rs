//! `events`: what a container uses, once or again and again.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use sevorix_container::{Container, Status};
use serde_json::json;

use super::{compact, print, with_id};
use crate::cli::Globals;
use crate::error::{Context, Error, Result};
use crate::grammar::options;

options! {
    /// print what a container uses, and when it runs out of memory
    pub struct Events("events", "ID") {
        /// time between two prints (default: 5s)
        interval: Option<String>,
        /// print once
        stats: bool,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, id) = with_id::<Events>(words)?;
    let interval = duration(options.interval.as_deref().unwrap_or("5s"))?;
    let container = globals.runtime()?.load(&id)?;
    if options.stats {
        return print_stats(&container);
    }
    let mut memory = OutOfMemory::watch(&container)?;
    while container.status()? != Status::Stopped {
        let next = Instant::now() + interval;
        while let Some(left) = next.checked_duration_since(Instant::now()) {
            if memory.happened_within(left)? {
                print(&format!("{}\n", json!({"type": "oom", "id": id})))?;
            }
        }
        if container.status()? != Status::Stopped {
            print_stats(&container)?;
        }
    }
    Ok(0)
}
