use std::io;

pub type Result<T, E = BpfError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum BpfError {
    /// An allow or deny rule that takes a part out of an earlier, wider one. Neither runc nor cgroup v1 can express it.
    #[error("device rule `{rule}` can't take a part out of the wider rule `{wider}`")]
    PartOfWiderRule { rule: String, wider: String },

    #[error("unknown device access `{access}`, expected a combination of r, w and m")]
    Access { access: String },

    #[error("unable to load the {program} program")]
    Load {
        program: &'static str,
        source: io::Error,
    },

    #[error("unable to list the {program} programs of the cgroup")]
    Query {
        program: &'static str,
        source: io::Error,
    },

    #[error("unable to attach the {program} program to the cgroup")]
    Attach {
        program: &'static str,
        source: io::Error,
    },

    /// The host can't enforce: nothing may be started that asks for it.
    #[error("this host can't enforce a policy: {lack}")]
    Host { lack: String, fix: String },

    #[error("unable to {doing}")]
    Floor {
        doing: String,
        source: libbpf_rs::Error,
    },

    #[error("unable to {doing}")]
    Io { doing: String, source: io::Error },

    /// One object under two paths would have two answers.
    #[error("{one} and {other} show the same files, and the policy has different rules for them")]
    TwoPaths { one: String, other: String },

    #[error("{limit}")]
    Full { limit: String, way_out: String },

    #[error("unable to detach an earlier {program} program from the cgroup")]
    Detach {
        program: &'static str,
        source: io::Error,
    },
}

impl BpfError {
    /// For `map_err`: what failed at what.
    pub(crate) fn floor(doing: impl Into<String>) -> impl FnOnce(libbpf_rs::Error) -> Self {
        |source| Self::Floor {
            doing: doing.into(),
            source,
        }
    }

    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io {
            doing: doing.into(),
            source,
        }
    }

    /// The next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        let io_error = match self {
            Self::PartOfWiderRule { .. } => {
                return Some("list the single devices instead of the wide rule".into());
            }
            Self::Access { .. } => return None,
            Self::Host { fix, .. } => return Some(fix.clone()),
            Self::TwoPaths { .. } => {
                return Some("mount them once, or write the same rules for both paths".into());
            }
            Self::Full { way_out, .. } => return Some(way_out.clone()),
            Self::Floor { .. } => {
                return Some("`sevorix doctor` looks for what the kernel lacks".into());
            }
            Self::Load { source, .. }
            | Self::Query { source, .. }
            | Self::Attach { source, .. }
            | Self::Detach { source, .. }
            | Self::Io { source, .. } => source,
        };
        match io_error.raw_os_error() {
            Some(libc::EPERM) => {
                Some("this takes CAP_BPF and CAP_NET_ADMIN (root) on the host".into())
            }
            Some(libc::ENOSYS) => Some("the kernel is built without CONFIG_BPF_SYSCALL".into()),
            Some(libc::EINVAL) => Some("the kernel may be built without CONFIG_CGROUP_BPF".into()),
            _ => None,
        }
    }
}
