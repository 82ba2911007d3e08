//! Reading and writing the small files of a cgroup folder, and walking the folders below it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::unistd::Pid;

use super::CgroupError;

pub(super) fn read_file(path: &Path) -> Result<String, CgroupError> {
    fs::read_to_string(path).map_err(|source| CgroupError::io("read", path, source))
}

/// None when the file or the cgroup itself does not exist, or vanishes under the reader.
pub(super) fn read_if_present(path: &Path) -> Result<Option<String>, CgroupError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(source) if is_gone(&source) => Ok(None),
        Err(source) => Err(CgroupError::io("read", path, source)),
    }
}

/// Cgroup files are never made by writing to them, and each write is one command.
pub(super) fn write_file(path: &Path, value: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(value.as_bytes())
}

pub(super) fn set(folder: &Path, file: &str, value: &str) -> Result<(), CgroupError> {
    write_file(&folder.join(file), value).map_err(|source| CgroupError::Set {
        folder: folder.into(),
        file: file.into(),
        value: value.into(),
        source,
    })
}

/// The folder and every one below it, parents first. Empty when it does not exist.
pub(super) fn tree(folder: &Path) -> Result<Vec<PathBuf>, CgroupError> {
    let mut found = vec![folder.to_path_buf()];
    let mut next = 0;
    while let Some(parent) = found.get(next).cloned() {
        match subfolders(&parent) {
            Ok(children) => {
                found.extend(children);
                next += 1;
            }
            // removed since it was listed
            Err(source) if is_gone(&source) => drop(found.remove(next)),
            Err(source) => return Err(CgroupError::io("list", parent, source)),
        }
    }
    Ok(found)
}

fn subfolders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut children = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            children.push(entry.path());
        }
    }
    Ok(children)
}

/// The processes in the folder itself.
pub(super) fn processes(folder: &Path) -> Result<Vec<Pid>, CgroupError> {
    let path = folder.join("cgroup.procs");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) if is_gone(&source) => return Ok(Vec::new()),
        // a threaded cgroup lists its processes in the first folder above that is not
        Err(source) if source.raw_os_error() == Some(libc::EOPNOTSUPP) => return Ok(Vec::new()),
        Err(source) => return Err(CgroupError::io("read", path, source)),
    };
    Ok(text
        .lines()
        .filter_map(|line| line.parse().ok())
        .map(Pid::from_raw)
        .collect())
}

/// A cgroup that is being removed answers ENODEV once its folder is still there but dead.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV))
}
