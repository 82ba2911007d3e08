//! The reference decision and the compiled image never disagree. `PROPTEST_CASES` asks for more cases.

mod generate;

use generate::{act, folder_rename, open_policy, path, policy};
use proptest::collection::vec;
use proptest::prelude::*;
use sevorix_policy::{
    Act, Action, Components, Decision, Image, Judgement, Policy, PortSet, Reason, compile, judge,
};

fn image(policy: &Policy) -> Image {
    compile(policy).expect("small")
}

/// Of what is out of reach the image knows that it is, not which rule it was.
fn agree(image: &Image, judgement: &Judgement, decision: Decision) -> bool {
    let rule = &image.rules[usize::from(decision.answer.rule)];
    let named = match judgement.reason {
        Reason::OutOfReach => true,
        _ if decision.answer.rule == 0 => judgement.rule.as_str().ends_with(".default"),
        _ => *rule == judgement.rule,
    };
    let same = (judgement.action, judgement.audit, judgement.refusal)
        == (
            decision.answer.action,
            decision.answer.audit,
            decision.refusal,
        );
    let nothing_asked = judgement.reason == Reason::Setting && judgement.action == Action::Allow;
    same && (named || nothing_asked)
}

fn joined(folder: &Components, inner: &Components) -> Components {
    [&folder[..], &inner[..]].concat()
}

proptest! {
    #[test]
    fn judge_and_image_agree(policy in policy(), acts in vec(act(), 16)) {
        let image = image(&policy);
        for act in acts {
            let (judgement, decision) = (judge(&policy, &act), image.decide(&act));
            prop_assert!(agree(&image, &judgement, decision), "{act:?}\n{judgement:?}\n{decision:?}");
        }
    }

    #[test]
    fn they_agree_on_what_a_folder_carries(policy in open_policy(), acts in vec(folder_rename(), 32)) {
        let image = image(&policy);
        for act in acts {
            let (judgement, decision) = (judge(&policy, &act), image.decide(&act));
            prop_assert!(agree(&image, &judgement, decision), "{act:?}\n{judgement:?}\n{decision:?}");
        }
    }

    #[test]
    fn what_was_moved_is_treated_as_before(
        policy in prop_oneof![policy().boxed(), open_policy().boxed()], from in path(), to in path(), inner in path(),
        how in 0..3_u8,
    ) {
        let moved = judge(&policy, &Act::Rename { from: from.clone(), to: to.clone(), folder: true });
        if !moved.lets_through() {
            return Ok(());
        }
        let act = |path| match how {
            0 => Act::Open { path, read: true, write: false },
            1 => Act::Open { path, read: false, write: true },
            _ => Act::Exec { path, written: false, argv: Vec::new() },
        };
        // the folder itself has another name there, and names have rules of their own
        let before = judge(&policy, &act(joined(&from, &inner)));
        let after = judge(&policy, &act(joined(&to, &inner)));
        prop_assert_eq!(before.lets_through(), after.lets_through(), "{:?}\n{:?}", before, after);
        if !before.lets_through() {
            prop_assert_eq!(before.action, after.action);
        }
    }

    #[test]
    fn an_image_is_named_by_its_content(one in policy(), other in policy()) {
        let [a, b, c] = [&one, &one, &other].map(image);
        prop_assert_eq!(a.digest(), b.digest());
        prop_assert_eq!(a == c, a.digest() == c.digest());
    }

    #[test]
    fn an_image_keeps_its_shape(policy in policy()) {
        let image = image(&policy);
        prop_assert!(image.paths[0].path.is_empty());
        prop_assert!(image.paths.is_sorted_by(|a, b| a.path < b.path));
        prop_assert!(image.names.is_sorted_by(|a, b| a.pattern < b.pattern));
        for PortSet(ports) in &image.port_sets {
            prop_assert!(ports.len() <= PortSet::MAX);
            prop_assert!(ports.is_sorted_by(|a, b| (a.protocol, a.last) < (b.protocol, b.first)));
            prop_assert!(ports.iter().all(|ports| ports.first <= ports.last && ports.answer.rule != 0));
        }
    }
}
