//! What agents try, and what must come of it.

mod asks;
mod code;
mod files;
mod leftovers;
mod origin;
mod reports;
mod scope;
mod tree;

use std::io;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use sevorix_bpf::floor::Enforcer;

use crate::agent::{self, Outcome};
use crate::stage::{self, ROOTS, Stage};
use crate::{Result, told};

pub struct Case {
    name: &'static str,
    expected: Outcome,
    act: fn(&Path) -> io::Result<()>,
}

const DENIED: Outcome = Outcome::Refused(Errno::EACCES);
const CROSSES: Outcome = Outcome::Refused(Errno::EXDEV);

fn allowed(name: &'static str, act: fn(&Path) -> io::Result<()>) -> Case {
    expect(name, Outcome::Done, act)
}

fn denied(name: &'static str, act: fn(&Path) -> io::Result<()>) -> Case {
    expect(name, DENIED, act)
}

fn expect(name: &'static str, expected: Outcome, act: fn(&Path) -> io::Result<()>) -> Case {
    Case {
        name,
        expected,
        act,
    }
}

pub fn run(filter: &str) -> Result<()> {
    let cases: Vec<Case> = [files::all(), tree::all(), code::all()]
        .into_iter()
        .flatten()
        .collect();
    agent::outside()?;
    let mut failures = 0;
    let mut count = 0;
    let chosen = || cases.iter().filter(|case| case.name.contains(filter));
    // the negative control: what is denied below must otherwise succeed, or its denial would prove nothing
    for case in chosen() {
        stage::set_up()?;
        let outcome = agent::run(|_| Ok(()), || (case.act)(Path::new(ROOTS[0])))?;
        failures += report(
            "without a floor",
            ROOTS[0],
            case.name,
            outcome,
            Outcome::Done,
        );
    }
    let enforcer = Enforcer::ensure_loaded().map_err(told)?;
    stage::set_up()?;
    for root in ROOTS {
        let stage = Stage::new(&enforcer, root, &stage::image(root)?)?;
        for case in chosen() {
            let label = |pid: nix::unistd::Pid| {
                enforcer
                    .label(pid.as_raw(), stage.container, false)
                    .map_err(told)
            };
            let outcome = agent::run(label, || (case.act)(Path::new(root)))?;
            failures += report("floor", root, case.name, outcome, case.expected);
            count += 1;
        }
        show_events(&enforcer)?;
        for (operation, outcome, count) in enforcer.counts(stage.container).map_err(told)? {
            println!("count {operation} {outcome} {count}");
        }
        stage.end()?;
    }
    failures += scope::run(&enforcer, filter)?;
    failures += leftovers::run(&enforcer, filter)?;
    failures += reports::run(&enforcer, filter)?;
    failures += origin::run(&enforcer, filter)?;
    failures += asks::run(&enforcer, filter)?;
    println!(
        "{count} cases on two file systems, {failures} failures; {} events lost",
        enforcer.lost_events().map_err(told)?
    );
    match failures {
        0 => Ok(()),
        _ => Err(format!("{failures} cases failed").into()),
    }
}

/// 1 for a failure.
fn report(when: &str, root: &str, name: &str, outcome: Outcome, expected: Outcome) -> usize {
    let verdict = if outcome == expected { "ok" } else { "FAILED" };
    println!("{verdict} {when} {root} {name}: {outcome}, expected {expected}");
    usize::from(outcome != expected)
}

fn show_events(enforcer: &Enforcer) -> Result<()> {
    let show = |event: sevorix_bpf::floor::Event| {
        println!(
            "event {} {} {} rule={} errno={} count={} {} {}",
            event.operation,
            event.outcome,
            event.reason,
            event.rule,
            event.errno,
            event.count,
            event.comm,
            event.object
        );
    };
    enforcer.read_events(Duration::ZERO, show).map_err(told)
}
