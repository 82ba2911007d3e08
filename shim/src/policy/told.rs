//! A judgement in words, and as JSON.

use serde_json::{Value, json};
use sevorix_policy::{Act, Action, Judgement, LINE_MOST, Policy, Reason, RuleId};

/// One line with the decision and its rule, one for each rule that was beaten, one with the way out.
pub fn text(policy: &Policy, act: &Act, judgement: &Judgement) -> String {
    let errno = judgement
        .refusal
        .map_or(String::new(), |refusal| format!(" {}", refusal.as_str()));
    let audit = if judgement.audit {
        " (on trial: reported and let through)"
    } else {
        ""
    };
    let origin = origin(policy, &judgement.rule);
    let mut text = format!(
        "{}{errno}  {}  {}  ({origin}){audit}\n",
        judgement.action, judgement.rule, judgement.reason
    );
    for beaten in &judgement.beaten {
        let place =
            place(policy, &beaten.rule).map_or(String::new(), |place| format!("  ({place})"));
        text += &format!("  beats {}  {}{place}\n", beaten.action, beaten.rule);
    }
    if let Some(hint) = hint(act, judgement) {
        text += &format!("hint: {hint}\n");
    }
    text
}

/// The same for programs.
pub fn json(policy: &Policy, act: &Act, judgement: &Judgement) -> Value {
    let beaten = judgement.beaten.iter().map(|beaten| {
        json!({
            "rule": beaten.rule.as_str(),
            "action": beaten.action.as_str(),
            "place": place(policy, &beaten.rule),
        })
    });
    json!({
        "schema": "sevorix.explain/1",
        "op": act.op(),
        "result": judgement.action.as_str(),
        "audit": judgement.audit,
        "errno": judgement.refusal.map(|refusal| refusal.as_str()),
        "rule": judgement.rule.as_str(),
        "reason": judgement.reason.as_str(),
        "policy": policy.name.as_str(),
        "place": place(policy, &judgement.rule),
        "beaten": beaten.collect::<Vec<_>>(),
        "hint": hint(act, judgement),
    })
}

/// The line a rule stands in.
pub fn place(policy: &Policy, rule: &RuleId) -> Option<String> {
    policy.places.get(rule).map(ToString::to_string)
}

fn origin(policy: &Policy, rule: &RuleId) -> String {
    let name = format!("policy {}", policy.name);
    match place(policy, rule) {
        Some(place) => format!("{name}, {place}"),
        None if rule.as_str().starts_with("annotation.") => {
            format!("{name}, narrowed by the container's annotations")
        }
        None => format!("{name}, which does not say otherwise"),
    }
}

fn hint(act: &Act, judgement: &Judgement) -> Option<String> {
    if judgement.action == Action::Allow {
        return name_only(act)
            .then(|| "the addresses that the name resolves to are judged, too".to_owned());
    }
    let section = match act {
        Act::Exec { .. } | Act::MapExec { .. } | Act::WritableCode => "[exec]",
        Act::Connect(_) | Act::Send(_) => "[net]",
        _ => "[file]",
    };
    match judgement.reason {
        Reason::NoMatch => Some(format!(
            "no rule of {section} names it; one that does decides instead of the default"
        )),
        Reason::Never => Some("the host's [never] list holds whatever the policy says".to_owned()),
        Reason::OutOfReach => Some(
            "at the two ends other rules hold; a copy is judged by the rules of its new place"
                .to_owned(),
        ),
        Reason::Match => Some("an exception is written into this rule, with unless".to_owned()),
        Reason::Written => {
            Some("the container wrote or created the file; exec.writable decides".to_owned())
        }
        Reason::TooLong => Some(format!(
            "a rule on argv could apply, and only {LINE_MOST} bytes of a command line are judged"
        )),
        Reason::Setting => None,
    }
}

fn name_only(act: &Act) -> bool {
    match act {
        Act::Connect(to) | Act::Send(to) => to.address.is_none(),
        _ => false,
    }
}
