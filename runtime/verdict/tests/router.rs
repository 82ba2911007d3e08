//! The router before services that are good, slow, absent, flapping and lying.

mod stage;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use sevorix_policy::{OnPrimaryLoss, VerdictMode, Window};
use sevorix_verdict::{By, Decision, Limits, Question, Reason, Router, Settings, Verdict};
use stage::{Manner, Service, endpoint, on_a_still_clock, others_run, question, until};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance};

const ALLOW: Decision = Decision::Allow;
const DENIED: Decision = Decision::Deny(Reason::Denied);

fn settings() -> Settings {
    let [count, seconds] = [1000, 60].map(|number| NonZeroU32::new(number).expect("some"));
    Settings {
        budget: Window { count, seconds },
        ..Settings::from(&sevorix_policy::Verdict::default())
    }
}

fn on_loss(on_primary_loss: OnPrimaryLoss) -> Settings {
    Settings {
        on_primary_loss,
        ..settings()
    }
}

fn alone(local: &Service) -> Arc<Router> {
    Arc::new(Router::new(settings(), local.endpoint()))
}

fn with_primary(settings: Settings, local: &Service, primary: &Service) -> Arc<Router> {
    let router = Router::new(settings, local.endpoint());
    Arc::new(router.with_primary(primary.endpoint(), 7))
}

fn asked(router: &Arc<Router>, question: Question) -> JoinHandle<Verdict> {
    let router = router.clone();
    tokio::spawn(async move { router.ask(&question).await })
}

/// Asks about something new each time, so that no memory answers.
async fn fresh(router: &Arc<Router>, name: impl ToString) -> (Decision, By) {
    let verdict = router.ask(&question(&name.to_string())).await;
    (verdict.decision, verdict.by)
}

#[test]
fn a_good_service_decides() {
    on_a_still_clock(async {
        let local = Service::new(Manner::Allow);
        let router = alone(&local);
        assert_eq!(fresh(&router, 1).await, (ALLOW, By::Local));
        local.behave(Manner::Deny);
        assert_eq!(fresh(&router, 2).await, (DENIED, By::Local));
        let ids: Vec<u64> = local.asks().iter().map(|ask| ask.id).collect();
        assert_eq!(ids, [1, 2], "over one connection");
    });
}

/// One row for each way to be wrong. The action is denied with its code, and the router goes on with a service that
/// mends its ways.
#[test]
fn whatever_is_no_answer_denies_with_its_code() {
    on_a_still_clock(async {
        for (manner, reason) in [
            (Manner::OtherAction, Reason::WrongDigest),
            (Manner::OtherId, Reason::UnknownId),
            (Manner::OtherJury, Reason::WrongJury),
            (Manner::Garbage, Reason::Malformed),
            (Manner::UnknownField, Reason::Malformed),
            (Manner::DuplicateKey, Reason::Malformed),
            (Manner::SecondHello, Reason::Malformed),
            (Manner::AnswersFirst, Reason::Malformed),
            (Manner::ZeroLength, Reason::Oversized),
            (Manner::TooLong, Reason::Oversized),
            (Manner::OtherVersion, Reason::Version),
            (Manner::HangsUp, Reason::Disconnected),
        ] {
            let local = Service::new(manner);
            let router = alone(&local);
            let verdict = router.ask(&question("x")).await;
            assert_eq!(verdict.decision, Decision::Deny(reason), "{manner:?}");
            assert_eq!(
                verdict.answer, None,
                "{manner:?}: what is no answer is not told as one"
            );
            local.behave(Manner::Allow);
            assert_eq!(
                router.ask(&question("x")).await.decision,
                ALLOW,
                "after {manner:?}"
            );
        }
    });
}

#[test]
fn a_second_answer_to_an_ask_ends_all_that_is_pending() {
    on_a_still_clock(async {
        let local = Service::new(Manner::Silent);
        let router = alone(&local);
        let pending = asked(&router, question("pending"));
        until("the ask is there", || local.asks().len() == 1).await;
        local.behave(Manner::Twice);
        assert_eq!(
            fresh(&router, "answered").await.0,
            DENIED,
            "the first answer counts"
        );
        let verdict = pending.await.expect("no panic");
        assert_eq!(verdict.decision, Decision::Deny(Reason::UnknownId));
    });
}

#[test]
fn an_answer_after_the_deadline_changes_nothing() {
    on_a_still_clock(async {
        let local = Service::new(Manner::Silent);
        let router = alone(&local);
        let verdict = asked(&router, question("x"));
        until("the ask is there", || local.asks().len() == 1).await;
        assert_eq!(local.asks()[0].deadline_ms, 2000);
        advance(Duration::from_millis(1999)).await;
        others_run().await;
        assert!(!verdict.is_finished());
        advance(Duration::from_millis(1)).await;
        let verdict = verdict.await.expect("no panic");
        assert_eq!(verdict.decision, Decision::Deny(Reason::Timeout));
        until("the service is told", || local.cancels() == 1).await;
    });
}

#[test]
fn nobody_there_is_a_denial_at_once() {
    on_a_still_clock(async {
        let begun = Instant::now();
        let folder = tempfile::tempdir().expect("tempdir");
        let router = Router::new(settings(), endpoint(&folder.path().join("slm.sock")));
        let verdict = Arc::new(router).ask(&question("x")).await;
        assert_eq!(verdict.decision, Decision::Deny(Reason::Absent));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_service_that_was_started_anew_is_found_again() {
    on_a_still_clock(async {
        let local = Service::new(Manner::Allow);
        let router = alone(&local);
        assert_eq!(fresh(&router, 1).await.0, ALLOW);
        local.behave(Manner::HangsUp);
        assert_eq!(
            fresh(&router, 2).await.0,
            Decision::Deny(Reason::Disconnected),
            "killed in flight"
        );
        local.behave(Manner::Allow);
        assert_eq!(fresh(&router, 3).await.0, ALLOW);
    });
}

#[test]
fn a_service_that_owes_too_many_answers_is_connected_to_anew() {
    on_a_still_clock(async {
        let local = Service::new(Manner::Silent);
        let router = alone(&local);
        let waiting: Vec<_> = (0..8)
            .map(|name| asked(&router, question(&name.to_string())))
            .collect();
        until("all are there", || local.asks().len() == 8).await;
        let ninth = asked(&router, question("ninth"));
        others_run().await;
        assert_eq!(local.asks().len(), 8, "eight on the wire");
        advance(Duration::from_secs(2)).await;
        for verdict in waiting {
            assert_eq!(
                verdict.await.expect("no panic").decision,
                Decision::Deny(Reason::Timeout)
            );
        }
        assert_ne!(ninth.await.expect("no panic").decision, ALLOW);
        local.behave(Manner::Allow);
        assert_eq!(fresh(&router, "tenth").await.0, ALLOW);
        assert_eq!(
            local.asks().last().expect("an ask").id,
            1,
            "over a new connection"
        );
    });
}

#[test]
fn an_allow_is_remembered_as_long_and_as_often_as_it_may_be() {
    on_a_still_clock(async {
        let local = Service::new(Manner::AllowCached);
        let router = alone(&local);
        let by = async || router.ask(&question("x")).await.by;
        assert_eq!(
            [by().await, by().await, by().await],
            [By::Local, By::Cache, By::Cache]
        );
        assert_eq!(by().await, By::Local, "the uses are used up");
        advance(Duration::from_secs(60)).await;
        assert_eq!(by().await, By::Local, "the time is over");
        router.flush();
        assert_eq!(by().await, By::Local, "forgotten");
        assert_eq!(
            router.ask(&question("y")).await.by,
            By::Local,
            "another question"
        );
    });
}

#[test]
fn a_denial_is_remembered_for_a_second_and_a_failure_is_not() {
    on_a_still_clock(async {
        let local = Service::new(Manner::Deny);
        let router = alone(&local);
        let by = async || router.ask(&question("x")).await.by;
        assert_eq!([by().await, by().await], [By::Local, By::Cache]);
        advance(Duration::from_secs(1)).await;
        local.behave(Manner::Garbage);
        assert_eq!([by().await, by().await], [By::Local, By::Local]);
    });
}

#[test]
fn one_question_is_on_its_way_once() {
    on_a_still_clock(async {
        let local = Service::new(Manner::Silent);
        let router = alone(&local);
        let waiting: Vec<_> = (0..20).map(|_| asked(&router, question("same"))).collect();
        until("it is there", || local.asks().len() == 1).await;
        others_run().await;
        assert_eq!(local.asks().len(), 1);
        advance(Duration::from_secs(2)).await;
        for verdict in waiting {
            let verdict = verdict.await.expect("no panic");
            assert_eq!(verdict.decision, Decision::Deny(Reason::Timeout));
        }
    });
}

#[test]
fn an_allow_without_memory_is_for_one_action() {
    on_a_still_clock(async {
        let local = Service::new(Manner::Allow);
        let router = alone(&local);
        let waiting: Vec<_> = (0..5).map(|_| asked(&router, question("same"))).collect();
        for verdict in waiting {
            let verdict = verdict.await.expect("no panic");
            assert_eq!((verdict.decision, verdict.by), (ALLOW, By::Local));
        }
        assert_eq!(
            local.asks().len(),
            5,
            "each action had an answer of its own"
        );
    });
}

#[test]
fn what_nobody_waits_for_is_cancelled() {
    on_a_still_clock(async {
        let local = Service::new(Manner::Silent);
        let router = alone(&local);
        let leader = asked(&router, question("same"));
        until("it is there", || local.asks().len() == 1).await;
        let follower = asked(&router, question("same"));
        others_run().await;
        leader.abort();
        others_run().await;
        assert_eq!(local.cancels(), 0, "somebody waits still");
        follower.abort();
        until("the service is told", || local.cancels() == 1).await;
        local.behave(Manner::Allow);
        assert_eq!(router.ask(&question("same")).await.decision, ALLOW);
    });
}

#[test]
fn beyond_the_budget_and_the_places_there_is_only_no() {
    on_a_still_clock(async {
        let [count, seconds] = [3, 60].map(|number| NonZeroU32::new(number).expect("some"));
        let budget = Window { count, seconds };
        let local = Service::new(Manner::Allow);
        let router = Arc::new(Router::new(
            Settings {
                budget,
                held: 4,
                ..settings()
            },
            local.endpoint(),
        ));
        for name in 0..3 {
            assert_eq!(fresh(&router, name).await.0, ALLOW);
        }
        let overload = (Decision::Deny(Reason::Overload), By::Router);
        assert_eq!(fresh(&router, 3).await, overload);
        advance(Duration::from_secs(60)).await;
        local.behave(Manner::Silent);
        let held: Vec<_> = (0..4).map(|_| asked(&router, question("held"))).collect();
        until("it is there", || local.asks().len() == 4).await;
        assert_eq!(fresh(&router, "one more").await, overload, "four are held");
        held.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn modes_are_the_policys() {
    on_a_still_clock(async {
        let local = Service::new(Manner::AllowUsualQuorum);
        let router = |mode| {
            Arc::new(Router::new(
                Settings { mode, ..settings() },
                local.endpoint(),
            ))
        };
        assert_eq!(fresh(&router(VerdictMode::Ask), 1).await.0, ALLOW);
        assert_eq!(fresh(&router(VerdictMode::Quorum), 1).await.0, DENIED);
        assert_eq!(
            fresh(&router(VerdictMode::Off), 1).await.0,
            Decision::Deny(Reason::Off)
        );
        assert_eq!(local.asks().len(), 2, "off asks nobody");
    });
}

#[test]
fn both_services_have_to_allow() {
    on_a_still_clock(async {
        for (local, primary, decision) in [
            (Manner::Allow, Manner::Allow, ALLOW),
            (Manner::Deny, Manner::Allow, DENIED),
            (Manner::Allow, Manner::Deny, DENIED),
            (Manner::Deny, Manner::Deny, DENIED),
            // a denial does not wait for the other
            (Manner::Deny, Manner::Silent, DENIED),
            (Manner::Silent, Manner::Deny, DENIED),
        ] {
            let services = [local, primary].map(Service::new);
            let router = with_primary(settings(), &services[0], &services[1]);
            assert_eq!(
                fresh(&router, 1).await.0,
                decision,
                "local {local:?}, primary {primary:?}"
            );
        }
    });
}

#[test]
fn both_have_to_want_a_memory() {
    on_a_still_clock(async {
        for (local, primary, by) in [
            (Manner::AllowCached, Manner::AllowCached, By::Cache),
            (Manner::AllowCached, Manner::Allow, By::Both),
            (Manner::Allow, Manner::AllowCached, By::Both),
        ] {
            let services = [local, primary].map(Service::new);
            let router = with_primary(settings(), &services[0], &services[1]);
            assert_eq!(fresh(&router, 1).await, (ALLOW, By::Both));
            assert_eq!(
                fresh(&router, 1).await,
                (ALLOW, by),
                "local {local:?}, primary {primary:?}"
            );
        }
    });
}

/// A black hole costs its budget three times, and then nothing.
#[test]
fn a_black_hole_is_waited_for_three_times() {
    on_a_still_clock(async {
        let (local, primary) = (Service::new(Manner::Allow), Service::new(Manner::BlackHole));
        let router = with_primary(on_loss(OnPrimaryLoss::Local), &local, &primary);
        for call in 1..=3 {
            let verdict = asked(&router, question(&call.to_string()));
            until("the primary is tried", || primary.seen() == call).await;
            until("the local one is asked", || local.asks().len() == call).await;
            advance(Duration::from_millis(24)).await;
            others_run().await;
            assert!(!verdict.is_finished(), "{call}");
            advance(Duration::from_millis(1)).await;
            let verdict = verdict.await.expect("no panic");
            assert_eq!((verdict.decision, verdict.by), (ALLOW, By::Local), "{call}");
        }
        let begun = Instant::now();
        for call in 4..20 {
            assert_eq!(fresh(&router, call).await, (ALLOW, By::Local));
        }
        assert_eq!(
            begun.elapsed(),
            Duration::ZERO,
            "nobody waits for a black hole any more"
        );
        assert_eq!(primary.seen(), 3);
    });
}

#[test]
fn a_refusing_primary_costs_no_time() {
    on_a_still_clock(async {
        let begun = Instant::now();
        for (manner, decision, by) in [
            (OnPrimaryLoss::Local, ALLOW, By::Local),
            (OnPrimaryLoss::LocalStrict, DENIED, By::Local),
            (
                OnPrimaryLoss::Deny,
                Decision::Deny(Reason::PrimaryLost),
                By::Router,
            ),
        ] {
            let local = Service::new(Manner::AllowUsualQuorum);
            let gone = tempfile::tempdir().expect("tempdir");
            let router = Router::new(on_loss(manner), local.endpoint());
            let router = Arc::new(router.with_primary(endpoint(&gone.path().join("none")), 7));
            for call in 0..5 {
                assert_eq!(fresh(&router, call).await, (decision, by), "{manner:?}");
            }
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    });
}

/// A primary that says what is no answer denies, until the breaker takes it for lost.
#[test]
fn a_lying_primary_is_believed_nothing_and_then_left_alone() {
    on_a_still_clock(async {
        for (manner, reason) in [
            (Manner::OtherAction, Reason::WrongDigest),
            (Manner::OtherId, Reason::UnknownId),
            (Manner::Garbage, Reason::Malformed),
        ] {
            let (local, primary) = (Service::new(Manner::Silent), Service::new(manner));
            let router = with_primary(on_loss(OnPrimaryLoss::LocalStrict), &local, &primary);
            for call in 0..3 {
                assert_eq!(
                    fresh(&router, call).await,
                    (Decision::Deny(reason), By::Primary),
                    "{manner:?}"
                );
            }
            local.behave(Manner::AllowUsualQuorum);
            let known = primary.asks().len();
            assert_eq!(
                fresh(&router, 4).await,
                (DENIED, By::Local),
                "one juror more has to allow"
            );
            assert_eq!(primary.asks().len(), known, "{manner:?}");
        }
    });
}

/// After a pause one made-up question is put to it; the agents' own go around it until that is answered.
#[test]
fn a_flapping_primary_comes_back_by_a_probe() {
    on_a_still_clock(async {
        let (local, primary) = (Service::new(Manner::Allow), Service::new(Manner::HangsUp));
        let router = with_primary(on_loss(OnPrimaryLoss::Local), &local, &primary);
        for call in 0..3 {
            assert_eq!(fresh(&router, call).await, (ALLOW, By::Local));
        }
        primary.behave(Manner::Allow);
        assert_eq!(fresh(&router, 4).await.1, By::Local, "it is not tried yet");
        advance(Duration::from_millis(500)).await;
        let known = primary.asks().len();
        assert_eq!(
            fresh(&router, 5).await.1,
            By::Local,
            "nobody waits for the probe"
        );
        until("the probe is there", || primary.asks().len() > known).await;
        assert_eq!(primary.asks()[known].question.rule.as_str(), "canary");
        for name in 6..900 {
            if fresh(&router, name).await == (ALLOW, By::Both) {
                return;
            }
        }
        panic!("the primary never came back");
    });
}

/// The real server before the real client.
#[test]
fn our_own_server_answers_our_own_client() {
    on_a_still_clock(async {
        use std::future::{Future, pending, ready};

        use sevorix_verdict::{Ask, Code, Decided, Digest, Judge, Ruling};

        struct Example;

        impl Judge for Example {
            fn jury(&self) -> Digest {
                stage::jury()
            }

            fn judge(&self, ask: &Ask) -> impl Future<Output = Ruling> + Send {
                let slow = ask.question.tainted.argv[0].judged().as_ref() == b"slow";
                async move {
                    if slow {
                        pending::<()>().await;
                    }
                    let code = Code::new("example").expect("a code");
                    ready(Ruling {
                        verdict: Decided::Allow,
                        code,
                        cache: None,
                        jurors: vec![],
                        why: None,
                    })
                    .await
                }
            }
        }

        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("slm.sock");
        let listener = sevorix_verdict::bind(&path).expect("bound");
        assert!(sevorix_verdict::bind(&path).is_err(), "in use");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).expect("made").permissions(),
        );
        assert_eq!(mode & 0o777, 0o660);
        let user = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path).expect("made"));
        let limits = Limits {
            clients: sevorix_verdict::Trust { user: Some(user) },
            ..Limits::default()
        };
        let server = tokio::spawn(sevorix_verdict::serve(listener, Arc::new(Example), limits));
        let router = Arc::new(Router::new(settings(), endpoint(&path)));
        let slow = asked(&router, question("slow"));
        for call in 0..30 {
            assert_eq!(
                fresh(&router, call).await,
                (ALLOW, By::Local),
                "past the slow one"
            );
        }
        assert!(!slow.is_finished());
        slow.abort();
        server.abort();
        until("the socket is nobody's", || {
            sevorix_verdict::bind(&path).is_ok()
        })
        .await;
    });
}
