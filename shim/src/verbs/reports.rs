//! What the kernel reported of containers under a policy, one line each.

use std::time::Duration;

use serde_json::json;
use sevorix_bpf::floor::Enforcer;
use sevorix_container::floor::{Bookmarks, Entry, Journal, News, Place, Record};

use super::{compact, print};
use crate::error::{Error, Result};
use crate::log;

/// Which reports, and how they are told.
#[derive(Debug, Clone, Copy)]
pub struct Reports<'a> {
    /// the container's id or the beginning of it; `None`: of all containers
    pub of: Option<&'a str>,
    pub json: bool,
    /// go on until somebody ends it
    pub follow: bool,
    /// have what is allowed reported, too, meanwhile
    pub allowed: bool,
}

/// How long one look at the kernel's buffer waits for something to come.
const WAIT: Duration = Duration::from_millis(500);
/// How long allowed operations are still reported when nobody renews it any more.
const LEASE: Duration = Duration::from_secs(5);

impl Reports<'_> {
    /// All that are kept; then, when they are followed, what comes. Reading them takes them from nobody, and loads nothing.
    pub fn print(self) -> Result<u8> {
        let journal = Journal::open()?;
        let mut bookmarks = Bookmarks::default();
        let mut lost = 0;
        if Enforcer::loaded()?.is_none() {
            log::warn("nothing is loaded: no policy was enforced in the kernel since boot");
        }
        let asked = self.allowed.then(|| self.only_one()).transpose()?;
        loop {
            // another process may load it, or another release, while we wait
            let enforcer = Enforcer::loaded()?;
            if let Some(enforcer) = &enforcer {
                journal.collect(enforcer)?;
                if let Some(place) = &asked
                    && !enforcer.report_allowed(place.container(), LEASE)?
                {
                    return self.rest(&journal, &mut bookmarks);
                }
            }
            let news = journal.news(&mut bookmarks, |entry| self.wants(entry))?;
            let all_lost = enforcer.as_ref().map_or(Ok(0), Enforcer::lost_events)?;
            let status = print(&self.told(&news, all_lost.saturating_sub(lost))?)?;
            if status != 0 || !self.follow {
                return Ok(status);
            }
            lost = all_lost;
            match &enforcer {
                Some(enforcer) => enforcer.wait_for_events(WAIT)?,
                None => std::thread::sleep(WAIT),
            }
        }
    }

    /// The container that `--allowed` is about.
    fn only_one(&self) -> Result<Place> {
        let of = self.of.ok_or_else(|| {
            Error::Usage("sevorix: \"events --allowed\" requires the id of a container".into())
        })?;
        let mut named = Record::all()?;
        named.retain(|record| record.container.starts_with(of) && !record.ended);
        let places: Vec<Place> = named
            .into_iter()
            .filter_map(|record| record.place)
            .collect();
        match <[Place; 1]>::try_from(places) {
            Ok([place]) if place.is_of_this_release() => Ok(place),
            Ok(_) => Err(sevorix_container::Error::OtherFloor.into()),
            Err(places) if places.is_empty() => Err(Error::Invalid(format!(
                "{of} is no container that reports what its policy does"
            ))),
            Err(_) => Err(Error::Invalid(format!(
                "{of} is the beginning of several ids"
            ))),
        }
    }

    /// The container is gone: what it left to tell.
    fn rest(&self, journal: &Journal, bookmarks: &mut Bookmarks) -> Result<u8> {
        let news = journal.news(bookmarks, |entry| self.wants(entry))?;
        print(&self.told(&news, 0)?)
    }

    fn wants(&self, entry: &Entry) -> bool {
        let Some(prefix) = self.of else { return true };
        let id = entry.container.as_deref();
        id.is_some_and(|id| id.starts_with(prefix))
    }

    fn told(&self, news: &News, lost: u64) -> Result<String> {
        let mut text = String::new();
        if news.dropped > 0 {
            text += &self.gap(
                "dropped",
                news.dropped,
                "older reports are not kept any more",
            )?;
        }
        for entry in &news.entries {
            text += &match self.json {
                true => format!("{}\n", compact(entry)?),
                false => line(entry),
            };
        }
        if lost > 0 {
            text += &self.gap("lost", lost, "reports found no room and are lost")?;
        }
        Ok(text)
    }

    fn gap(&self, key: &str, count: u64, words: &str) -> Result<String> {
        Ok(match self.json {
            true => format!("{}\n", compact(&json!({"v": 1, key: count}))?),
            false => format!("{count} {words}\n"),
        })
    }
}

fn line(entry: &Entry) -> String {
    let time = entry.ts.get(11..23).unwrap_or_default();
    let id = entry.container.as_deref().unwrap_or("-");
    let short: String = id.chars().take(12).collect();
    let times = match entry.count {
        1 => String::new(),
        count => format!("  x{count}"),
    };
    format!(
        "{time} {short}  {:5} {} {}  {}({})  {}  #{}{times}\n",
        entry.result,
        entry.op,
        entry.object,
        entry.subject.comm,
        entry.subject.pid,
        entry.rule,
        entry.seq,
    )
}

#[cfg(test)]
mod tests {
    use sevorix_container::floor::Subject;

    use super::*;

    fn entry() -> Entry {
        Entry {
            v: 1,
            seq: 41,
            ts: "2026-11-20T12:00:03.114Z".into(),
            container: Some("3ad7b26ded6d5f00".into()),
            op: "connect".into(),
            object: "203.0.113.9:443/tcp".into(),
            subject: Subject {
                pid: 812,
                uid: 1000,
                comm: "curl".into(),
            },
            result: "deny".into(),
            rule: "net.default".into(),
            count: 1,
            ..Entry::default()
        }
    }

    #[test]
    fn a_report_is_one_line() {
        assert_eq!(
            line(&entry()),
            "12:00:03.114 3ad7b26ded6d  deny  connect 203.0.113.9:443/tcp  curl(812)  net.default  #41\n"
        );
        let folded = Entry {
            count: 7,
            container: None,
            ..entry()
        };
        assert!(line(&folded).ends_with("#41  x7\n") && line(&folded).contains(" -  deny"));
    }

    #[test]
    fn a_container_is_named_by_the_beginning_of_its_id() {
        let of = |of| Reports {
            of,
            json: false,
            follow: false,
            allowed: false,
        };
        assert!(of(Some("3ad7")).wants(&entry()) && of(None).wants(&entry()));
        assert!(!of(Some("ad7")).wants(&entry()));
        assert!(!of(Some("3")).wants(&Entry::default()));
    }

    #[test]
    fn what_is_missing_is_told() {
        let reports = Reports {
            of: None,
            json: true,
            follow: false,
            allowed: false,
        };
        let news = News {
            dropped: 3,
            entries: vec![entry()],
        };
        let told = reports.told(&news, 2).expect("told");
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], r#"{"dropped":3,"v":1}"#);
        assert!(
            lines[1].starts_with(r#"{"v":1,"seq":41,"ts":"2026-11-20T12:00:03.114Z","container":"#)
        );
        assert_eq!(lines[2], r#"{"lost":2,"v":1}"#);
    }
}
