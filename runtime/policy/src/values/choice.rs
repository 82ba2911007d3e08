//! Values that are one word of a short list.

use super::Invalid;

macro_rules! choice {
    ($(#[$doc:meta])* pub $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$word_doc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::values::Invalid;

            fn from_str(text: &str) -> Result<Self, $crate::values::Invalid> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::values::none_of(text, &[$($word,)+])),
                }
            }
        }
    };
}
pub(crate) use choice;

choice! {
    /// What a denial does.
    pub Mode {
        /// Denials are errors.
        Enforce = "enforce",
        /// Denials are recorded and the action passes.
        Audit = "audit",
        /// As audit, and a policy is drafted from what was seen.
        Learn = "learn",
    }
}

choice! {
    /// The field of work; it gives bits 16-23 of the trust mask their meaning.
    pub Domain {
        General = "general",
        Maritime = "maritime",
        Logistics = "logistics",
        Ot = "ot",
        Finance = "finance",
    }
}

choice! {
    /// What happens to an action whose rule says "ask".
    pub VerdictMode {
        /// It is denied.
        Off = "off",
        /// It is put to the verdict service.
        Ask = "ask",
        /// It is put to the verdict service, and one juror more must agree.
        Quorum = "quorum",
    }
}

choice! {
    /// What `/run/sevorix/slm.sock` is inside the container.
    pub SlmMount {
        /// The socket of the container's own monitor.
        Monitor = "monitor",
        /// The host's socket.
        Host = "host",
        /// Nothing.
        None = "none",
    }
}

pub(crate) fn none_of(text: &str, words: &[&'static str]) -> Invalid {
    let hint = match nearest(text, words.iter().copied()) {
        Some(word) => format!("did you mean {word}"),
        None => format!("use one of {}", words.join(", ")),
    };
    Invalid::new(format!("is none of {}", words.join(", ")), hint)
}

/// The word that was probably meant: at most a third of its letters differ.
pub(crate) fn nearest<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text: String = text
        .chars()
        .take(MAX_COMPARED)
        .collect::<String>()
        .to_lowercase();
    words
        .into_iter()
        .map(|word| (strsim::osa_distance(&text, word), word))
        .filter(|(distance, word)| distance * 3 <= word.len().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// The comparison is quadratic, and the text is the caller's.
const MAX_COMPARED: usize = 128;

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::str::FromStr;

    use super::*;

    #[test]
    fn every_word_parses_to_what_prints_it() {
        fn check<T: FromStr + fmt::Display + PartialEq + Copy + fmt::Debug>(all: &[T]) {
            for value in all {
                assert_eq!(value.to_string().parse().ok(), Some(*value));
            }
        }
        check(Mode::ALL);
        check(Domain::ALL);
        check(VerdictMode::ALL);
        check(SlmMount::ALL);
    }

    #[test]
    fn another_word_is_refused_with_the_nearest_one() {
        let hint = |text: &str| Mode::from_str(text).expect_err(text).hint;
        assert_eq!(hint("enforced"), "did you mean enforce");
        assert_eq!(hint("Enforce"), "did you mean enforce");
        assert_eq!(hint(""), "use one of enforce, audit, learn");
        assert_eq!(hint("permissive"), "use one of enforce, audit, learn");
        assert_eq!(
            hint(&"x".repeat(100_000)),
            "use one of enforce, audit, learn"
        );
    }
}
