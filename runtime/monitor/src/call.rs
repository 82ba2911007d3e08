//! Which call waits, and by which errno it would fail.

use nix::errno::Errno;
use sevorix_container::held::Notice;

/// The calls that are held, with where in the thread's memory they say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Exec(Exec),
    Connect {
        socket: i32,
        address: Memory,
    },
    Send {
        socket: i32,
        to: Sent,
    },
    Open(Open),
    /// The flags of openat2 lie in memory.
    OpenAs {
        open: Open,
        how: Memory,
    },
}

/// execve and execveat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exec {
    /// `None`: the thread's folder.
    pub from: Option<i32>,
    pub path: u64,
    pub words: u64,
    pub variables: u64,
    pub flags: u64,
}

/// open and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// `None`: the thread's folder.
    pub from: Option<i32>,
    pub path: u64,
    pub flags: u64,
}

/// A piece of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    pub at: u64,
    pub length: usize,
}

/// Where a sending call says where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Address(Memory),
    /// struct msghdr
    Message(u64),
    /// struct mmsghdr, so many
    Messages(u64, usize),
}

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Exec,
    Network,
    Files,
}

/// AUDIT_ARCH_X86_64
#[cfg(target_arch = "x86_64")]
const OURS: u32 = 0xc000_003e;
/// AUDIT_ARCH_AARCH64
#[cfg(target_arch = "aarch64")]
const OURS: u32 = 0xc000_00b7;
/// Of x32, whose numbers come with our own architecture's name.
const FOREIGN_BIT: i32 = 0x4000_0000;

impl Call {
    /// `None`: it came by another way into the kernel than this machine's own, or it is none that we hold.
    pub fn of(notice: &Notice) -> Option<Self> {
        if is_foreign(notice) {
            return None;
        }
        let args = notice.args;
        // a descriptor is an int: the kernel looks at no other bits
        let fd = |arg: u64| u32::try_from(arg & INT).unwrap_or_default().cast_signed();
        let memory = |at: u64, length: u64| Memory {
            at,
            length: usize::try_from(length).unwrap_or(usize::MAX),
        };
        let folder = |arg: u64| Some(fd(arg)).filter(|fd| *fd != libc::AT_FDCWD);
        Some(match i64::from(notice.call) {
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open => Self::Open(Open {
                from: None,
                path: args[0],
                flags: args[1] & INT,
            }),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_creat => Self::Open(Open {
                from: None,
                path: args[0],
                flags: CREAT,
            }),
            libc::SYS_openat => Self::Open(Open {
                from: folder(args[0]),
                path: args[1],
                flags: args[2] & INT,
            }),
            libc::SYS_openat2 => Self::OpenAs {
                open: Open {
                    from: folder(args[0]),
                    path: args[1],
                    flags: 0,
                },
                how: memory(args[2], args[3]),
            },
            libc::SYS_execve => Self::Exec(Exec {
                from: None,
                path: args[0],
                words: args[1],
                variables: args[2],
                flags: 0,
            }),
            libc::SYS_execveat => Self::Exec(Exec {
                from: folder(args[0]),
                path: args[1],
                words: args[2],
                variables: args[3],
                flags: args[4],
            }),
            libc::SYS_connect => Self::Connect {
                socket: fd(args[0]),
                address: memory(args[1], args[2] & INT),
            },
            libc::SYS_sendto => Self::Send {
                socket: fd(args[0]),
                to: Sent::Address(memory(args[4], args[5] & INT)),
            },
            libc::SYS_sendmsg => Self::Send {
                socket: fd(args[0]),
                to: Sent::Message(args[1]),
            },
            libc::SYS_sendmmsg => Self::Send {
                socket: fd(args[0]),
                to: Sent::Messages(args[1], memory(0, args[2] & INT).length),
            },
            _ => return None,
        })
    }
}

/// Its numbers and structures are others: i386 on x86-64, and x32.
pub fn is_foreign(notice: &Notice) -> bool {
    notice.arch != OURS || notice.call & FOREIGN_BIT != 0
}

const INT: u64 = 0xffff_ffff;
/// What creat opens with.
#[cfg(target_arch = "x86_64")]
const CREAT: u64 = (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC) as u64;

impl Class {
    /// Of a call of this machine's own; others are told by no errno of their own.
    pub fn of(notice: &Notice) -> Self {
        if is_foreign(notice) {
            return Self::Network;
        }
        match i64::from(notice.call) {
            libc::SYS_execve | libc::SYS_execveat => Self::Exec,
            libc::SYS_connect | libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_sendmmsg => {
                Self::Network
            }
            _ => Self::Files,
        }
    }

    /// How a call fails that is not let through.
    pub fn errno(self) -> Errno {
        match self {
            Self::Exec | Self::Files => Errno::EACCES,
            Self::Network => Errno::EPERM,
        }
    }
}
