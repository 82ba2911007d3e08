//! What was promised, held against what was counted.

use std::collections::HashMap;

use crate::Result;

/// By who did what.
pub struct Medians(HashMap<(String, String), i64>);

/// What somebody pays for an operation beyond what somebody else does.
struct Promise {
    what: &'static str,
    operation: &'static str,
    who: &'static str,
    beside: &'static str,
    limit: Limit,
}

enum Limit {
    Instructions(i64),
    /// Of the operation beside, in thousandths.
    PerMille(i64),
    /// Told, and not promised.
    None,
}

const fn promise(
    what: &'static str,
    operation: &'static str,
    who: &'static str,
    beside: &'static str,
    limit: Limit,
) -> Promise {
    Promise {
        what,
        operation,
        who,
        beside,
        limit,
    }
}

const PROMISES: [Promise; 19] = [
    promise(
        "a stranger's open",
        "open warm 5",
        "stranger",
        "empty",
        Limit::Instructions(150),
    ),
    promise(
        "a stranger's open, in a deep cgroup",
        "open warm 5",
        "stranger, deep",
        "empty",
        Limit::Instructions(150),
    ),
    promise(
        "a stranger's connect",
        "connect warm",
        "stranger",
        "empty",
        Limit::Instructions(150),
    ),
    promise(
        "a stranger's exec",
        "exec",
        "stranger",
        "empty",
        Limit::PerMille(5),
    ),
    promise(
        "warm open, depth 5",
        "open warm 5",
        "agent, every level",
        "empty",
        Limit::Instructions(301),
    ),
    promise(
        "warm open, depth 10",
        "open warm 10",
        "agent, every level",
        "empty",
        Limit::None,
    ),
    promise(
        "cold open, depth 5, rules on every level",
        "open cold 5",
        "agent, every level",
        "empty",
        Limit::None,
    ),
    promise(
        "cold open, depth 10, rules on every level",
        "open cold 10",
        "agent, every level",
        "empty",
        Limit::Instructions(2600),
    ),
    promise(
        "cold open, depth 10, rules on the first four",
        "open cold 10",
        "agent, upper levels",
        "empty",
        Limit::Instructions(2600),
    ),
    promise(
        "warm open on overlay, depth 5",
        "open warm 5",
        "agent, overlay",
        "empty, overlay",
        Limit::None,
    ),
    promise(
        "cold open on overlay, depth 5",
        "open cold 5",
        "agent, overlay",
        "empty, overlay",
        Limit::None,
    ),
    promise(
        "cold open on overlay, depth 10",
        "open cold 10",
        "agent, overlay",
        "empty, overlay",
        Limit::None,
    ),
    promise(
        "exec",
        "exec",
        "agent, every level",
        "empty",
        Limit::PerMille(10),
    ),
    promise(
        "exec, strict on code",
        "exec",
        "agent, strict on code",
        "empty",
        Limit::PerMille(10),
    ),
    promise(
        "warm connect",
        "connect warm",
        "agent, every level",
        "empty, inside",
        Limit::Instructions(600),
    ),
    promise(
        "cold connect",
        "connect cold",
        "agent, every level",
        "empty, inside",
        Limit::None,
    ),
    promise(
        "warm connect under 100,000 prefixes",
        "connect warm",
        "agent, long list",
        "empty, inside",
        Limit::Instructions(600),
    ),
    promise(
        "cold connect under 100,000 prefixes",
        "connect cold",
        "agent, long list",
        "empty, inside",
        Limit::None,
    ),
    promise(
        "an empty program on a cgroup, at its connect",
        "connect warm",
        "empty, inside",
        "nothing",
        Limit::None,
    ),
];

impl Medians {
    pub fn parse(rows: &str) -> Result<Self> {
        let mut all = HashMap::new();
        for row in rows.lines() {
            let fields: Vec<&str> = row.split('\t').collect();
            let [who, what, _, median] = fields[..] else {
                return Err(format!("no row of costs: {row}").into());
            };
            all.insert((who.into(), what.into()), median.parse()?);
        }
        Ok(Self(all))
    }

    pub fn of(&self, who: &str, what: &str) -> Result<i64> {
        let found = self.0.get(&(who.to_owned(), what.to_owned()));
        found
            .copied()
            .ok_or_else(|| format!("{what} of {who} was not counted").into())
    }

    /// Prints the table. How many promises are broken.
    pub fn hold(&self) -> Result<usize> {
        let mut broken = 0;
        println!("| | beside | more | promise | |\n|---|---|---|---|---|");
        for promise in &PROMISES {
            let beside = self.of(promise.beside, promise.operation)?;
            let more = self.of(promise.who, promise.operation)? - beside;
            let (told, holds) = promise.limit.judge(more, beside);
            let verdict = match holds {
                None => "",
                Some(true) => "holds",
                Some(false) => "BROKEN",
            };
            broken += usize::from(holds == Some(false));
            println!(
                "| {} | {beside} | {more} | {told} | {verdict} |",
                promise.what
            );
        }
        Ok(broken)
    }

    /// The machine itself must not have moved by more than one in a hundred, or nothing was measured.
    pub fn check_still(&self, first: &str, last: &str, operations: &[&str]) -> Result<()> {
        for what in operations {
            let (one, other) = (self.of(first, what)?, self.of(last, what)?);
            if (one - other).abs() * 100 > one {
                return Err(format!(
                    "{what} of {first} took {one} at first and {other} in the end"
                )
                .into());
            }
        }
        Ok(())
    }
}

impl Limit {
    fn judge(&self, more: i64, beside: i64) -> (String, Option<bool>) {
        match self {
            Self::Instructions(most) => (format!("<= {most}"), Some(more <= *most)),
            Self::PerMille(most) => (
                format!("<= {}.{} %", most / 10, most % 10),
                Some(more * 1000 <= beside * most),
            ),
            Self::None => ("-".into(), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_up_to_itself() {
        assert_eq!(Limit::Instructions(150).judge(150, 0).1, Some(true));
        assert_eq!(Limit::Instructions(150).judge(151, 0).1, Some(false));
        assert_eq!(
            Limit::PerMille(5).judge(5, 1000),
            ("<= 0.5 %".into(), Some(true))
        );
        assert_eq!(Limit::PerMille(5).judge(6, 1000).1, Some(false));
        assert_eq!(Limit::None.judge(1_000_000, 1).1, None);
    }

    #[test]
    fn a_machine_that_moved_is_told() {
        let rows = "empty\topen warm 5\t90\t1000\nagain\topen warm 5\t90\t1011\n";
        let medians = Medians::parse(rows).expect("rows");
        assert!(
            medians
                .check_still("empty", "again", &["open warm 5"])
                .is_err()
        );
        assert!(
            medians
                .check_still("empty", "empty", &["open warm 5"])
                .is_ok()
        );
        assert!(medians.of("nobody", "exec").is_err());
    }
}
