use std::fmt;
use std::ops::{BitAnd, BitOr, Not};

use crate::{BpfError, Result};

/// One line of `linux.resources.devices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceRule {
    pub allow: bool,
    /// None: every device, whatever the numbers and the access say
    pub kind: Option<DeviceKind>,
    /// None: any
    pub major: Option<u32>,
    pub minor: Option<u32>,
    pub access: Access,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceKind {
    Block,
    Char,
}

/// What a rule is about: reading, writing, making the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access(u8);

impl Access {
    // the kernel's own bits (BPF_DEVCG_ACC_*)
    pub const MKNOD: Self = Self(1);
    pub const READ: Self = Self(2);
    pub const WRITE: Self = Self(4);
    pub const ALL: Self = Self(7);

    /// Reads the letters of an OCI rule.
    pub fn parse(letters: &str) -> Result<Self> {
        let unknown = || BpfError::Access {
            access: letters.into(),
        };
        let mut access = Self::default();
        for letter in letters.chars() {
            access = access
                | match letter {
                    'r' => Self::READ,
                    'w' => Self::WRITE,
                    'm' => Self::MKNOD,
                    _ => return Err(unknown()),
                };
        }
        if access.is_empty() {
            Err(unknown())
        } else {
            Ok(access)
        }
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Every access that there is has been asked for here, too.
    pub fn contains(self, asked: Self) -> bool {
        self & asked == asked
    }

    pub(super) fn bits(self) -> i32 {
        i32::from(self.0)
    }
}

/// What every container may do with devices besides its own rules, as runc appends it to each list: make nodes (a node
/// that can't be opened is harmless), use the standard ones and its terminals, and, since Docker always had it, tun.
pub fn default_allow_rules() -> [DeviceRule; 11] {
    let char = |major, minor| DeviceRule {
        allow: true,
        kind: Some(DeviceKind::Char),
        major: Some(major),
        minor,
        access: Access::ALL,
    };
    let make_any = |kind| DeviceRule {
        allow: true,
        kind: Some(kind),
        major: None,
        minor: None,
        access: Access::MKNOD,
    };
    [
        make_any(DeviceKind::Char),
        make_any(DeviceKind::Block),
        char(1, Some(3)),    // null
        char(1, Some(5)),    // zero
        char(1, Some(7)),    // full
        char(1, Some(8)),    // random
        char(1, Some(9)),    // urandom
        char(5, Some(0)),    // tty
        char(5, Some(2)),    // ptmx
        char(136, None),     // pts; the console is one of them, bound over /dev/console
        char(10, Some(200)), // net/tun
    ]
}

impl BitOr for Access {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Access {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Access {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (access, letter) in [(Self::READ, "r"), (Self::WRITE, "w"), (Self::MKNOD, "m")] {
            if self.contains(access) {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Block => "b",
            Self::Char => "c",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_letters_are_read_and_written_alike() {
        for letters in ["r", "w", "m", "rw", "rm", "wm", "rwm"] {
            assert_eq!(Access::parse(letters).unwrap().to_string(), letters);
        }
        assert!(matches!(Access::parse(""), Err(BpfError::Access { .. })));
        assert!(matches!(Access::parse("rx"), Err(BpfError::Access { .. })));
    }

    #[test]
    fn what_is_not_asked_for_is_not_contained() {
        assert!(Access::ALL.contains(Access::READ));
        assert!(!Access::READ.contains(Access::READ | Access::WRITE));
        assert!((!Access::READ).contains(Access::WRITE | Access::MKNOD));
        assert!(!(!Access::READ).contains(Access::READ));
    }
}
