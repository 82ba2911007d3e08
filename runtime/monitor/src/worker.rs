//! The worker: receives what is held, asks about what the policy asks about, and answers.
//!
//! One thread, no wait that holds up another: what the policy decides alone goes on at once, what is asked about is a
//! task of its own. Whatever can't be made out goes on, too, without a grant: then the kernel decides, and for what is
//! asked about that is a denial.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::stat::FileStat;
use sevorix_container::floor::Decided as Told;
use sevorix_container::held::{self, InFlight, Listener, Notice, Readiness, Received};
use sevorix_policy::{Asker, Policy, VerdictMode};
use sevorix_verdict::{Decided, Decision, Desk, Reason, Router, Said, Verdict};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::timeout;

use crate::ask::{Ask, Asked, Found, look};
use crate::call::Class;
use crate::floor::Floor;
use crate::question::About;

/// Everything that the worker of one container works with.
pub struct Worker {
    pub policy: Policy,
    pub about: About,
    pub router: Arc<Router>,
    pub desk: Arc<Desk>,
    pub floor: Box<dyn Floor>,
    pub in_flight: InFlight,
    /// Threads that have a grant, which ends with their next call.
    granted: RefCell<HashMap<i32, Granted>>,
    freed: Notify,
}

/// For the call to go on and reach its hook. What is granted is used at once or never.
const GRANT_LASTS: Duration = Duration::from_secs(5);

/// How long a person has.
const PATIENCE_WITH_PEOPLE: Duration = Duration::from_secs(5 * 60);
/// How often it is looked whether somebody still waits for the answer.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

impl Worker {
    pub fn new(
        policy: Policy,
        about: About,
        router: Router,
        floor: Box<dyn Floor>,
        in_flight: InFlight,
    ) -> Self {
        Self {
            policy,
            about,
            router: Arc::new(router),
            desk: Arc::default(),
            floor,
            in_flight,
            granted: RefCell::default(),
            freed: Notify::new(),
        }
    }

    /// Attends to every listener that comes through the channel, until the holder ends it.
    pub async fn run(self: Rc<Self>, channel: OwnedFd) -> std::io::Result<()> {
        let channel = readable(channel)?;
        loop {
            let mut guard = channel.readable().await?;
            match held::receive(channel.get_ref()) {
                Ok(Some((number, descriptor))) => {
                    let listener = Rc::new(Listener::new(descriptor));
                    spawn_local(self.clone().attend(number, listener));
                }
                Ok(None) => return Ok(()),
                Err(nix::errno::Errno::EAGAIN) => guard.clear_ready(),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    async fn attend(self: Rc<Self>, number: u32, listener: Rc<Listener>) {
        let watched = readable(listener.clone());
        let watched = or_end(watched, "watch a listener");
        loop {
            let mut guard = or_end(watched.readable().await, "wait for a call");
            match or_end(listener.readiness(), "look at a listener") {
                Readiness::Waiting => {}
                Readiness::Nothing => {
                    guard.clear_ready();
                    continue;
                }
                Readiness::Ended => return,
            }
            while !self.in_flight.has_room() {
                self.freed.notified().await;
            }
            let received = self.in_flight.receive(number, &listener);
            if let Some(received) = or_end(received, "receive a call") {
                self.take(&listener, received);
            }
        }
    }

    /// Answers at once, or lets a task do it.
    fn take(self: &Rc<Self>, listener: &Rc<Listener>, received: Received) {
        let notice = received.notice;
        self.take_back(notice.tid);
        match look(self, listener, &notice) {
            Found::Unasked => {
                let _ = listener.go_on(&notice);
                self.done(&received);
            }
            Found::Refused(told) => {
                self.refuse(listener, &notice, told);
                self.done(&received);
            }
            Found::Asked(ask) => {
                let (worker, listener) = (self.clone(), listener.clone());
                spawn_local(async move {
                    worker.hold(&listener, &notice, *ask).await;
                    worker.done(&received);
                });
            }
        }
    }

    async fn hold(self: &Rc<Self>, listener: &Listener, notice: &Notice, ask: Ask) {
        let Some(words) = self.put(listener, notice, &ask).await else {
            return;
        };
        let errno = Some(Class::of(notice).errno());
        let no = words
            .iter()
            .position(|word| word.decision != Decision::Allow);
        if let Some(no) = no {
            let told = ask.told(no, &words[no].reason);
            return self.refuse(listener, notice, Told { errno, ..told });
        }
        // whoever was killed meanwhile must not leave a grant to the next thread of its number
        if !listener.is_alive(notice) {
            return;
        }
        if let Err(error) = self.floor.grant(ask.thread, &ask.permit(), GRANT_LASTS) {
            let told = ask.told(0, &format!("no-grant: {error}"));
            return self.refuse(listener, notice, Told { errno, ..told });
        }
        if !listener.is_alive(notice) || listener.go_on(notice).is_err() {
            return self.floor.revoke(ask.thread);
        }
        for (index, word) in words.iter().enumerate() {
            self.floor.tell(&ask.told(index, &word.reason));
        }
        self.keep(ask);
    }

    /// All questions at once: a call is held no longer for having several objects. `None`: nobody waits any more.
    async fn put(&self, listener: &Listener, notice: &Notice, ask: &Ask) -> Option<Vec<Word>> {
        let questions = ask.questions().iter().map(|asked| self.decide(asked));
        let mut words = pin!(join_all(questions));
        loop {
            // a person takes minutes, and whoever waits may end meanwhile
            match timeout(LOOK_AGAIN, &mut words).await {
                Ok(words) => return Some(words),
                Err(_) if listener.is_alive(notice) => {}
                Err(_) => return None,
            }
        }
    }

    /// A service never answers for a person, nor a person for a service.
    async fn decide(&self, asked: &Asked) -> Word {
        match asked.asker {
            Asker::Jury => Word::of_service(&self.router.ask(&asked.question).await),
            Asker::Operator if self.policy.verdict.mode == VerdictMode::Off => {
                Word::of_person(Err(Reason::Off))
            }
            Asker::Operator => {
                Word::of_person(self.desk.ask(&asked.question, PATIENCE_WITH_PEOPLE).await)
            }
        }
    }

    /// What the grant names stays open as long as the grant lasts, so that it names nothing else.
    fn keep(self: &Rc<Self>, ask: Ask) {
        let (worker, tid) = (self.clone(), ask.thread.tid);
        let end = spawn_local(async move {
            tokio::time::sleep(GRANT_LASTS).await;
            worker.take_back(tid);
        });
        let end = end.abort_handle();
        self.granted.borrow_mut().insert(tid, Granted { ask, end });
    }

    /// A thread that calls again has used its grant, or never will.
    fn take_back(&self, tid: i32) {
        let granted = self.granted.borrow_mut().remove(&tid);
        if let Some(Granted { ask, end }) = granted {
            self.floor.revoke(ask.thread);
            end.abort();
        }
    }

    fn refuse(&self, listener: &Listener, notice: &Notice, told: Told) {
        let errno = told.errno.unwrap_or(Class::of(notice).errno());
        // first told, then done: whoever sees the refusal finds the reason
        self.floor.tell(&told);
        let _ = listener.refuse(notice, errno);
    }

    /// By its time of change, which nobody can set back.
    pub fn may_have_written(&self, file: &FileStat) -> bool {
        let seconds = u64::try_from(file.st_ctime).unwrap_or(0);
        let rest = u32::try_from(file.st_ctime_nsec).unwrap_or(0);
        self.floor.may_have_written(Duration::new(seconds, rest))
    }

    fn done(&self, received: &Received) {
        self.in_flight.done(received);
        self.freed.notify_waiters();
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

/// A grant that may be used.
struct Granted {
    /// With the files that it names.
    ask: Ask,
    end: AbortHandle,
}

#[expect(
    deprecated,
    reason = "the new one is unsafe for descriptors that somebody else may close; these are our own"
)]
fn readable<T: AsFd + AsRawFd>(owned: T) -> std::io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(owned, Interest::READABLE)
}

/// The holder answers what a dead worker has received, and starts another: better than one that is half alive.
fn or_end<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) -> T {
    result.unwrap_or_else(|error| {
        eprintln!("sevorix monitor: {what}: {error}");
        std::process::exit(1)
    })
}

/// A decision, and why.
struct Word {
    decision: Decision,
    reason: String,
}

impl Word {
    /// The service's own word where it decided, else why nobody did.
    fn of_service(verdict: &Verdict) -> Self {
        let decision = verdict.decision;
        let reason = match (decision, &verdict.answer) {
            (Decision::Allow, Some(answer)) => answer.code.to_string(),
            (Decision::Allow, None) => "allowed".into(),
            (Decision::Deny(reason), Some(answer)) => format!("{reason}: {}", answer.code),
            (Decision::Deny(reason), None) => reason.to_string(),
        };
        Self { decision, reason }
    }

    fn of_person(said: Result<Said, Reason>) -> Self {
        let (decision, reason) = match said {
            Ok(Said {
                decided: Decided::Allow,
                reason,
                ..
            }) => (Decision::Allow, reason),
            Ok(Said {
                decided: Decided::Deny,
                reason,
                ..
            }) => (Decision::Deny(Reason::Denied), reason),
            Err(reason) => (Decision::Deny(reason), reason.to_string()),
        };
        let reason = format!("operator: {reason}");
        Self { decision, reason }
    }
}
