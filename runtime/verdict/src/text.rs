//! Short texts with a limit, so that no field of a message can hold a book.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// 1 to 128 printable ASCII characters without a blank: a rule's id, a container's, a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Label(String);

/// 1 to 64 lower-case letters, digits and dashes: why, in a word.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(String);

/// A text that is not of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongText(&'static str);

impl Label {
    pub fn new(text: impl Into<String>) -> Result<Self, WrongText> {
        let text = text.into();
        let fits =
            (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(Self(text)).ok_or(WrongText(
            "a name is 1 to 128 printable ASCII characters without a blank",
        ))
    }
}

impl Code {
    pub fn new(text: impl Into<String>) -> Result<Self, WrongText> {
        let text = text.into();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(plain);
        fits.then_some(Self(text)).ok_or(WrongText(
            "a code is 1 to 64 lower-case letters, digits and dashes",
        ))
    }
}

macro_rules! text {
    ($($name:ident)*) => { $(
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

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = WrongText;

            fn from_str(text: &str) -> Result<Self, WrongText> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    )* };
}

text! { Label Code }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_blank_and_an_end() {
        assert!(Label::new("net.rules[3]").is_ok());
        for wrong in ["", "a b", "a\n", "ä", "\u{1b}[0m", &"a".repeat(129)] {
            assert!(Label::new(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_code_is_one_word() {
        assert!(Code::new("wrong-digest").is_ok());
        for wrong in ["", "Deny", "a b", "a_b", &"a".repeat(65)] {
            assert!(Code::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
