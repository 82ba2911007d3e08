use std::collections::HashMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The OCI status of a container, always computed from the kernel's view, never trusted from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Creating,
    Created,
    Running,
    Paused,
    Stopped,
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
    /// absent until init exists
    pub init: Option<Init>,
    pub cgroup: crate::cgroup::Cgroup,
}

/// The init process: a pid alone may have been given to somebody else since.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub struct Init {
    pub pid: i32,
    /// field 22 of /proc/<pid>/stat
    pub start_time: u64,
}
