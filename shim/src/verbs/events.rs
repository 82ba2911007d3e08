//! `events`: what a container uses, once or again and again, and when it runs out of memory; or, with our own options or
//! without an id, what its policy refused.

use std::ffi::OsString;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use sevorix_container::Container;

use super::reports::Reports;
use super::{compact, duration, print, text, with_id, wrong_count};
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::{Options as _, options};
use crate::watch::{Happening, Watch};

options! {
    /// print what a container uses, and when it runs out of memory; or what policies refused
    pub struct Events("events", "[ID]") {
        /// time between two prints, as 500ms or 1m30s (default: 5s)
        interval: Option<String>,
        /// print once
        stats: bool,
        /// what policies refused, as it happens
        'f' follow: bool,
        /// what policies refused, as JSON
        json: bool,
        /// follow also what the policy of one container allows, as long as this runs
        allowed: bool,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, operands) = Events::read(words)?;
    if options.follow || options.json || options.allowed || operands.is_empty() {
        return reports(&options, operands);
    }
    let (_, id) = with_id::<Events>(words)?;
    let interval = duration("interval", options.interval.as_deref().unwrap_or("5s"))?;
    let container = globals.runtime()?.load(&id)?;
    if options.stats {
        return print_stats(&container);
    }
    // of a container that has ended there is nothing to tell, as of one that ends while it is watched
    let Some(init) = container.init_pid() else {
        return print_stats(&container);
    };
    let mut watch = Watch::start(init, &container.state().cgroup)?;
    let mut next = Instant::now() + interval;
    loop {
        let status = match watch.wait_until(next)? {
            Happening::End => return Ok(0),
            Happening::OutOfMemory => Event::of("oom", &container).print()?,
            Happening::Time => {
                next += interval;
                match print_stats(&container) {
                    Err(_) if container.init_pid().is_none() => return Ok(0),
                    other => other?,
                }
            }
        };
        if status != 0 {
            return Ok(status);
        }
    }
}

fn reports(options: &Events, operands: Vec<OsString>) -> Result<u8> {
    let mut ids = operands.into_iter().map(text);
    let id = ids.next();
    if ids.next().is_some() {
        return Err(wrong_count("events", "at most 1"));
    }
    let reports = Reports {
        of: id.as_deref(),
        json: options.json,
        follow: options.follow || options.allowed,
        allowed: options.allowed,
    };
    reports.print()
}

/// One line of output.
#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

impl<'a> Event<'a> {
    fn of(kind: &'static str, container: &'a Container) -> Self {
        Self {
            r#type: kind,
            id: container.id(),
            data: None,
        }
    }

    fn print(&self) -> Result<u8> {
        print(&format!("{}\n", compact(self)?))
    }
}

fn print_stats(container: &Container) -> Result<u8> {
    let data = Some(container.stats()?);
    let stats = Event::of("stats", container);
    Event { data, ..stats }.print()
}
