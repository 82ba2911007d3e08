//! The rules of each class.

use std::fmt;
use std::str::FromStr;

use super::{Action, Asker, Components, NamePattern, PathPattern, Policy, RuleId, fit, last_of};
use crate::values::{Invalid, NetEntry, NetTarget, PortRange, Protocol};

/// One of `[exec]`'s rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRule {
    pub id: RuleId,
    pub program: Program,
    /// One glob for each argument after the program's own name; `**` in the end: for all that follow; empty: whatever
    /// the arguments are.
    pub argv: Vec<String>,
    pub action: Action,
    pub asker: Asker,
    pub unless: Vec<PathPattern>,
    /// Decided as usual, reported, let through.
    pub audit: bool,
    /// Whether a refusal by this rule counts in the gate although it would not.
    pub violation: bool,
}

/// Which programs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Program {
    Path(PathPattern),
    /// By content, wherever it lies.
    Content(Sha256),
}

/// The digest of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

/// One of `[file]`'s rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRule {
    pub id: RuleId,
    pub object: FileMatch,
    pub access: Access,
    pub action: Action,
    pub asker: Asker,
    /// Only with a path.
    pub unless: Vec<PathPattern>,
    /// What reading it taints the container with.
    pub label: Option<String>,
    pub audit: bool,
    pub violation: bool,
}

/// Which files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FileMatch {
    Path(PathPattern),
    /// By name, in any folder.
    Name(NamePattern),
}

/// What is done to a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Access {
    pub read: bool,
    /// Content and attributes.
    pub write: bool,
    /// Its name: create, rename, link, unlink.
    pub change: bool,
}

/// One of `[net]`'s rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetRule {
    pub id: RuleId,
    /// `None`: anywhere.
    pub target: Option<NetTarget>,
    /// Empty: all of them.
    pub ports: Vec<PortRange>,
    /// `None`: both.
    pub protocol: Option<Protocol>,
    pub action: Action,
    pub unless: Vec<NetEntry>,
    pub asker: Asker,
    /// The name in the TLS hello must be this rule's.
    pub sni: bool,
    /// Stays open when the gate cracks.
    pub essential: bool,
    pub audit: bool,
    pub violation: bool,
}

impl ExecRule {
    pub fn new(id: RuleId, program: Program, action: Action) -> Self {
        Self {
            id,
            program,
            argv: Vec::new(),
            action,
            asker: Asker::Jury,
            unless: Vec::new(),
            audit: false,
            violation: false,
        }
    }

    /// Whether the path alone says that the rule speaks. One on content or arguments never does.
    pub(crate) fn covers(&self, path: &[Box<[u8]>]) -> bool {
        match &self.program {
            Program::Path(pattern) => {
                self.argv.is_empty() && pattern.covers(path) && !excepted(&self.unless, path)
            }
            Program::Content(_) => false,
        }
    }

    /// Whether it has something to say of a command line of the program there.
    pub(crate) fn covers_with_words(&self, path: &[Box<[u8]>]) -> bool {
        let silent = self.argv.is_empty() || (self.audit && self.action == Action::Allow);
        match &self.program {
            Program::Path(pattern) => {
                !silent && pattern.covers(path) && !excepted(&self.unless, path)
            }
            Program::Content(_) => false,
        }
    }

    /// Whether its globs fit a command line whose first word is the program's name.
    pub(crate) fn fits(&self, argv: &[Box<[u8]>]) -> bool {
        fit(&self.argv, argv.get(1..).unwrap_or_default())
    }

    pub(crate) fn is_enforced(&self, policy: &Policy) -> bool {
        !self.audit && !policy.is_audit()
    }

    /// Every place that its answer can change at.
    pub(crate) fn bases(&self) -> impl Iterator<Item = &Components> {
        let own = match &self.program {
            Program::Path(pattern) => Some(&pattern.base),
            Program::Content(_) => None,
        };
        own.into_iter()
            .chain(self.unless.iter().map(|except| &except.base))
    }
}

impl FileRule {
    pub fn new(id: RuleId, object: FileMatch, access: Access, action: Action) -> Self {
        Self {
            id,
            object,
            access,
            action,
            asker: Asker::Jury,
            unless: Vec::new(),
            label: None,
            audit: false,
            violation: false,
        }
    }

    pub(crate) fn covers_path(&self, path: &[Box<[u8]>]) -> bool {
        match &self.object {
            FileMatch::Path(pattern) => pattern.covers(path) && !excepted(&self.unless, path),
            FileMatch::Name(_) => false,
        }
    }

    pub(crate) fn covers_name(&self, path: &[Box<[u8]>]) -> bool {
        match (&self.object, last_of(path)) {
            (FileMatch::Name(pattern), Some(name)) => pattern.covers(name),
            _ => false,
        }
    }

    pub(crate) fn bases(&self) -> impl Iterator<Item = &Components> {
        let own = match &self.object {
            FileMatch::Path(pattern) => Some(&pattern.base),
            FileMatch::Name(_) => None,
        };
        own.into_iter()
            .chain(self.unless.iter().map(|except| &except.base))
    }
}

impl NetRule {
    pub fn new(id: RuleId, target: Option<NetTarget>, action: Action) -> Self {
        Self {
            id,
            target,
            ports: Vec::new(),
            protocol: None,
            action,
            unless: Vec::new(),
            asker: Asker::Jury,
            sni: false,
            essential: false,
            audit: false,
            violation: false,
        }
    }

    /// Whether it names a host: what the addresses of that are, the resolver learns.
    pub fn names_a_host(&self) -> bool {
        let target = self.target.iter();
        let excepted = self.unless.iter().map(|entry| &entry.target);
        target
            .chain(excepted)
            .any(|target| !matches!(target, NetTarget::Net(_)))
    }
}

fn excepted(unless: &[PathPattern], path: &[Box<[u8]>]) -> bool {
    unless.iter().any(|except| except.covers(path))
}

impl Access {
    pub const ALL: Self = Self {
        read: true,
        write: true,
        change: true,
    };
}

impl FromStr for Access {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut access = Self::default();
        for letter in text.chars() {
            let asked = match letter {
                'r' => &mut access.read,
                'w' => &mut access.write,
                'c' => &mut access.change,
                'x' => {
                    return Err(Invalid::new(
                        "asks for x, which is not an access of files",
                        "write a rule of [exec] for what may be executed",
                    ));
                }
                _ => return Err(letters()),
            };
            if std::mem::replace(asked, true) {
                return Err(letters());
            }
        }
        match access == Self::default() {
            true => Err(letters()),
            false => Ok(access),
        }
    }
}

fn letters() -> Invalid {
    Invalid::new(
        "is not an access",
        "write letters of rwc, each once: r read, w write, c create, rename, link and unlink",
    )
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (asked, letter) in [(self.read, "r"), (self.write, "w"), (self.change, "c")] {
            if asked {
                f.write_str(letter)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Sha256 {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let mut digest = [0; 32];
        if text.len() != 64 || !text.as_bytes().iter().all(digit) {
            return Err(Invalid::new(
                "is not a SHA-256 digest",
                "write 64 digits of 0-9a-f, as sha256sum prints them",
            ));
        }
        for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).unwrap_or_default();
            *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_a_set_of_letters() {
        for text in ["r", "w", "c", "rw", "rwc", "wc"] {
            assert_eq!(text.parse::<Access>().expect(text).to_string(), text);
        }
        assert_eq!("cr".parse::<Access>().expect("valid").to_string(), "rc");
        for text in ["", "rr", "R", "rwx", "x", "r w", "all"] {
            assert!(text.parse::<Access>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        assert_eq!(digest.parse::<Sha256>().expect("valid").to_string(), digest);
        for text in [
            "",
            "9f86d0",
            &digest.to_uppercase(),
            &digest.replace('9', "g"),
        ] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
    }
}
