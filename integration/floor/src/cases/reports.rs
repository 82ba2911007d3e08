//! What is reported of operations that are allowed: nothing, unless somebody asks.

use std::fs::File;
use std::time::Duration;

use nix::unistd::Pid;
use sevorix_bpf::floor::{Enforcer, Operation, Outcome as Told};

use crate::agent::{self, Outcome};
use crate::stage::{self, ROOTS, Stage};
use crate::{Result, told};

pub fn run(enforcer: &Enforcer, filter: &str) -> Result<usize> {
    if !"reports".contains(filter) {
        return Ok(0);
    }
    let root = ROOTS[0];
    let stage = Stage::new(enforcer, root, &stage::image(root)?)?;
    let label = |pid: Pid| {
        enforcer
            .label(pid.as_raw(), stage.container, false)
            .map_err(told)
    };
    let open = || File::open(format!("{root}/free/file")).map(drop);
    // how often its open was reported as allowed, by its name
    let reports = || -> Result<usize> {
        if agent::run(label, open)? != Outcome::Done {
            return Err("an allowed open is refused".into());
        }
        let mut count = 0;
        let take = |event: sevorix_bpf::floor::Event| {
            let is_it = event.outcome == Told::Allow
                && event.operation == Operation::Open
                && event.object.ends_with("/free/file");
            count += usize::from(is_it && event.errno == 0);
        };
        enforcer.read_events(Duration::ZERO, take).map_err(told)?;
        Ok(count)
    };
    let ask = |time| enforcer.report_allowed(stage.container, time).map_err(told);
    reports()?; // what was reported before is read, and the answer is remembered
    let silent = reports()? == 0;
    let asked = ask(Duration::from_secs(60))? && reports()? == 1;
    let over = ask(Duration::ZERO)? && reports()? == 0;
    let run_out = ask(Duration::from_nanos(1))? && reports()? == 0;
    let gone = stage.container;
    stage.end()?;
    let nobody = !enforcer
        .report_allowed(gone, Duration::from_secs(60))
        .map_err(told)?;
    let mut failures = 0;
    for (name, right) in [
        ("an allowed open is not reported", silent),
        ("the twin: it is, by its name, while somebody asks", asked),
        ("it is not when nobody asks any more", over),
        ("it is not when who asked is gone", run_out),
        ("a container that is gone can't be asked about", nobody),
    ] {
        println!("{} reports: {name}", if right { "ok" } else { "FAILED" });
        failures += usize::from(!right);
    }
    Ok(failures)
}
