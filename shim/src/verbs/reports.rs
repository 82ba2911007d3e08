//! What the kernel reported of containers under a policy, one line each.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use sevorix_bpf::floor::{Enforcer, Event};
use sevorix_container::floor::Record;

use super::{compact, print};
use crate::error::{Context, Result};

/// Which reports, and how they are told.
#[derive(Debug, Clone, Copy)]
pub struct Reports<'a> {
    /// the container's id or the beginning of it; `None`: of all containers
    pub of: Option<&'a str>,
    pub json: bool,
    /// go on until somebody ends it
    pub follow: bool,
}

/// How long one look at the kernel's buffer waits for something to come.
const WAIT: Duration = Duration::from_millis(500);

impl Reports<'_> {
    /// A report is handed out once: who reads here takes it from every other reader.
    pub fn print(self) -> Result<u8> {
        let enforcer = Enforcer::ensure_loaded().map_err(sevorix_container::Error::from)?;
        let mut lost = 0;
        loop {
            let records = Record::all()?;
            let mut events = Vec::new();
            let wait = if self.follow { WAIT } else { Duration::ZERO };
            enforcer
                .read_events(wait, |event| events.push(event))
                .map_err(sevorix_container::Error::from)?;
            let since = boot()?;
            let mut text = String::new();
            for event in &events {
                let record = record_of(&records, event);
                if self.wants(record) {
                    text += &self.line(event, record, since + event.time)?;
                }
            }
            let now = enforcer
                .lost_events()
                .map_err(sevorix_container::Error::from)?;
            if now > lost {
                text += &self.loss(now - lost)?;
                lost = now;
            }
            let status = print(&text)?;
            if status != 0 || !self.follow {
                return Ok(status);
            }
        }
    }

    fn wants(&self, record: Option<&Record>) -> bool {
        let Some(prefix) = self.of else { return true };
        record.is_some_and(|record| record.container.starts_with(prefix))
    }

    fn line(&self, event: &Event, record: Option<&Record>, at: SystemTime) -> Result<String> {
        if self.json {
            return Ok(format!("{}\n", compact(&as_json(event, record, at))?));
        }
        let at = humantime::format_rfc3339_millis(at).to_string();
        let time = at.get(11..23).unwrap_or_default();
        let id = record.map_or("-", |record| record.container.as_str());
        let short: String = id.chars().take(12).collect();
        let times = match event.count {
            1 => String::new(),
            count => format!("  x{count}"),
        };
        Ok(format!(
            "{time} {short}  {:5} {} {}  {}({})  {}{times}\n",
            event.outcome.as_str(),
            event.operation,
            object(event, record),
            event.comm,
            event.pid,
            because(event, record),
        ))
    }

    fn loss(&self, count: u64) -> Result<String> {
        if self.json {
            return Ok(format!("{}\n", compact(&json!({"v": 1, "lost": count}))?));
        }
        Ok(format!("{count} reports found no room and are lost\n"))
    }
}

fn record_of<'a>(records: &'a BTreeMap<u32, Record>, event: &Event) -> Option<&'a Record> {
    let record = records.get(&event.container.slot)?;
    record.is_of(event.container).then_some(record)
}

fn object(event: &Event, record: Option<&Record>) -> String {
    record.map_or_else(|| event.object.clone(), |record| record.object(event))
}

/// The rule that decided, or the floor's reason where none did.
fn because(event: &Event, record: Option<&Record>) -> String {
    match record.and_then(|record| record.rule(event)) {
        Some(rule) => rule.into(),
        None if event.reason.is_floor() => format!("floor.{}", event.reason),
        None => format!("rule {}", event.rule),
    }
}

fn as_json(event: &Event, record: Option<&Record>, at: SystemTime) -> Value {
    let errno = (event.errno != 0).then(|| {
        let name = nix::errno::Errno::from_raw(event.errno);
        format!("{name:?}")
    });
    json!({
        "v": 1,
        "ts": humantime::format_rfc3339_millis(at).to_string(),
        "container": record.map(|record| &record.container),
        "name": record.and_then(|record| record.name.as_ref()),
        "policy": record.map(|record| format!("sha256:{}", record.digest)),
        "mode": record.map(|record| if record.audit { "audit" } else { "enforce" }),
        "op": event.operation.as_str(),
        "object": object(event, record),
        "subject": {"pid": event.pid, "uid": event.uid, "comm": event.comm},
        "result": event.outcome.as_str(),
        "errno": errno,
        "by": if event.reason.is_floor() { "floor" } else { "policy" },
        "rule": because(event, record),
        "reason": event.reason.as_str(),
        "count": event.count,
    })
}

/// When the machine was started, by the clock as it is now.
fn boot() -> Result<SystemTime> {
    let up = clock_gettime(ClockId::CLOCK_BOOTTIME).during(|| "read the clock".into())?;
    Ok(SystemTime::now() - Duration::from(up))
}
