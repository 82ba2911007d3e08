//! A second service, asked at the same time as the local one.
//!
//! Both have to allow. Where the primary is lost, which is to say refused, cut off or too slow, the policy says what the local
//! service alone may decide. One that answers with what is no answer is not lost: it is a denial until the breaker opens.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use sevorix_policy::OnPrimaryLoss;
use tokio::time::Instant;

use super::breaker::{Breaker, Route};
use super::decide::{Decision, decide};
use super::{By, Router, Verdict, refused};
use crate::message::{Answer, Cache, Question};
use crate::net::Endpoint;
use crate::words::Reason;

#[derive(Debug)]
pub struct Primary {
    endpoint: Endpoint,
    breaker: Mutex<Breaker>,
    budget: Duration,
}

impl Primary {
    pub fn new(endpoint: Endpoint, budget: Duration, seed: u64) -> Self {
        Self {
            endpoint,
            breaker: Mutex::new(Breaker::new(seed)),
            budget,
        }
    }

    /// Asks something that nobody did, so that no agent's question waits for a service that is likely to be gone.
    async fn probe(self: Arc<Self>) {
        let deadline = Instant::now() + self.budget;
        let given = self.endpoint.ask(&Question::canary(), 0, deadline).await;
        let now = Instant::now();
        let failed = !is_answer(decide(&given, now, deadline));
        self.breaker().probed(failed, now);
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // a panic elsewhere leaves a breaker that is whole
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Router {
    pub(super) async fn ask_both(
        &self,
        primary: &Arc<Primary>,
        question: &Question,
        extra: u8,
        deadline: Instant,
    ) -> Verdict {
        let local = self.ask_local(question, extra, deadline);
        let route = primary.breaker().route(Instant::now());
        match route {
            Route::Call => {}
            Route::AroundAndProbe => {
                tokio::spawn(primary.clone().probe());
                return self.without_primary(question, extra, deadline, local).await;
            }
            Route::Around => return self.without_primary(question, extra, deadline, local).await,
        }
        let (first, mut local) = (
            pin!(self.ask_primary(primary, question, extra, deadline)),
            pin!(local),
        );
        match select(first, local.as_mut()).await {
            Either::Left((first, _)) if is_lost(&first) => {
                self.without_primary(question, extra, deadline, local).await
            }
            Either::Left((first, local)) if first.decision == Decision::Allow => {
                both(first, local.await)
            }
            Either::Left((first, _)) => first,
            Either::Right((local, _)) if local.decision != Decision::Allow => local,
            Either::Right((local, first)) => match first.await {
                first if is_lost(&first) => {
                    self.without_primary(question, extra, deadline, std::future::ready(local))
                        .await
                }
                first => both(first, local),
            },
        }
    }

    async fn ask_primary(
        &self,
        primary: &Primary,
        question: &Question,
        extra: u8,
        deadline: Instant,
    ) -> Verdict {
        let deadline = deadline.min(Instant::now() + primary.budget);
        let given = primary.endpoint.ask(question, extra, deadline).await;
        let verdict = self.verdict(given, By::Primary, deadline);
        primary
            .breaker()
            .called(!is_answer(verdict.decision), Instant::now());
        verdict
    }

    /// `local` is what the local service says by its usual quorum.
    async fn without_primary(
        &self,
        question: &Question,
        extra: u8,
        deadline: Instant,
        local: impl Future<Output = Verdict>,
    ) -> Verdict {
        match self.settings.on_primary_loss {
            OnPrimaryLoss::Deny => refused(Reason::PrimaryLost),
            OnPrimaryLoss::Local => local.await,
            OnPrimaryLoss::LocalStrict => {
                self.ask_local(question, extra.saturating_add(1), deadline)
                    .await
            }
        }
    }
}

/// The primary has allowed; what holds for both holds.
fn both(primary: Verdict, local: Verdict) -> Verdict {
    if primary.decision != Decision::Allow {
        return primary;
    }
    if local.decision != Decision::Allow {
        return local;
    }
    let cache = |verdict: &Verdict| verdict.answer.as_ref().and_then(|answer| answer.cache);
    let cache = match (cache(&primary), cache(&local)) {
        (Some(one), Some(other)) => Some(Cache {
            ttl_ms: one.ttl_ms.min(other.ttl_ms),
            uses: one.uses.min(other.uses),
        }),
        _ => None,
    };
    let answer = local.answer.map(|answer| Answer { cache, ..answer });
    Verdict {
        by: By::Both,
        answer,
        ..local
    }
}

/// Refused, cut off or too slow; what it said, if anything, was no lie.
fn is_lost(verdict: &Verdict) -> bool {
    let lost = [Reason::Absent, Reason::Disconnected, Reason::Timeout];
    matches!(verdict.decision, Decision::Deny(reason) if lost.contains(&reason))
}

fn is_answer(decision: Decision) -> bool {
    matches!(decision, Decision::Allow | Decision::Deny(Reason::Denied))
}
