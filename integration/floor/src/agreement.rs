//! The kernel's programs and `judge` must never disagree: policies by chance, every place of a small tree opened under
//! each, both answers compared.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use sevorix_bpf::floor::Enforcer;
use sevorix_policy::{Act, Action, Components, Policy, components, judge};

use crate::agent::{self, Outcome};
use crate::stage::{self, Stage};
use crate::{Result, told};

const ROOT: &str = "/var/floor/plain";
/// Names of 8, 16 and 17 letters and more than a dentry holds: the programs read each kind in another way.
const FOLDERS: [&str; 3] = ["eight-88", "of-17-letters-now", ".env"];
const FILES: [&str; 4] = [
    "fa",
    "fb-2-fifteen.pem",
    "f.env",
    "fc-whose-name-is-too-long-to-lie-in-the-dentry-itself.a",
];

pub fn run(policies: usize) -> Result<()> {
    stage::set_up()?;
    let places = plant(Path::new(ROOT))?;
    let enforcer = Enforcer::ensure_loaded().map_err(told)?;
    let mut chance = Chance(0x5eed);
    let mut tried = 0;
    while tried < policies {
        let text = policy(&mut chance, &places);
        let name = "chance".parse().map_err(|error| format!("{error:?}"))?;
        // a rule that another one hides is refused by the parser: the next one, then
        let Ok(policy) = Policy::parse(name, "chance.toml", &text) else {
            continue;
        };
        tried += 1;
        let stage = Stage::new(&enforcer, ROOT, &stage::compiled(&text)?)?;
        let label = |pid: nix::unistd::Pid| {
            enforcer
                .label(pid.as_raw(), stage.container, false)
                .map_err(told)
        };
        let outcome = agent::run(label, || all_agree(&policy, &places))?;
        stage.end()?;
        if outcome != Outcome::Done {
            return Err(format!("policy {tried}: {outcome}\n{text}").into());
        }
    }
    println!(
        "{} opens, judge and kernel agree",
        policies * places.len() * 2
    );
    Ok(())
}

/// Folders four deep, with the same files in each.
fn plant(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![root.join("chance")];
    let mut places = Vec::new();
    for _ in 0..4 {
        let mut inner = Vec::new();
        for folder in &folders {
            fs::create_dir_all(folder)?;
            for file in FILES.iter().map(|file| folder.join(file)) {
                fs::write(&file, "content\n")?;
                places.push(file);
            }
            inner.extend(FOLDERS.iter().map(|name| folder.join(name)));
        }
        folders = inner;
    }
    Ok(places)
}

/// In the agent: what the kernel says, and what `judge` does.
fn all_agree(policy: &Policy, places: &[PathBuf]) -> io::Result<()> {
    for place in places {
        let path: Components =
            components(&place.to_string_lossy()).map_err(|_| io::Error::other("no path"))?;
        for write in [false, true] {
            let opened = match write {
                true => OpenOptions::new().write(true).open(place),
                false => File::open(place),
            };
            let act = Act::Open {
                path: path.clone(),
                read: !write,
                write,
            };
            let judged = judge(policy, &act);
            let lets_through = judged.action == Action::Allow || judged.audit;
            if opened.is_ok() != lets_through {
                println!(
                    "{}, writing {write}: the kernel says {opened:?}, judge {judged:?}",
                    place.display()
                );
                return Err(io::Error::from_raw_os_error(libc::EILSEQ));
            }
        }
    }
    Ok(())
}

fn policy(chance: &mut Chance, places: &[PathBuf]) -> String {
    let default = chance.one(&["allow", "deny", "ask"]);
    let mut text = format!("version = 1\n[file]\ndefault = \"{default}\"\nrules = [\n");
    for _ in 0..chance.below(8) {
        let access = chance.one(&["r", "w", "c", "rw", "rwc"]);
        let action = chance.one(&["allow", "deny", "ask", "deny"]);
        let audit = chance.one(&["", "", ", audit = true"]);
        let object = match chance.below(4) {
            0 => format!(
                "name = \"{}\"",
                chance.one(&[FILES[0], "*.pem", FILES[2], "*.a", "*.env", FILES[3]])
            ),
            _ => {
                let place = &places[chance.below(places.len())];
                let up = place.ancestors().nth(chance.below(3)).unwrap_or(place);
                let reach = chance.one(&["", "/*", "/**"]);
                format!("path = \"{}{reach}\"", up.display())
            }
        };
        text +=
            &format!("  {{ {object}, access = \"{access}\", action = \"{action}\"{audit} }},\n");
    }
    text + "]\n"
}

/// The same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}
