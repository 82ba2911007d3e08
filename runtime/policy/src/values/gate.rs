//! The limits of the gate: how many violations in how long a time close it further.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::choice::choice;
use super::{Invalid, list, number};

choice! {
    /// How far the gate is closed.
    pub GateStep {
        Throttle = "throttle",
        Crack = "crack",
        Lock = "lock",
    }
}

/// The limits that were asked for; a step that is not named keeps the policy's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateLimits {
    pub throttle: Option<Window>,
    pub crack: Option<Window>,
    pub lock: Option<Window>,
}

/// So many violations within so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub count: NonZeroU32,
    pub seconds: NonZeroU32,
}

impl GateLimits {
    pub fn get(&self, step: GateStep) -> Option<Window> {
        match step {
            GateStep::Throttle => self.throttle,
            GateStep::Crack => self.crack,
            GateStep::Lock => self.lock,
        }
    }

    fn slot(&mut self, step: GateStep) -> &mut Option<Window> {
        match step {
            GateStep::Throttle => &mut self.throttle,
            GateStep::Crack => &mut self.crack,
            GateStep::Lock => &mut self.lock,
        }
    }
}

impl fmt::Display for GateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for step in GateStep::ALL {
            if let Some(Window { count, seconds }) = self.get(*step) {
                write!(f, "{comma}{step}={count}/{seconds}s")?;
                comma = ",";
            }
        }
        Ok(())
    }
}

impl FromStr for GateLimits {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut limits = Self::default();
        for part in list::elements_of(text)? {
            let (step, window) = limit(part).map_err(|invalid| invalid.in_part(part))?;
            if limits.slot(step).replace(window).is_some() {
                return Err(
                    Invalid::new("limits a step twice", "name each step once").in_part(part)
                );
            }
        }
        Ok(limits)
    }
}

impl FromStr for Window {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let positive = |text| number::decimal(text).and_then(NonZeroU32::new);
        let window = text.split_once('/').and_then(|(count, time)| {
            Some(Self {
                count: positive(count)?,
                seconds: positive(time.strip_suffix('s')?)?,
            })
        });
        window.ok_or_else(|| Invalid::new("is not a count within a time", FORM))
    }
}

fn limit(part: &str) -> Result<(GateStep, Window), Invalid> {
    let (step, window) = part
        .split_once('=')
        .ok_or_else(|| Invalid::new("is not a limit", FORM))?;
    Ok((step.parse()?, window.parse()?))
}

const FORM: &str = "write it as throttle=3/60s,crack=6/60s,lock=10/300s";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        for text in ["throttle=3/60s,crack=6/60s,lock=10/300s", "lock=1/1s"] {
            assert_eq!(text.parse::<GateLimits>().expect(text).to_string(), text);
        }
        let limits: GateLimits = "lock=10/300s, throttle=3/60s".parse().expect("valid");
        assert_eq!(limits.to_string(), "throttle=3/60s,lock=10/300s");
        assert_eq!(limits.get(GateStep::Crack), None);
        for text in [
            "",
            "throttle",
            "throttle=",
            "throttle=3",
            "throttle=3/60",
            "throttle=3/60m",
            "throttle=0/60s",
            "throttle=3/0s",
            "throttle=-3/60s",
            "throttle = 3/60s",
            "shut=1/1s",
            "throttle=3/60s,",
            "throttle=3/60s,throttle=4/60s",
            "throttle=3/60s/1",
        ] {
            assert!(text.parse::<GateLimits>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_mistyped_step_is_named() {
        let invalid = "trottle=3/60s".parse::<GateLimits>().expect_err("typo");
        assert_eq!(invalid.hint, "did you mean throttle");
    }
}
