//! One report as other programs read it: fields are added, never renamed.

use std::time::SystemTime;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use sevorix_bpf::floor::Event;

use super::{Degraded, Record};

/// One line of `sevorix events --json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub v: u32,
    /// counts the container's entries
    pub seq: u64,
    pub ts: String,
    /// absent when the container was gone before its report was read
    pub container: Option<String>,
    pub name: Option<String>,
    pub policy: Option<String>,
    pub mode: Option<String>,
    pub op: String,
    pub object: String,
    pub subject: Subject,
    pub result: String,
    pub errno: Option<String>,
    pub by: String,
    pub rule: String,
    pub reason: String,
    pub count: u32,
    /// of `degraded`: what is not held
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unheld: Vec<String>,
}

/// The process that did it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub pid: u32,
    pub uid: u32,
    pub comm: String,
}

/// A decision that was not the kernel's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub op: &'static str,
    pub object: String,
    pub subject: Subject,
    /// `None`: it was allowed
    pub errno: Option<Errno>,
    pub rule: String,
    pub reason: String,
}

impl Entry {
    /// The number is the journal's to give.
    pub(super) fn of(event: &Event, record: Option<&Record>, at: SystemTime) -> Self {
        let errno = (event.errno != 0).then(|| format!("{:?}", Errno::from_raw(event.errno)));
        let floor = event.reason.is_floor();
        Self {
            op: event.operation.as_str().into(),
            object: record.map_or_else(|| event.object.clone(), |record| record.object(event)),
            subject: Subject {
                pid: event.pid,
                uid: event.uid,
                comm: event.comm.clone(),
            },
            result: event.outcome.as_str().into(),
            errno,
            by: if floor { "floor" } else { "policy" }.into(),
            rule: because(event, record),
            reason: event.reason.as_str().into(),
            count: event.count,
            ..Self::about(record, at)
        }
    }

    /// The first of a container on a host that can't hold whole policies.
    pub(super) fn degraded(record: &Record, degraded: &Degraded) -> Self {
        let process = nix::unistd::Pid::this().as_raw();
        Self {
            op: "degraded".into(),
            object: record.policy.clone(),
            subject: Subject {
                pid: u32::try_from(process).unwrap_or_default(),
                uid: nix::unistd::getuid().as_raw(),
                comm: "sevorix".into(),
            },
            result: "audit".into(),
            by: "floor".into(),
            rule: "floor.degraded".into(),
            reason: degraded.lack.clone(),
            unheld: degraded.told().into_iter().map(String::from).collect(),
            ..Self::about(Some(record), SystemTime::now())
        }
    }

    /// What became of an action that was held.
    pub(super) fn decided(decision: &Decided, record: Option<&Record>) -> Self {
        Self {
            op: decision.op.into(),
            object: decision.object.clone(),
            subject: decision.subject.clone(),
            result: if decision.errno.is_some() {
                "deny"
            } else {
                "allow"
            }
            .into(),
            errno: decision.errno.map(|errno| format!("{errno:?}")),
            by: "verdict".into(),
            rule: decision.rule.clone(),
            reason: decision.reason.clone(),
            ..Self::about(record, SystemTime::now())
        }
    }

    fn about(record: Option<&Record>, at: SystemTime) -> Self {
        Self {
            v: 1,
            ts: humantime::format_rfc3339_millis(at).to_string(),
            container: record.map(|record| record.container.clone()),
            name: record.and_then(|record| record.name.clone()),
            policy: record.map(|record| format!("sha256:{}", record.digest)),
            mode: record.map(|record| record.mode().into()),
            count: 1,
            ..Self::default()
        }
    }
}

/// The rule that decided, or the floor's reason where none did.
fn because(event: &Event, record: Option<&Record>) -> String {
    match record.and_then(|record| record.rule(event)) {
        Some(rule) => rule.into(),
        None if event.reason.is_floor() => format!("floor.{}", event.reason),
        None => format!("rule {}", event.rule),
    }
}
