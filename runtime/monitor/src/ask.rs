//! What a held call is about, and whether anybody is asked.

use nix::errno::Errno;
use sevorix_bpf::floor::DESTINATIONS_MOST;
use sevorix_container::floor::Decided;
use sevorix_container::held::{Listener, Notice};
use sevorix_policy::{Action, Asker, Judgement, RuleId};
use sevorix_verdict::{Label, Question};

use crate::call::{Call, Class, Exec, Memory, Open, is_foreign};
use crate::execution::Execution;
use crate::floor::Permit;
use crate::opening::{Opening, shown};
use crate::question::{Actor, VARIABLES_MOST};
use crate::reach::Reach;
use crate::thread::Thread;
use crate::worker::Worker;

/// What there is to do about a call.
pub enum Found {
    /// The kernel decides it, as if it had not been held.
    Unasked,
    /// It can't be asked about.
    Refused(Decided),
    Asked(Box<Ask>),
}

/// What is let through if the answer to each of its questions is yes.
pub struct Ask {
    pub thread: Thread,
    /// One for each object.
    questions: Vec<Asked>,
    actor: Actor,
    object: Object,
}

/// A question, by which rule, and to whom.
#[derive(Debug)]
pub struct Asked {
    pub question: Question,
    pub asker: Asker,
    rule: RuleId,
}

enum Object {
    Exec(Execution),
    Reach(Reach),
    File(Opening),
}

/// An `execve` may have so many bytes of environment, or nobody looks at it.
const ENVIRONMENT_MOST: usize = 128 * 1024;

/// Reads what the call names. Only what was read while the thread still waited counts.
pub fn look(worker: &Worker, listener: &Listener, notice: &Notice) -> Found {
    let thread = Thread::of(notice.tid);
    let (Ok(thread), true) = (thread, listener.is_alive(notice)) else {
        return Found::Unasked;
    };
    if is_foreign(notice) {
        return refused(thread, notice, "floor.foreign-call", "foreign-abi");
    }
    let found = match Call::of(notice) {
        Some(Call::Exec(exec)) => look_at_exec(worker, thread, &exec),
        Some(Call::Connect { socket, address }) => {
            look_at_reach(worker, thread, Reach::of_connect(thread, socket, address))
        }
        Some(Call::Send { socket, to }) => {
            look_at_reach(worker, thread, Reach::of_send(thread, socket, to))
        }
        Some(Call::Open(open)) => look_at_open(worker, thread, &open),
        Some(Call::OpenAs { open, how }) => flags(thread, how)
            .and_then(|flags| look_at_open(worker, thread, &Open { flags, ..open })),
        None => return Found::Unasked,
    };
    match found {
        _ if !listener.is_alive(notice) => Found::Unasked,
        Ok(found) => found,
        Err(Errno::E2BIG) => refused(thread, notice, "floor.unseen", "too-long"),
        // the kernel will find the same reason, or refuse what was not granted
        Err(_) => Found::Unasked,
    }
}

fn look_at_exec(worker: &Worker, thread: Thread, exec: &Exec) -> nix::Result<Found> {
    let execution = Execution::of(thread, exec)?;
    let written = |stat: &nix::sys::stat::FileStat| worker.may_have_written(stat);
    let judged = execution.judge(&worker.policy, written);
    if !is_asked(&judged) {
        return Ok(Found::Unasked);
    }
    if !execution.whole {
        return Err(Errno::E2BIG);
    }
    let variables = thread.read_texts(exec.variables, ENVIRONMENT_MOST)?;
    if variables.len() > VARIABLES_MOST {
        return Err(Errno::E2BIG);
    }
    let actor = Actor::of(thread)?;
    let written = execution
        .programs
        .iter()
        .any(|program| written(&program.stat));
    let question = worker
        .about
        .exec(&actor, &execution, &variables, label(&judged.rule), written);
    Ok(Found::Asked(Box::new(Ask {
        thread,
        questions: vec![Asked::of(worker, question, judged)],
        actor,
        object: Object::Exec(execution),
    })))
}

fn look_at_reach(worker: &Worker, thread: Thread, reach: nix::Result<Reach>) -> nix::Result<Found> {
    let mut reach = reach?;
    let asked = reach.asked(&worker.policy);
    if asked.is_empty() {
        return Ok(Found::Unasked);
    }
    if asked.len() > DESTINATIONS_MOST {
        return Err(Errno::E2BIG);
    }
    let actor = Actor::of(thread)?;
    let question = |(goal, judged): (_, Judgement)| {
        let is_send = reach.is_send();
        let question = worker
            .about
            .reach(&actor, goal, is_send, label(&judged.rule));
        Asked::of(worker, question, judged)
    };
    Ok(Found::Asked(Box::new(Ask {
        thread,
        questions: reach.goals.iter().zip(asked).map(question).collect(),
        actor,
        object: Object::Reach(reach),
    })))
}

fn look_at_open(worker: &Worker, thread: Thread, open: &Open) -> nix::Result<Found> {
    let opening = Opening::of(thread, open)?;
    let judged = opening.judge(&worker.policy);
    if !is_asked(&judged) {
        return Ok(Found::Unasked);
    }
    let actor = Actor::of(thread)?;
    let question = worker.about.open(&actor, &opening, label(&judged.rule));
    Ok(Found::Asked(Box::new(Ask {
        thread,
        questions: vec![Asked::of(worker, question, judged)],
        actor,
        object: Object::File(opening),
    })))
}

/// The first member of a struct open_how.
fn flags(thread: Thread, how: Memory) -> nix::Result<u64> {
    if how.length < size_of::<u64>() {
        return Err(Errno::EINVAL);
    }
    let bytes = thread.read_whole(how.at, size_of::<u64>())?;
    Ok(bytes
        .first_chunk()
        .map_or(0, |flags| u64::from_ne_bytes(*flags)))
}

pub fn is_asked(judged: &Judgement) -> bool {
    judged.action == Action::Ask && !judged.audit
}

fn label(rule: &RuleId) -> Label {
    Label::new(rule.as_str()).expect("a rule's name is a label")
}

fn refused(thread: Thread, notice: &Notice, rule: &str, reason: &str) -> Found {
    let Ok(actor) = Actor::of(thread) else {
        return Found::Unasked;
    };
    let class = Class::of(notice);
    Found::Refused(Decided {
        op: match class {
            Class::Exec => "exec",
            Class::Network => "connect",
            Class::Files => "open",
        },
        object: format!("system call {:#x} of {:#x}", notice.call, notice.arch),
        subject: actor.subject(thread),
        errno: Some(class.errno()),
        rule: rule.into(),
        reason: reason.into(),
    })
}

impl Asked {
    fn of(worker: &Worker, question: Question, judged: Judgement) -> Self {
        Self {
            question,
            asker: worker.policy.asker(&judged),
            rule: judged.rule,
        }
    }
}

impl Ask {
    pub fn permit(&self) -> Permit<'_> {
        match &self.object {
            Object::Exec(execution) => Permit::Exec(execution),
            Object::Reach(reach) => Permit::Reach(&reach.goals),
            Object::File(opening) => Permit::File(opening),
        }
    }

    pub fn questions(&self) -> &[Asked] {
        &self.questions
    }

    /// Of the object that one of the questions is about.
    pub fn told(&self, index: usize, reason: &str) -> Decided {
        let asked = &self.questions[index];
        Decided {
            op: asked.question.op.as_str(),
            object: self.object.shown(index),
            subject: self.actor.subject(self.thread),
            errno: None,
            rule: asked.rule.to_string(),
            reason: reason.into(),
        }
    }
}

impl Object {
    fn shown(&self, index: usize) -> String {
        match self {
            Self::Exec(execution) => shown(&execution.program().path),
            Self::Reach(reach) => {
                let goal = reach.goals[index];
                std::net::SocketAddr::new(goal.ip(), goal.address.port).to_string()
            }
            Self::File(opening) => shown(&opening.path),
        }
    }
}
