//! `doctor`: what the kernel floor needs of this host, one line each, with what mends it.

use std::ffi::OsString;

use serde_json::{Value, json};
use sevorix_container::floor::{Check, Facts, Standing};

use super::{alone, print};
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::options;

options! {
    /// tell what this host can enforce, and how to mend what it cannot
    pub struct Doctor("doctor", "") {
        /// print JSON
        json: bool,
    }
}

pub fn run(_: &Globals, words: &[OsString]) -> Result<u8> {
    let options = alone::<Doctor>(words)?;
    let checks = Facts::of_this_host().checks();
    let able = able(&checks);
    let text = if options.json {
        format!("{}\n", super::pretty(&as_json(&checks))?)
    } else {
        let lines: String = checks.iter().map(line).collect();
        format!("{lines}{}\n", sentence(able))
    };
    print(&text)?;
    Ok(u8::from(!able))
}

fn able(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.state != Standing::Missing)
}

fn line(check: &Check) -> String {
    let sign = match check.state {
        Standing::Good => '✓',
        Standing::Advice => '!',
        Standing::Missing => '✗',
    };
    let fix = check.fix.as_deref();
    let fix = fix
        .map(|fix| format!("\n  mend: {fix}"))
        .unwrap_or_default();
    format!("{sign} {:20} {}{fix}\n", check.name, check.found)
}

fn sentence(able: bool) -> &'static str {
    if able {
        "This host can enforce: exec file net"
    } else {
        "This host can enforce: nothing; a container that asks for a policy is refused"
    }
}

fn as_json(checks: &[Check]) -> Value {
    let enforces: &[&str] = if able(checks) {
        &["exec", "file", "net"]
    } else {
        &[]
    };
    let checks = checks.iter().map(|check| {
        let state = match check.state {
            Standing::Good => "good",
            Standing::Advice => "advice",
            Standing::Missing => "missing",
        };
        json!({"name": check.name, "state": state, "found": check.found, "fix": check.fix})
    });
    json!({"schema": "sevorix.doctor/1", "enforces": enforces, "checks": checks.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: Standing, fix: Option<&str>) -> Check {
        Check {
            name: "thing",
            state,
            found: "as it is".into(),
            fix: fix.map(String::from),
        }
    }

    #[test]
    fn what_is_missing_is_told_with_its_fix() {
        let told = line(&check(Standing::Missing, Some("mount it")));
        assert_eq!(told, "✗ thing                as it is\n  mend: mount it\n");
        assert_eq!(
            line(&check(Standing::Good, None)),
            "✓ thing                as it is\n"
        );
    }

    #[test]
    fn advice_stops_nothing() {
        let advice = [check(Standing::Good, None), check(Standing::Advice, None)];
        assert!(able(&advice));
        assert_eq!(as_json(&advice)["enforces"], json!(["exec", "file", "net"]));
        let missing = [check(Standing::Missing, None)];
        assert!(!able(&missing));
        assert_eq!(as_json(&missing)["enforces"], json!([]));
    }
}
