//! Whole numbers, written one way only.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use super::Invalid;

/// Decimal digits: no sign, no leading zero (which some read as octal), no blank.
pub(super) fn decimal(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let one_spelling = text == "0" || !text.starts_with('0');
    (digits && one_spelling)
        .then(|| text.parse().ok())
        .flatten()
}

/// How long an action waits for its verdict; at the end it is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerdictTimeout(NonZeroU32);

impl VerdictTimeout {
    pub fn as_duration(self) -> Duration {
        Duration::from_millis(self.0.get().into())
    }
}

impl fmt::Display for VerdictTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for VerdictTimeout {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        decimal(text)
            .and_then(NonZeroU32::new)
            .map(Self)
            .ok_or_else(|| {
                Invalid::new(
                    "is not a number of milliseconds",
                    "write a whole number above 0, as in 2000",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("4294967295"), Some(u32::MAX));
        for text in [
            "",
            "+1",
            "-1",
            " 1",
            "1 ",
            "01",
            "00",
            "1_000",
            "4294967296",
            "1e3",
            "٣",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn a_timeout_is_above_zero() {
        let timeout: VerdictTimeout = "2000".parse().expect("valid");
        assert_eq!(timeout.as_duration(), Duration::from_secs(2));
        assert_eq!(timeout.to_string(), "2000");
        for text in ["0", "2s", "-1", "1.5", ""] {
            assert!(text.parse::<VerdictTimeout>().is_err(), "{text}");
        }
    }
}
