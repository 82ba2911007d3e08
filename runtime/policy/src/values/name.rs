//! Names of things that live in files of the host, or of a container in its pod.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                check(text).map(|()| Self(text.to_owned()))
            }
        }
    };
}

name!(
    /// The name of a policy: `/etc/sevorix/policies.d/NAME.toml`.
    PolicyName
);
name!(
    /// The name of a preset: a list of hosts that the host's files define.
    PresetName
);
name!(
    /// The name of a container in its pod.
    ContainerName
);

impl PolicyName {
    /// The built-in policy of a pod's pause container.
    pub fn pause() -> Self {
        Self("pause".to_owned())
    }

    /// A policy file whose own name is none.
    pub(crate) fn unnamed() -> Self {
        Self("unnamed".to_owned())
    }

    /// `none` asks for a container that nothing guards.
    pub fn is_none(&self) -> bool {
        self.0 == "none"
    }
}

/// A name becomes part of a path and of a key, hence neither dots nor slashes.
fn check(text: &str) -> Result<(), Invalid> {
    let letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut bytes = text.bytes();
    let well_formed = bytes.next().is_some_and(letter_or_digit)
        && bytes.all(|byte| letter_or_digit(byte) || byte == b'-')
        && text.len() <= MAX_LENGTH;
    if well_formed {
        Ok(())
    } else {
        Err(Invalid::new(
            "is not a name",
            "a name is 1 to 63 of a-z, 0-9 and -, and does not begin with -",
        ))
    }
}

const MAX_LENGTH: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "a".repeat(63);
        for name in ["strict", "a", "0", "coding-agent-2", "a-", &longest] {
            assert_eq!(name.parse::<PolicyName>().expect(name).as_str(), name);
        }
        let too_long = "a".repeat(64);
        for name in [
            "", "-a", "A", "a.b", "../a", "a/b", "a b", "ä", "a_b", &too_long,
        ] {
            assert!(name.parse::<PolicyName>().is_err(), "{name}");
        }
    }
}
