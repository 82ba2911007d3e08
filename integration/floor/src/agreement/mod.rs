//! The kernel's programs and `judge` must never disagree: policies by chance, the same acts under each, both answers compared.

mod attempt;
mod chance;
pub mod commands;
mod outside;
mod policies;
mod tree;

use std::io;
use std::time::Instant;

use sevorix_bpf::floor::Enforcer;
use sevorix_policy::{Action, Policy, Refusal, judge};

use self::attempt::Attempt;
use self::chance::Chance;
use self::outside::Outside;
use crate::agent::{self, Outcome};
use crate::stage::{self, Stage};
use crate::{Result, told};

const ROOT: &str = "/var/floor/plain";

/// As many policies as it takes for so many acts.
pub fn run(wanted: usize) -> Result<()> {
    stage::set_up()?;
    let tree = tree::plant(ROOT.as_ref())?;
    let mut outside = Outside::start()?;
    let enforcer = Enforcer::ensure_loaded().map_err(told)?;
    let mut chance = Chance::new();
    let (mut acts, mut policies) = (0, 0);
    let mut refused = 0;
    let started = Instant::now();
    while acts < wanted {
        let (text, policy) = policies::next(&mut chance, &tree)?;
        let attempts = attempt::all(&mut chance, &tree);
        let stage = Stage::new(&enforcer, ROOT, &stage::compiled(&text)?)?;
        let place = |pid: nix::unistd::Pid| {
            stage.cgroup.take(pid)?;
            let label = enforcer.label(pid.as_raw(), stage.container, false);
            label.map_err(told)
        };
        let outcome = agent::run(place, || all_agree(&policy, &attempts, &mut outside))?;
        stage.end()?;
        if outcome != Outcome::Done {
            return Err(format!("policy {policies}: {outcome}\n{text}").into());
        }
        policies += 1;
        acts += attempts.len();
        refused += attempts
            .iter()
            .filter(|one| refusal_of(&policy, one).is_some())
            .count();
    }
    // were nearly all of them of one kind, agreement would mean little
    if refused * 10 < acts || refused * 10 > acts * 9 {
        return Err(format!("{refused} of {acts} acts are refused: no fair sample").into());
    }
    println!(
        "ok agreement: {acts} acts under {policies} policies, {refused} of them refused, in {} s",
        started.elapsed().as_secs()
    );
    Ok(())
}

/// In the agent: what the kernel says, and what `judge` does, to the very errno.
fn all_agree(policy: &Policy, attempts: &[Attempt], outside: &mut Outside) -> io::Result<()> {
    for attempt in attempts {
        let answer = attempt.make(outside)?;
        let expected = refusal_of(policy, attempt);
        if answer != expected {
            println!("{attempt:?}: the kernel says {answer:?}, judge {expected:?}");
            return Err(io::Error::from_raw_os_error(libc::EILSEQ));
        }
    }
    Ok(())
}

/// The errno that `judge` refuses with; nothing where the act is let through.
fn refusal_of(policy: &Policy, attempt: &Attempt) -> Option<i32> {
    let judged = judge(policy, &attempt.act());
    if judged.action == Action::Allow || judged.audit {
        return None;
    }
    judged.refusal.map(|refusal| match refusal {
        Refusal::Access => libc::EACCES,
        Refusal::Perm => libc::EPERM,
        Refusal::CrossDevice => libc::EXDEV,
    })
}
