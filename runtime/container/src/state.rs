//! The folder of a container below `--root`: what is known of it between two invocations.
//!
//! Every side effect is written here before it is made, so that whatever a killed `create` leaves behind is found by
//! the next `delete --force`. The status is never stored: it is what the kernel says.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cgroup::Cgroup;
use crate::error::{Context, missing};
use crate::floor::{Asks, Degraded, Place};
use crate::process::ProcessId;
use crate::{Error, Result};

/// The OCI status of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Creating,
    Created,
    Running,
    Paused,
    Stopped,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Creating => "creating",
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        })
    }
}

/// What is stored of a container (`<root>/<id>/state.json`).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    pub id: String,
    pub oci_version: String,
    pub bundle: PathBuf,
    pub rootfs: PathBuf,
    /// RFC 3339 UTC, as runc prints it in `list`
    pub created: String,
    pub owner: u32,
    pub annotations: HashMap<String, String>,
    /// the policy it is under
    #[serde(default)]
    pub policy: Option<String>,
    /// where the kernel has it; absent until the policy is in force
    #[serde(default)]
    pub floor: Option<Place>,
    /// what holds instead, on a host that can't hold whole policies
    #[serde(default)]
    pub degraded: Option<Degraded>,
    /// of the compiled policy
    #[serde(default)]
    pub digest: Option<[u8; 32]>,
    /// what waits for its monitor's answers
    #[serde(default)]
    pub asks: Asks,
    /// the `create` that makes it: while that lives and init does not exist, the container is `creating`
    pub creator: ProcessId,
    /// `--no-new-keyring`: the container's processes keep the session keyring of who started them
    #[serde(default)]
    pub inherits_keyring: bool,
    /// absent until init exists
    pub init: Option<ProcessId>,
    pub cgroup: Cgroup,
}

/// `<root>/<id>`, existing or not.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

/// Keeps the lock of [`StateDir::hold`] as long as it lives.
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "the open file is the lock")] fs::File);

const HOLD: &str = "making";
const STATE: &str = "state.json";
const CONFIG: &str = "config.json";
/// Exists from `create` until `start` takes it away: init waits on this socket.
const START: &str = "notify.sock";

impl StateDir {
    pub fn locate(root: &Path, id: &str) -> Result<Self> {
        if !is_valid_id(id) {
            return Err(Error::InvalidId {
                id: id.chars().take(128).collect(),
            });
        }
        Ok(Self {
            path: root.join(id),
        })
    }

    /// Claims the id: the folder is what two creates race for.
    pub fn claim(&self, id: &str) -> Result<()> {
        let parent = self.path.parent().unwrap_or(&self.path);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)
            .on("create state folder", parent)?;
        match fs::DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists { id: id.into() })
            }
            other => other.on("create state folder", &self.path),
        }
    }

    pub fn save(&self, state: &State) -> Result<()> {
        let text = serde_json::to_vec(state)
            .map_err(std::io::Error::from)
            .on("encode", &self.path)?;
        write_atomically(&self.path.join(STATE), &text, 0o600)
    }

    pub fn load(&self, id: &str) -> Result<State> {
        let path = self.path.join(STATE);
        let text = fs::read(&path).map_err(|source| missing(id, path.clone(), source))?;
        serde_json::from_slice(&text)
            .map_err(std::io::Error::from)
            .on("read", &path)
    }

    /// Keeps the caller's config.json as it was at `create`: the bundle's may change later, or be made to.
    pub fn save_config(&self, config: &[u8]) -> Result<()> {
        // it holds the container's environment, and with it what its user keeps from others
        write_atomically(&self.path.join(CONFIG), config, 0o600)
    }

    pub fn load_config(&self) -> Result<Vec<u8>> {
        let path = self.path.join(CONFIG);
        fs::read(&path).on("read", &path)
    }

    pub fn start_socket(&self) -> PathBuf {
        self.path.join(START)
    }

    pub fn exec_socket(&self) -> PathBuf {
        self.path.join(format!("exec-{}.sock", std::process::id()))
    }

    /// Held by `create` and, as they inherit it, by every process it makes until that becomes the payload.
    pub fn hold(&self) -> Result<Hold> {
        let path = self.path.join(HOLD);
        let file = fs::File::create(&path).on("create", &path)?;
        file.lock().on("lock", &path)?;
        Ok(Hold(file))
    }

    /// Whether some process of a `create` is still on its way, wherever it is.
    pub fn is_held(&self) -> bool {
        fs::File::open(self.path.join(HOLD)).is_ok_and(|file| file.try_lock_shared().is_err())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    pub fn remove(&self) -> Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).on("remove", &self.path)
            }
            _ => Ok(()),
        }
    }
}

/// Writes beside the file and renames, so that a reader sees the old text or the new, never a part.
pub fn write_atomically(path: &Path, text: &[u8], mode: u32) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let write = || {
        let mut options = fs::OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&draft)?
            .write_all(text)?;
        fs::rename(&draft, path)
    };
    write()
        .inspect_err(|_| {
            let _ = fs::remove_file(&draft);
        })
        .on("write", path)
}

/// runc's alphabet: the id becomes a folder and a cgroup name.
fn is_valid_id(id: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.');
    !id.is_empty() && id != "." && id != ".." && id.len() <= 1024 && id.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_leave_the_root_are_refused() {
        for id in ["", ".", "..", "a/b", "../x", "a b", "ä", "a\n"] {
            assert!(!is_valid_id(id), "{id:?}");
        }
        for id in ["a", "3ad7b26d", "A_b+c-d.e", "..."] {
            assert!(is_valid_id(id), "{id:?}");
        }
    }

    #[test]
    fn an_id_is_claimed_once() {
        let root = tempfile::tempdir().expect("tempdir");
        let dir = StateDir::locate(root.path(), "one").expect("valid id");
        dir.claim("one").expect("free");
        assert!(matches!(dir.claim("one"), Err(Error::AlreadyExists { .. })));
        dir.remove().expect("removed");
        dir.claim("one").expect("free again");
    }

    #[test]
    fn a_rewrite_leaves_no_draft() {
        let root = tempfile::tempdir().expect("tempdir");
        let file = root.path().join("pid");
        write_atomically(&file, b"1", 0o644).expect("written");
        write_atomically(&file, b"23", 0o644).expect("rewritten");
        assert_eq!(fs::read(&file).expect("read"), b"23");
        assert_eq!(fs::read_dir(root.path()).expect("listed").count(), 1);
    }
}
