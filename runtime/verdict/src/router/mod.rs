//! From a question to a decision: memory, one flight per question, budget, the services, and nothing after that but no.
//!
//! Each step can only refuse or pass on. A service is asked where memory has no answer; with a primary service two are
//! asked at the same time, and both have to allow. Losing the primary costs its budget a few times and then nothing: the
//! breaker leaves it alone, and the policy says what the local service alone may decide.

mod breaker;
mod budget;
mod cache;
mod decide;
mod primary;
mod settings;

pub use decide::Decision;
pub use settings::Settings;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::future::{Either, select};
use sevorix_policy::VerdictMode;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::digest::Digest;
use crate::message::{Answer, Question};
use crate::net::{Endpoint, Given};
use crate::words::{Decided, Reason};
use budget::Budget;
use cache::Cache;
use decide::decide;
use primary::Primary;

/// Decides what one container's policy asks about.
#[derive(Debug)]
pub struct Router {
    local: Endpoint,
    primary: Option<Arc<Primary>>,
    settings: Settings,
    held: AtomicUsize,
    state: Mutex<State>,
}

/// A decision, and where it comes from.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub decision: Decision,
    pub by: By,
    /// What the service said, when one did and it was to the point.
    pub answer: Option<Answer>,
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Before anybody was asked.
    Router,
    /// An answer that was given before.
    Cache,
    /// The local service alone.
    Local,
    /// The primary service alone; it can only deny so.
    Primary,
    /// Both services.
    Both,
}

#[derive(Debug)]
struct State {
    cache: Cache,
    budget: Budget,
    /// Who is being asked what, and how it ends.
    flights: HashMap<Digest, Weak<Ending>>,
    /// Of the local and the primary service.
    juries: [Option<Digest>; 2],
    /// Moves with each flush: what was asked before one is not remembered after it.
    epoch: u64,
}

/// Tells everybody who waits how a flight ended.
type Ending = watch::Sender<Option<Verdict>>;

/// What to do with a question.
enum Step {
    Known(Verdict),
    Follow(watch::Receiver<Option<Verdict>>),
    Lead(Flight, watch::Receiver<Option<Verdict>>),
}

/// A question on its way.
struct Flight {
    router: Arc<Router>,
    action: Digest,
    ending: Arc<Ending>,
    epoch: u64,
}

impl Router {
    pub fn new(settings: Settings, local: Endpoint) -> Self {
        Self {
            local,
            primary: None,
            held: AtomicUsize::new(0),
            state: Mutex::new(State {
                cache: Cache::new(settings.cache_ttl),
                budget: Budget::new(settings.budget),
                flights: HashMap::new(),
                juries: [None; 2],
                epoch: 0,
            }),
            settings,
        }
    }

    /// With a second service that has to allow, too. `seed` spreads the probes of many routers.
    pub fn with_primary(mut self, primary: Endpoint, seed: u64) -> Self {
        self.primary = Some(Arc::new(Primary::new(
            primary,
            self.settings.primary_budget,
            seed,
        )));
        self
    }

    /// Forgets every answer: on a change of policy, taint or gate. A new jury is seen here.
    pub fn flush(&self) {
        self.state().flush();
    }

    /// Ends with a decision by the policy's timeout. When nobody polls it any more, the services are told.
    pub async fn ask(self: &Arc<Self>, question: &Question) -> Verdict {
        if self.settings.mode == VerdictMode::Off {
            return refused(Reason::Off);
        }
        let Some(_place) = self.hold() else {
            return refused(Reason::Overload);
        };
        let deadline = Instant::now() + self.settings.timeout;
        let action = question.digest();
        loop {
            let (mut ending, leads) = match self.step(action) {
                Step::Known(verdict) => return verdict,
                Step::Follow(ending) => (ending, false),
                Step::Lead(flight, ending) => {
                    tokio::spawn(flight.fly(question.clone(), deadline));
                    (ending, true)
                }
            };
            let verdict = match timeout_at(deadline, ending.wait_for(Option::is_some)).await {
                Ok(Ok(verdict)) => verdict.clone().unwrap_or(refused(Reason::Disconnected)),
                // given up by who led, at the moment we followed
                Ok(Err(_)) if !leads => continue,
                Ok(Err(_)) => refused(Reason::Disconnected),
                Err(_) => refused(Reason::Timeout),
            };
            // an allow is for who asked; who followed finds it in the cache if it may be used again
            if leads || verdict.answer.is_none() {
                return verdict;
            }
        }
    }

    fn step(self: &Arc<Self>, action: Digest) -> Step {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(answer) = state.cache.take(&action, now) {
            let decision = match answer.verdict {
                Decided::Allow => Decision::Allow,
                Decided::Deny => Decision::Deny(Reason::Denied),
            };
            let answer = Some(answer);
            return Step::Known(Verdict {
                decision,
                by: By::Cache,
                answer,
            });
        }
        if let Some(ending) = state.flights.get(&action).and_then(Weak::upgrade) {
            return Step::Follow(ending.subscribe());
        }
        if !state.budget.spend(now) {
            return Step::Known(refused(Reason::Overload));
        }
        let (ending, waiting) = watch::channel(None);
        let ending = Arc::new(ending);
        state.flights.insert(action, Arc::downgrade(&ending));
        let (router, epoch) = (self.clone(), state.epoch);
        Step::Lead(
            Flight {
                router,
                action,
                ending,
                epoch,
            },
            waiting,
        )
    }

    async fn put(&self, question: &Question, deadline: Instant) -> Verdict {
        let extra = u8::from(self.settings.mode == VerdictMode::Quorum);
        match &self.primary {
            Some(primary) => self.ask_both(primary, question, extra, deadline).await,
            None => self.ask_local(question, extra, deadline).await,
        }
    }

    async fn ask_local(&self, question: &Question, extra_jurors: u8, deadline: Instant) -> Verdict {
        let given = self.local.ask(question, extra_jurors, deadline).await;
        self.verdict(given, By::Local, deadline)
    }

    /// Holds what a service gave to its question, and notes who judges.
    fn verdict(&self, given: Result<Given, Reason>, by: By, deadline: Instant) -> Verdict {
        let decision = decide(&given, Instant::now(), deadline);
        let counts = matches!(decision, Decision::Allow | Decision::Deny(Reason::Denied));
        let given = given.ok().filter(|_| counts);
        if let Some(given) = &given {
            self.state().note_jury(by, given.jury);
        }
        let answer = given.map(|given| given.answer);
        Verdict {
            decision,
            by,
            answer,
        }
    }

    /// A place among the held actions.
    fn hold(&self) -> Option<Place<'_>> {
        let place = Place(&self.held);
        let before = self.held.fetch_add(1, Ordering::Relaxed);
        (before < self.settings.held).then_some(place)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // a panic elsewhere leaves a state that is whole
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn flush(&mut self) {
        self.cache.flush();
        self.epoch += 1;
    }

    fn note_jury(&mut self, by: By, jury: Digest) {
        let place = &mut self.juries[usize::from(by == By::Primary)];
        if place.replace(jury).is_some_and(|before| before != jury) {
            self.flush();
        }
    }
}

/// Before anybody was asked, or because nobody could be.
fn refused(reason: Reason) -> Verdict {
    Verdict {
        decision: Decision::Deny(reason),
        by: By::Router,
        answer: None,
    }
}

impl Flight {
    /// Asks for everybody who waits for this answer, until there is one or nobody waits.
    async fn fly(self, question: Question, deadline: Instant) {
        let verdict = {
            let put = pin!(self.router.put(&question, deadline));
            let abandoned = pin!(self.ending.closed());
            match select(put, abandoned).await {
                Either::Left((verdict, _)) => verdict,
                Either::Right(((), _)) => return,
            }
        };
        let mut state = self.router.state();
        if let Some(answer) = verdict
            .answer
            .as_ref()
            .filter(|_| state.epoch == self.epoch)
        {
            state.cache.put(self.action, answer, Instant::now());
        }
        // whoever wakes finds what the flight brought, and no flight any more
        state.flights.remove(&self.action);
        drop(state);
        self.ending.send_replace(Some(verdict));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut state = self.router.state();
        // the next flight of the same question may be in the table already
        let ours = |flight: &Weak<Ending>| std::ptr::eq(flight.as_ptr(), Arc::as_ptr(&self.ending));
        if state.flights.get(&self.action).is_some_and(ours) {
            state.flights.remove(&self.action);
        }
    }
}

struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
