//! Which of several rules decides.
//!
//! The strictest one that is enforced; the default only where none speaks. Where that lets the
//! action through, the strictest rule on trial (`audit`) is reported instead. In audit mode every
//! refusal is on trial, those of `never` apart.

use crate::model::{Action, RuleId};

/// One rule that speaks of an action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice<'a> {
    pub rule: &'a RuleId,
    pub action: Action,
    pub audit: bool,
    pub never: bool,
}

/// What a class says of an action; `rule` is `None` where only the default does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weighed<'a> {
    pub action: Action,
    pub audit: bool,
    pub rule: Option<&'a RuleId>,
}

impl<'a> Weighed<'a> {
    /// Nothing said.
    pub const SILENT: Self = Self {
        action: Action::Allow,
        audit: false,
        rule: None,
    };

    fn of(voice: Voice<'a>) -> Self {
        Self {
            action: voice.action,
            audit: voice.audit,
            rule: Some(voice.rule),
        }
    }

    fn default(action: Action) -> Self {
        Self {
            action,
            audit: false,
            rule: None,
        }
    }
}

/// The voices on one action, in the order of their lists. `default` is `None` where silence is no answer.
pub(crate) fn weigh<'a>(
    voices: &[Voice<'a>],
    default: Option<Action>,
    audit_mode: bool,
) -> Weighed<'a> {
    if !audit_mode {
        return strictest(voices, default);
    }
    if let Some(never) = voices.iter().find(|voice| voice.never) {
        return Weighed::of(*never);
    }
    let weighed = strictest(voices, default);
    Weighed {
        audit: weighed.action != Action::Allow,
        ..weighed
    }
}

fn strictest<'a>(voices: &[Voice<'a>], default: Option<Action>) -> Weighed<'a> {
    let of = |audit| first_strictest(voices.iter().filter(move |voice| voice.audit == audit));
    let enforced = of(false).map(Weighed::of).or(default.map(Weighed::default));
    let on_trial = of(true)
        .filter(|voice| voice.action != Action::Allow)
        .map(Weighed::of);
    match enforced {
        Some(enforced) if !enforced.lets_through() => enforced,
        Some(enforced) => on_trial.unwrap_or(enforced),
        None => on_trial.unwrap_or(Weighed::SILENT),
    }
}

/// Of equals the first: `max_by_key` would take the last.
fn first_strictest<'a, 'v>(
    voices: impl DoubleEndedIterator<Item = &'v Voice<'a>>,
) -> Option<Voice<'a>>
where
    'a: 'v,
{
    voices.rev().max_by_key(|voice| voice.action).copied()
}

/// What the place of an object and its name say together: the default only where both are silent, else the stricter,
/// of equals the place's.
pub(crate) fn join<A: Joined>(place: A, name: A) -> A {
    if name.is_default() {
        return place;
    }
    if place.is_default() {
        let name_decides = !name.on_trial() || place.lets_through();
        return if name_decides { name } else { place };
    }
    stricter(place, name)
}

/// What refuses before what lets through; of equals the first.
pub(crate) fn stricter<A: Joined>(first: A, second: A) -> A {
    match (first.lets_through(), second.lets_through()) {
        (true, false) => second,
        (false, true) => first,
        _ if second.action() > first.action() => second,
        _ => first,
    }
}

/// What `join` has to know of an answer.
pub(crate) trait Joined: Copy {
    fn action(self) -> Action;
    fn on_trial(self) -> bool;
    fn is_default(self) -> bool;

    fn lets_through(self) -> bool {
        self.action() == Action::Allow || self.on_trial()
    }

    /// What an object takes along when it is renamed: how it is refused, and whether by a rule (a default may be lifted
    /// by a rule on names).
    fn carried(self) -> Option<(Action, bool)> {
        (!self.lets_through()).then(|| (self.action(), !self.is_default()))
    }
}

impl Joined for Weighed<'_> {
    fn action(self) -> Action {
        self.action
    }

    fn on_trial(self) -> bool {
        self.audit
    }

    fn is_default(self) -> bool {
        self.rule.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(voices: &[(&str, Action, bool, bool)], default: Option<Action>, mode: bool) -> String {
        let ids: Vec<RuleId> = voices
            .iter()
            .map(|voice| RuleId::setting(voice.0))
            .collect();
        let voices: Vec<Voice> = voices
            .iter()
            .zip(&ids)
            .map(|((_, action, audit, never), rule)| Voice {
                rule,
                action: *action,
                audit: *audit,
                never: *never,
            })
            .collect();
        let weighed = weigh(&voices, default, mode);
        let rule = weighed.rule.map_or("default", RuleId::as_str);
        let audit = if weighed.audit { " audit" } else { "" };
        format!("{} {rule}{audit}", weighed.action)
    }

    #[test]
    fn the_strictest_rule_wins_and_the_default_counts_only_in_silence() {
        use Action::{Allow, Ask, Deny, Kill};
        for (voices, default, said) in [
            (&[][..], Deny, "deny default"),
            (&[("a", Allow, false, false)], Deny, "allow a"),
            (
                &[("a", Allow, false, false), ("b", Ask, false, false)],
                Deny,
                "ask b",
            ),
            (
                &[("a", Deny, false, false), ("b", Deny, false, false)],
                Allow,
                "deny a",
            ),
            (
                &[("a", Deny, false, true), ("b", Kill, false, false)],
                Allow,
                "kill b",
            ),
            (&[("a", Kill, true, false)], Deny, "deny default"),
            (&[("a", Kill, true, false)], Allow, "kill a audit"),
            (
                &[("a", Kill, true, false), ("b", Allow, false, false)],
                Deny,
                "kill a audit",
            ),
            (
                &[("a", Kill, true, false), ("b", Ask, false, false)],
                Allow,
                "ask b",
            ),
            (&[("a", Allow, true, false)], Deny, "deny default"),
        ] {
            assert_eq!(told(voices, Some(default), false), said);
        }
    }

    #[test]
    fn in_audit_mode_only_never_holds() {
        use Action::{Allow, Deny, Kill};
        for (voices, default, said) in [
            (&[][..], Deny, "deny default audit"),
            (&[("a", Allow, false, false)], Deny, "allow a"),
            (
                &[("a", Kill, false, false), ("n", Deny, false, true)],
                Allow,
                "deny n",
            ),
            (&[("a", Kill, false, false)], Allow, "kill a audit"),
        ] {
            assert_eq!(told(voices, Some(default), true), said);
        }
    }

    #[test]
    fn a_name_and_a_place_are_joined_by_the_stricter() {
        let (a, b) = (RuleId::setting("place"), RuleId::setting("name"));
        let answer = |action, audit, rule| Weighed {
            action,
            audit,
            rule,
        };
        use Action::{Allow, Deny};
        let (place, name) = (Some(&a), Some(&b));
        for (first, second, winner) in [
            (answer(Deny, false, None), Weighed::SILENT, None),
            (answer(Deny, false, None), answer(Allow, false, name), name),
            (
                answer(Deny, false, place),
                answer(Allow, false, name),
                place,
            ),
            (answer(Allow, false, place), answer(Deny, false, name), name),
            (answer(Deny, false, place), answer(Deny, false, name), place),
            (answer(Deny, false, None), answer(Deny, true, name), None),
            (answer(Allow, false, None), answer(Deny, true, name), name),
            (
                answer(Action::Kill, true, place),
                answer(Deny, false, name),
                name,
            ),
        ] {
            assert_eq!(join(first, second).rule, winner, "{first:?} {second:?}");
        }
    }
}
