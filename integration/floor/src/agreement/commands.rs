//! The kernel's programs and `judge` must never disagree about what is executed: policies and command lines by chance, of a
//! program that was there before and of one that the agent wrote.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};

use sevorix_bpf::floor::Enforcer;
use sevorix_policy::{Act, Judgement, Policy, components, judge};

use super::chance::Chance;
use crate::agent::{self, Outcome};
use crate::stage::{self, Stage};
use crate::{Result, told};

const ROOT: &str = "/var/floor/plain";
const FOUND: &str = "/var/floor/plain/bin/good";
const WRITTEN: &str = "/var/floor/plain/bin/written";
/// The name by which busybox does nothing, whatever its arguments are.
const NAME: &str = "true";
const LINES: usize = 12;

pub fn run(policies: usize) -> Result<()> {
    stage::set_up()?;
    let enforcer = Enforcer::ensure_loaded().map_err(told)?;
    let mut chance = Chance::new();
    let mut tried = 0;
    while tried < policies {
        let text = policy(&mut chance);
        let name = "chance".parse().map_err(|error| format!("{error:?}"))?;
        // a rule that another one hides is refused by the parser: the next one, then
        let Ok(policy) = Policy::parse(name, "chance.toml", &text) else {
            continue;
        };
        tried += 1;
        let _ = fs::remove_file(WRITTEN); // of the policy before
        let stage = Stage::new(&enforcer, ROOT, &stage::compiled(&text)?)?;
        let lines: Vec<Vec<String>> = (0..LINES).map(|_| line(&mut chance)).collect();
        let label = |pid: nix::unistd::Pid| {
            let labelled = enforcer.label(pid.as_raw(), stage.container, false);
            labelled.map_err(told)
        };
        let outcome = agent::run(label, || all_agree(&policy, &lines))?;
        stage.end()?;
        if outcome != Outcome::Done {
            return Err(format!("policy {tried}: {outcome}\n{text}").into());
        }
    }
    let count = policies * LINES * 2;
    println!(
        "ok commands: {count} command lines under {policies} policies, judge and kernel agree"
    );
    Ok(())
}

fn all_agree(policy: &Policy, lines: &[Vec<String>]) -> io::Result<()> {
    fs::copy(FOUND, WRITTEN)?;
    for (program, written) in [(FOUND, false), (WRITTEN, true)] {
        for words in lines {
            let ran = runs(program, words)?;
            let judged = judged(policy, program, written, words)?;
            if ran != judged.lets_through() {
                println!("{program} {words:?}: it ran {ran}, judge {judged:?}");
                return Err(io::Error::from_raw_os_error(libc::EILSEQ));
            }
        }
    }
    Ok(())
}

fn runs(program: &str, words: &[String]) -> io::Result<bool> {
    let mut command = Command::new(program);
    command.arg0(NAME).args(words).env_clear();
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.signal() == Some(libc::SIGKILL) => Ok(false),
        Ok(status) if status.success() => Ok(true),
        Ok(status) => Err(io::Error::other(format!("{program}: {status}"))),
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => Ok(false),
        // a kill's errno; the child that it is meant for ends before it can tell
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok(false),
        Err(error) => Err(error),
    }
}

fn judged(
    policy: &Policy,
    program: &str,
    written: bool,
    words: &[String],
) -> io::Result<Judgement> {
    let line = [NAME].into_iter().chain(words.iter().map(String::as_str));
    let act = Act::Exec {
        path: components(program).map_err(|_| io::Error::other("no path"))?,
        written,
        argv: line
            .map(|word| Path::new(word).as_os_str().as_bytes().into())
            .collect(),
    };
    Ok(judge(policy, &act))
}

/// Short words of few letters, so that they meet the globs often; now and then a line at the edge of what is judged.
fn line(chance: &mut Chance) -> Vec<String> {
    const EDGE: usize = sevorix_policy::LINE_MOST - NAME.len() - 2;
    if chance.below(10) == 0 {
        return vec!["a".repeat(EDGE + chance.below(2))];
    }
    let count = chance.below(4);
    (0..count)
        .map(|_| {
            chance
                .one(&["", "a", "b", "ab", "ba", "aab", "abab"])
                .to_owned()
        })
        .collect()
}

fn policy(chance: &mut Chance) -> String {
    let writable = chance.one(&["allow", "deny", "ask", "kill"]);
    let mut text =
        format!("version = 1\n[exec]\ndefault = \"allow\"\nwritable = \"{writable}\"\nrules = [\n");
    for _ in 0..1 + chance.below(5) {
        let path = chance.one(&[FOUND, WRITTEN, "/var/floor/plain/bin/*", "/var/floor/**"]);
        let action = chance.one(&["allow", "deny", "ask", "kill"]);
        let audit = chance.one(&["", "", ", audit = true"]);
        text += &format!(
            "  {{ path = \"{path}\", {}action = \"{action}\"{audit} }},\n",
            globs(chance)
        );
    }
    text + "]\n[exec.jit]\ndefault = \"allow\"\n[file]\ndefault = \"allow\"\n"
}

fn globs(chance: &mut Chance) -> String {
    let mut globs: Vec<&str> = (0..chance.below(3))
        .map(|_| chance.one(&["a", "ab", "*", "?", "a*", "*b", "a*b*", "??*"]))
        .collect();
    globs.extend(*chance.of(&[None, Some("**")]));
    match globs.is_empty() {
        true => String::new(),
        false => format!("argv = {globs:?}, "),
    }
}
