//! `doctor`: what the kernel floor needs of this host, one line each, with what mends it.

use std::ffi::OsString;

use serde_json::{Value, json};
use sevorix_container::floor::{Check, Facts, NEVER_HELD, Standing};

use super::{alone, print};
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::options;
use crate::policy::folders;

options! {
    /// tell what this host can enforce, and how to mend what it cannot
    pub struct Doctor("doctor", "") {
        /// print JSON
        json: bool,
    }
}

pub fn run(_: &Globals, words: &[OsString]) -> Result<u8> {
    let options = alone::<Doctor>(words)?;
    let facts = Facts::of_this_host();
    let checks = facts.checks();
    let host = Host {
        able: able(&checks),
        rest: facts.below_degraded(),
        allowed: folders(None).config()?.degraded,
    };
    let text = if options.json {
        format!("{}\n", super::pretty(&as_json(&checks, &host))?)
    } else {
        let lines: String = checks.iter().map(line).collect();
        format!("{lines}{}\n", host.sentence())
    };
    print(&text)?;
    Ok(u8::from(!host.able))
}

/// What the checks come to.
struct Host {
    able: bool,
    /// what is missing even for the layers that are left without LSM programs
    rest: Option<Check>,
    /// the configuration lets containers start under these
    allowed: bool,
}

impl Host {
    fn sentence(&self) -> String {
        let nothing =
            "This host can enforce: nothing; a container that asks for a policy is refused";
        match (&self.rest, self.allowed) {
            _ if self.able => "This host can enforce: exec file net".into(),
            (Some(rest), _) => format!("{nothing}. Degraded, too: {}", rest.found),
            (None, allowed) => {
                let holds = format!("{}; {NOT_DEGRADED}: {}", DEGRADED, NEVER_HELD.join(", "));
                match allowed {
                    true => format!("This host can enforce, degraded: {holds}"),
                    false => format!(
                        "{nothing}. With degraded = true in [floor] of config.toml it would hold: {holds}"
                    ),
                }
            }
        }
    }

    fn enforces(&self) -> &'static [&'static str] {
        if self.able {
            &["exec", "file", "net"]
        } else {
            &[]
        }
    }
}

/// As `create` measures it, rule by rule.
const DEGRADED: &str = "net by address and port, files and the start of programs by allowed folders (Landlock), system calls (seccomp)";
const NOT_DEGRADED: &str =
    "not names, not what is denied inside an allowed folder, not code that is mapped, and not";

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

fn as_json(checks: &[Check], host: &Host) -> Value {
    let checks = checks.iter().map(|check| {
        let state = match check.state {
            Standing::Good => "good",
            Standing::Advice => "advice",
            Standing::Missing => "missing",
        };
        json!({"name": check.name, "state": state, "found": check.found, "fix": check.fix})
    });
    json!({
        "schema": "sevorix.doctor/1",
        "enforces": host.enforces(),
        "degraded": {"possible": !host.able && host.rest.is_none(), "allowed": host.allowed},
        "checks": checks.collect::<Vec<_>>(),
    })
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

    fn host(able: bool, rest: Option<Check>, allowed: bool) -> Host {
        Host {
            able,
            rest,
            allowed,
        }
    }

    #[test]
    fn advice_stops_nothing() {
        let advice = [check(Standing::Good, None), check(Standing::Advice, None)];
        assert!(able(&advice));
        let able_host = host(able(&advice), None, false);
        let told = as_json(&advice, &able_host);
        assert_eq!(told["enforces"], json!(["exec", "file", "net"]));
        assert_eq!(told["degraded"]["possible"], json!(false));
        let missing = [check(Standing::Missing, None)];
        assert!(!able(&missing));
        let told = as_json(&missing, &host(false, None, true));
        assert_eq!(told["enforces"], json!([]));
        assert_eq!(told["degraded"], json!({"possible": true, "allowed": true}));
    }

    #[test]
    fn the_last_sentence_says_what_holds() {
        assert_eq!(
            host(true, None, true).sentence(),
            "This host can enforce: exec file net"
        );
        let shut = host(false, None, false).sentence();
        assert!(shut.contains("nothing; a container") && shut.contains("degraded = true"));
        let degraded = host(false, None, true).sentence();
        assert!(degraded.starts_with("This host can enforce, degraded: net"));
        assert!(degraded.contains("floor.signals-and-tracing"));
        let neither = host(false, Some(check(Standing::Missing, None)), true).sentence();
        assert!(neither.ends_with("Degraded, too: as it is"));
    }
}
