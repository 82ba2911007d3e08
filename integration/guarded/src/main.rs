//! Runs attacks under the guard, and their twins, and compares what came of each with what the table of attacks says.
//!
//! For a throw-away virtual machine: it loads the programs and changes files at the root. What a seccomp filter refuses
//! is not tried here: there is a cgroup under a policy, and no container around it.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use serde_json::Value;
use sevorix_bpf::floor::{Container, Enforcer, Mount, Registration};
use sevorix_policy::{Folders, Image, compile};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const BINFMT_MISC: &str = "/proc/sys/fs/binfmt_misc";
const ATTACK: &str = "/usr/bin/attack";
/// Ways that only a filter of system calls, or the runtime, stands in: `more_bundle_policy_stops_what_no_hook_sees`.
const NOT_A_HOOKS: [&str; 8] = ["F8", "F9", "F14s", "R6", "R10", "R18", "R24", "X16"];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match run(&wanted) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            println!("{failed} failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(source) = cause {
                text += &format!(": {source}");
                cause = source.source();
            }
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: &[String]) -> Result<usize> {
    let enforcer = Enforcer::ensure_loaded()?;
    // what others left unread may fill the ring, and events that find no room are lost
    enforcer.read_events(Duration::from_millis(1), drop)?;
    mount_binfmt_misc()?;
    let helpers = Helpers::start()?;
    let mut failed = 0;
    for line in said(Command::new(ATTACK).arg("list"))?.lines() {
        let row: Value = serde_json::from_str(line)?;
        let id = row["id"].as_str().unwrap_or_default();
        let tried = row["not_tried"].is_null() && !NOT_A_HOOKS.contains(&id);
        if !tried || !(wanted.is_empty() || wanted.iter().any(|one| one == id)) {
            continue;
        }
        for what in [What::Attack, What::Twin] {
            let verdict = Trial {
                enforcer: &enforcer,
                outsider: helpers.outsider.id(),
                row: &row,
                id,
                what,
            }
            .hold();
            match verdict {
                Ok(()) => println!("ok {id} {}", what.word()),
                Err(error) => {
                    failed += 1;
                    println!("FAILED {id} {}: {error}", what.word());
                }
            }
        }
    }
    Ok(failed)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Attack,
    Twin,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Attack => "attack",
            Self::Twin => "twin",
        }
    }
}

struct Trial<'a> {
    enforcer: &'a Enforcer,
    outsider: u32,
    row: &'a Value,
    id: &'a str,
    what: What,
}

impl Trial<'_> {
    fn hold(&self) -> Result<()> {
        prepare()?;
        let cgroup = Cgroup::new(&format!("guarded-{}-{}", self.id, self.what.word()))?;
        let image = image_of(self.id)?;
        let mounts = Mount::of_process(std::process::id().try_into()?)?;
        let container = self.enforcer.register(&Registration {
            cgroup: &cgroup.path,
            image: &image,
            policy_id: image.policy_id(),
            mounts: &mounts,
            began: None,
            init: None,
        })?;
        let answer = self.try_in(&cgroup);
        let events = self.events_of(container)?;
        self.enforcer.release(container)?;
        let answer: Value = serde_json::from_str(answer?.trim())?;
        match self.what {
            What::Twin => self.twin_must_pass(&answer, &events),
            What::Attack => self.attack_must_end(&answer, &events),
        }
    }

    /// A shell moves itself into the cgroup and becomes the attack there.
    fn try_in(&self, cgroup: &Cgroup) -> Result<String> {
        let procs = cgroup.path.join("cgroup.procs");
        let twin = if self.what == What::Twin { "twin" } else { "" };
        let order = format!(
            "echo $$ > {} && exec {ATTACK} {} {twin}",
            procs.display(),
            self.id
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &order])
            .env("ATTACK_OUTSIDER", self.outsider.to_string());
        said(&mut shell)
    }

    fn events_of(&self, container: Container) -> Result<Vec<String>> {
        let mut found = Vec::new();
        self.enforcer
            .read_events(Duration::from_millis(1), |event| {
                if event.container == container {
                    let (operation, reason) = (event.operation, event.reason);
                    found.push(format!("{operation} {reason} {}", event.object));
                }
            })?;
        Ok(found)
    }

    fn twin_must_pass(&self, answer: &Value, events: &[String]) -> Result<()> {
        match answer["outcome"].as_str() {
            Some("passed") => Ok(()),
            _ => Err(format!("{answer}, events: {events:?}").into()),
        }
    }

    fn attack_must_end(&self, answer: &Value, events: &[String]) -> Result<()> {
        let ways = self.row["ways"].as_array().into_iter().flatten();
        let way = ways
            .into_iter()
            .find(|way| way["way"] == answer["way"])
            .ok_or("a way that no table has")?;
        if way["outcome"] != answer["outcome"] || way["errno"] != answer["errno"] {
            return Err(format!("{answer} instead of {way}, events: {events:?}").into());
        }
        let operation = self.row["event"].as_str().unwrap_or_default();
        let told = events
            .iter()
            .any(|event| event.split(' ').next() == Some(operation));
        if !operation.is_empty() && !told {
            return Err(format!("no event of {operation}, but {events:?}").into());
        }
        Ok(())
    }
}

/// X17 is about a part of the kernel that most machines have mounted.
fn mount_binfmt_misc() -> Result<()> {
    if Path::new(BINFMT_MISC).join("register").exists() {
        return Ok(());
    }
    said(Command::new("modprobe").arg("binfmt_misc"))?;
    said(Command::new("mount").args(["-t", "binfmt_misc", "binfmt_misc", BINFMT_MISC])).map(drop)
}

fn image_of(id: &str) -> Result<Image> {
    let path = PathBuf::from(format!("/run/{id}.toml"));
    fs::write(&path, said(Command::new(ATTACK).args(["policy", id]))?)?;
    let folders = Folders {
        must_be_roots: false,
        ..Folders::default()
    };
    Ok(compile(&folders.policy_file(&path)?)?)
}

fn prepare() -> Result<()> {
    for folder in ["/protected", "/readable", "/desk"] {
        if Path::new(folder).exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    said(Command::new(ATTACK).args(["prepare", "/"])).map(drop)
}

fn said(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    match output.status.code() {
        Some(0 | 10 | 20) => Ok(String::from_utf8(output.stdout)?),
        _ => Err(format!("{command:?}: {}", output.status).into()),
    }
}

/// What attacks look for outside: a process, and one that gives its descriptors away.
struct Helpers {
    donor: Child,
    outsider: Child,
}

impl Helpers {
    fn start() -> Result<Self> {
        let donor = Command::new(ATTACK)
            .arg("donor")
            .stdout(Stdio::null())
            .spawn()?;
        let outsider = Command::new("sleep").arg("infinity").spawn()?;
        while !Path::new("/run/outside/stream").exists() {
            std::thread::yield_now();
        }
        Ok(Self { donor, outsider })
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        for child in [&mut self.donor, &mut self.outsider] {
            // the machine ends with us
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    fn new(name: &str) -> Result<Self> {
        let path = Path::new("/sys/fs/cgroup").join(name);
        fs::create_dir(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // what is still in it keeps it, and the machine ends with us
        let _ = fs::remove_dir(&self.path);
    }
}
