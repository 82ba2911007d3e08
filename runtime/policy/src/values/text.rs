//! Free text: carried and shown, never parsed as a rule.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The most bytes it may have.
            pub const MAX: usize = $max;

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
                let text = bounded(text, Self::MAX)?;
                Ok(Self(text.to_owned()))
            }
        }
    };
}

text!(
    /// What the agent is for, in words: hashed into receipts and shown to jurors as data.
    Intent,
    4096
);
text!(
    /// The id or the name of an agent, for receipts.
    AgentLabel,
    128
);

fn bounded(text: &str, max: usize) -> Result<&str, Invalid> {
    refuse_hidden(text)?;
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Err(Invalid::new(
            "is empty",
            "remove the key, or give it a text",
        ));
    }
    if text.len() > max {
        return Err(Invalid::new(
            format!("has {} bytes, {max} are allowed", text.len()),
            "shorten the text",
        ));
    }
    Ok(text)
}

/// Refuses characters that a person who reads the text does not see, or sees in another place.
pub(super) fn refuse_hidden(text: &str) -> Result<(), Invalid> {
    match text.chars().find(|character| is_hidden(*character)) {
        None => Ok(()),
        Some(character) => Err(Invalid::new(
            format!("holds the control character {}", character.escape_unicode()),
            "remove the character",
        )),
    }
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{2028}' | '\u{2029}'                             // line and paragraph separators
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // change the direction of a line
            | '\u{feff}'                                        // byte order mark
            | '\u{e0000}'..='\u{e007f}'                         // invisible copies of ASCII, which models read
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_without_its_outer_blanks() {
        let intent: Intent = "  run the tests, then report: ünïcode ✓  "
            .parse()
            .expect("valid");
        assert_eq!(intent.as_str(), "run the tests, then report: ünïcode ✓");
    }

    #[test]
    fn text_is_bounded() {
        assert!("x".repeat(Intent::MAX).parse::<Intent>().is_ok());
        assert!("x".repeat(Intent::MAX + 1).parse::<Intent>().is_err());
        assert!("x".repeat(AgentLabel::MAX).parse::<AgentLabel>().is_ok());
        assert!(
            "x".repeat(AgentLabel::MAX + 1)
                .parse::<AgentLabel>()
                .is_err()
        );
    }

    #[test]
    fn empty_and_hidden_text_is_refused() {
        for text in [
            "",
            "   ",
            "a\nb",
            "a\0",
            "\t",
            "a\u{7f}",
            "a\u{9b}",
            "a\u{202e}b",
            "a\u{e0041}",
        ] {
            assert!(text.parse::<AgentLabel>().is_err(), "{text:?}");
        }
    }
}
