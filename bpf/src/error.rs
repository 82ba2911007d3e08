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

    #[error("unable to detach an earlier {program} program from the cgroup")]
    Detach {
        program: &'static str,
        source: io::Error,
    },
}

impl BpfError {
    /// The next step, when there is one.
    pub fn hint(&self) -> Option<String> {
        let io_error = match self {
            Self::PartOfWiderRule { .. } => {
                return Some("list the single devices instead of the wide rule".into());
            }
            Self::Access { .. } => return None,
            Self::Load { source, .. }
            | Self::Query { source, .. }
            | Self::Attach { source, .. }
            | Self::Detach { source, .. } => source,
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
