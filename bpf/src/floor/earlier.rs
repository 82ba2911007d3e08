//! Floors of other releases that this boot has seen: each stays as long as it holds somebody.
//!
//! Another release's tables may look different. What is relied on here is the same in all of them, and `abi.h` says so:
//! a container's entry begins with the id of its cgroup, 0 when the slot is free, and labels are a task's storage.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use libbpf_rs::{MapCore, MapFlags, MapHandle};

use super::cgroup::Living;
use super::load::Lock;
use super::{pidfd, pins};
use crate::{BpfError, Result};

/// Removes the floors that nobody is under any more. How many there were.
pub(super) fn sweep(_lock: &Lock) -> Result<usize> {
    let mut swept = 0;
    for folder in others()? {
        if !holds_somebody(&folder)? {
            pins::remove(&folder)?;
            swept += 1;
        }
    }
    Ok(swept)
}

fn others() -> Result<Vec<PathBuf>> {
    let Some(folder) = pins::folder().parent().map(Path::to_path_buf) else {
        return Ok(Vec::new());
    };
    let failed = || BpfError::io(format!("list {}", folder.display()));
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed())?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(failed())?;
    let is_other = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('v') && *path != pins::folder()
    };
    Ok(paths.into_iter().filter(is_other).collect())
}

/// We hold the lock that every release loads under: a folder that is not ready is what a crash left.
fn holds_somebody(folder: &Path) -> Result<bool> {
    if !pins::is_complete(folder) {
        return Ok(false);
    }
    let map = |name: &str| pins::open(&folder.join("maps").join(name));
    Ok(has_living_containers(&map("containers")?)? || has_labelled_processes(&map("agents")?)?)
}

fn has_living_containers(containers: &MapHandle) -> Result<bool> {
    let living = Living::new()?;
    let failed = || BpfError::floor("list the containers of another release");
    let all = containers
        .lookup_batch(1024, MapFlags::ANY, MapFlags::ANY)
        .map_err(failed())?;
    for (_, container) in all {
        let id = container
            .first_chunk()
            .map_or(0, |id| u64::from_ne_bytes(*id));
        if id != 0 && living.has(id)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A process that was left behind bears its label, and must stay refused everything.
fn has_labelled_processes(agents: &MapHandle) -> Result<bool> {
    let failed = || BpfError::io("list the processes");
    for entry in fs::read_dir("/proc").map_err(failed())? {
        let name = entry.map_err(failed())?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // one that has ended meanwhile bears nothing
        let Ok(task) = pidfd(pid) else { continue };
        let key = task.as_raw_fd().to_ne_bytes();
        if let Ok(Some(_)) = agents.lookup(&key, MapFlags::ANY) {
            return Ok(true);
        }
    }
    Ok(false)
}
