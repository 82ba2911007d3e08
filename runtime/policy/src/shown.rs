//! Text that a caller chose, made safe to repeat in an error.
//!
//! Docker and Podman read exit codes out of error texts ("permission denied" means 126), and
//! terminals obey control sequences. Every such phrase holds a blank, so text of a caller is shown
//! without one: a blank becomes `\x20`, everything outside printable ASCII its escape.

use std::fmt;

/// A caller's text in a form that no engine and no terminal can misread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// A value: always in quotes, cut after 64 characters.
    pub fn value(text: &str) -> Self {
        let mut shown = String::from("\"");
        let mut rest = text.chars();
        for character in rest.by_ref().take(MAX_CHARACTERS) {
            push_escaped(&mut shown, character);
        }
        shown.push('"');
        if rest.next().is_some() {
            shown.push_str("...");
        }
        Self(shown)
    }

    /// A key: bare when it looks like one, else as a value.
    pub fn key(text: &str) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        if !text.is_empty() && text.len() <= MAX_KEY && text.bytes().all(plain) {
            Self(text.to_owned())
        } else {
            Self::value(text)
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn push_escaped(shown: &mut String, character: char) {
    match character {
        '"' | '\\' => shown.extend(['\\', character]),
        ' ' => shown.push_str("\\x20"),
        _ if character.is_ascii_graphic() => shown.push(character),
        _ => shown.extend(character.escape_default()),
    }
}

const MAX_CHARACTERS: usize = 64;
const MAX_KEY: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_controls_never_survive() {
        let shown = Shown::value("Permission denied\n\u{1b}[31m\u{202e}\"\\");
        assert_eq!(
            shown.to_string(),
            r#""Permission\x20denied\n\u{1b}[31m\u{202e}\"\\""#
        );
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let shown = Shown::value(&"x".repeat(65)).to_string();
        assert_eq!(shown, format!("\"{}\"...", "x".repeat(64)));
        assert!(!Shown::value(&"x".repeat(64)).to_string().ends_with("..."));
    }

    #[test]
    fn a_key_is_bare_only_when_it_looks_like_one() {
        assert_eq!(Shown::key("io.sevorix.net").to_string(), "io.sevorix.net");
        assert_eq!(Shown::key("a b").to_string(), r#""a\x20b""#);
        assert_eq!(Shown::key("").to_string(), "\"\"");
    }
}
