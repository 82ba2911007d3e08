use std::io;
use std::path::{Path, PathBuf};

use sevorix_bpf::BpfError;

/// Everything that can go wrong between a container and its cgroup.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    #[error("no cgroup hierarchy is mounted at {}", .root.display())]
    NoHierarchy { root: PathBuf },

    #[error("unusable cgroup path `{path}`: {reason}")]
    Path { path: String, reason: &'static str },

    /// runc's words: engines and people look for them
    #[error("container's cgroup is not empty: {count} process(es) found")]
    NotEmpty { count: usize },

    #[error("container's cgroup unexpectedly frozen")]
    Frozen,

    #[error("unable to {action} {}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    #[error("unable to set {file} to `{value}` in {}", .folder.display())]
    Set {
        folder: PathBuf,
        file: String,
        value: String,
        source: io::Error,
    },

    #[error("unable to use the resource {resource}: {reason}")]
    Resource { resource: String, reason: String },

    #[error("unable to limit the container's devices")]
    Devices(#[from] BpfError),

    #[error("systemd did not {action} the unit {unit}")]
    Systemd {
        action: &'static str,
        unit: String,
        source: super::systemd::BusError,
    },

    #[error("the cgroup {} did not {action} in time", .path.display())]
    Timeout { action: &'static str, path: PathBuf },
}

impl CgroupError {
    /// The next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoHierarchy { .. } => {
                Some("mount cgroup2 there: `mount -t cgroup2 none /sys/fs/cgroup`".into())
            }
            Self::NotEmpty { .. } => {
                Some("another container or service uses this cgroup: choose another path".into())
            }
            Self::Frozen => Some("thaw the parent cgroup first".into()),
            Self::Devices(error) => error.hint(),
            Self::Set { file, source, .. } if source.kind() == io::ErrorKind::NotFound => {
                let controller = file.split('.').next().unwrap_or(file);
                Some(format!(
                    "the {controller} controller (or this part of it) is not available to this cgroup"
                ))
            }
            Self::Systemd { source, .. } => source.hint(),
            _ => None,
        }
    }

    pub(super) fn io(
        action: &'static str,
        path: impl AsRef<Path>,
        source: impl Into<io::Error>,
    ) -> Self {
        Self::Io {
            action,
            path: path.as_ref().into(),
            source: source.into(),
        }
    }

    /// The kernel's number, when this came from the kernel.
    pub(super) fn errno(&self) -> Option<i32> {
        match self {
            Self::Io { source, .. } | Self::Set { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }
}
