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

/// `250ms`, `2s`, `5m`, `1h`; never nothing.
pub(crate) fn duration(text: &str) -> Result<Duration, Invalid> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let number = decimal(number).filter(|number| *number > 0);
    number
        .zip(milliseconds)
        .map(|(number, unit)| Duration::from_millis(u64::from(number) * unit))
        .ok_or_else(|| Invalid::new("is not a time", "write it as 250ms, 2s, 5m or 1h"))
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
    fn a_time_has_a_unit() {
        for (text, seconds) in [("2s", 2), ("5m", 300), ("1h", 3600), ("3000ms", 3)] {
            assert_eq!(duration(text).expect(text), Duration::from_secs(seconds));
        }
        for text in ["", "2", "s", "0s", "-1s", "1.5s", "2 s", "1d", "2sm", "02s"] {
            assert!(duration(text).is_err(), "{text}");
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
