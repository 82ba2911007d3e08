//! The options before the verb, and which verb there is.

use std::ffi::OsString;
use std::path::PathBuf;

use sevorix_container::Runtime;
use sevorix_container::cgroup::Driver;

use crate::error::Error;
use crate::grammar::{Grammar, Options, fill, options};
use crate::install;
use crate::verbs::{HIDDEN, VERBS, Verb};

options! {
    /// run containers as runc does, behind a policy
    pub struct Globals("sevorix", "VERB") ends {
        /// folder of the containers' state (default: /run/sevorix)
        root: Option<PathBuf>,
        /// append messages to this file
        log: Option<PathBuf>,
        /// text or json (default: text)
        log_format: Option<String>,
        /// log how each step goes
        debug: bool,
        /// let systemd make the cgroups: cgroupsPath is slice:prefix:name
        systemd_cgroup: bool,
        /// whether we run without root's rights: true, false or auto (default: auto)
        rootless: Option<String>,
        /// the policy of containers whose engine passes no annotations
        policy: Option<String>,
        /// accepted and not used: there is no checkpoint and restore
        criu: Option<PathBuf>,
        /// print the version
        'v' version: bool,
    }
}

/// What one invocation is to do.
#[derive(Debug)]
pub enum Task<'a> {
    Print(String),
    Verb {
        verb: &'static Verb,
        words: &'a [OsString],
    },
}

impl Task<'_> {
    /// The exit status when it can't be done.
    pub fn status_of(&self, error: &Error) -> u8 {
        match (self, error) {
            (Self::Print(_), _) => 1,
            (
                Self::Verb { verb, .. },
                Error::Usage(_) | Error::Install(install::Error::UnknownEngine { .. }),
            ) => verb.misuse,
            (Self::Verb { verb, .. }, _) => verb.failure,
        }
    }
}

/// The options stand also when the task can't be made out: they say where to log that.
pub fn read(words: &[OsString]) -> (Globals, Result<Task<'_>, Error>) {
    let mut globals = Globals::default();
    let task = fill(&mut globals, words).and_then(|operands| task(&globals, words, operands.len()));
    (globals, task)
}

fn task<'a>(globals: &Globals, words: &'a [OsString], left: usize) -> Result<Task<'a>, Error> {
    if globals.version {
        return Ok(Task::Print(version()));
    }
    let Some((name, words)) = words[words.len() - left..].split_first() else {
        return Err(Error::Help(&Globals::GRAMMAR));
    };
    let name = name.to_string_lossy();
    match VERBS
        .iter()
        .chain(HIDDEN)
        .find(|verb| verb.grammar.name == name)
    {
        Some(verb) => Ok(Task::Verb { verb, words }),
        None if name == "help" || name == "h" => Err(Error::Help(topic(words))),
        None => Err(Error::Usage(format!(
            "no help topic for '{}'",
            name.escape_debug()
        ))),
    }
}

/// The whole program's grammar, and that of each verb: what manuals and completions are made of.
pub fn grammars() -> (&'static Grammar, impl Iterator<Item = &'static Grammar>) {
    (&Globals::GRAMMAR, VERBS.iter().map(|verb| verb.grammar))
}

fn topic(words: &[OsString]) -> &'static Grammar {
    let named = words
        .first()
        .and_then(|word| VERBS.iter().find(|verb| *word == verb.grammar.name));
    named.map_or(&Globals::GRAMMAR, |verb| verb.grammar)
}

impl Globals {
    pub fn runtime(&self) -> Result<Runtime, Error> {
        let rootless = self.is_rootless()?;
        Ok(Runtime {
            root: self.root.clone().unwrap_or_else(|| default_root(rootless)),
            cgroup_driver: if self.systemd_cgroup {
                Driver::Systemd
            } else {
                Driver::Cgroupfs
            },
            node_policy: self.policy.clone(),
        })
    }

    fn is_rootless(&self) -> Result<bool, Error> {
        match self.rootless.as_deref() {
            None | Some("auto") => Ok(!nix::unistd::geteuid().is_root()),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(Error::Invalid(format!(
                "invalid value {other:?} for flag -rootless: true, false or auto"
            ))),
        }
    }
}

fn default_root(rootless: bool) -> PathBuf {
    let private =
        std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| rootless && !folder.is_empty());
    private.map_or(PathBuf::from("/run/sevorix"), |folder| {
        PathBuf::from(folder).join("sevorix")
    })
}

/// The lines that dockerd, go-runc and podman parse: "version" may stand in one of them only.
fn version() -> String {
    format!("sevorix version {VERSION}\ncommit: {COMMIT}\nspec: {SPEC}\n")
}

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
pub const COMMIT: &str = env!("SEVORIX_COMMIT");
/// The newest runtime-spec a config.json may name.
pub const SPEC: &str = "1.3.0";

/// The help text of a verb, or of the whole program.
pub fn help(grammar: &Grammar) -> String {
    let whole = grammar.name == Globals::GRAMMAR.name;
    let title = if whole {
        "sevorix"
    } else {
        &format!("sevorix {}", grammar.name)
    };
    let operands = Some(grammar.operands).filter(|operands| !operands.is_empty());
    let operands = operands
        .map(|operands| format!(" {operands}"))
        .unwrap_or_default();
    let mut text = format!("{}\n\nusage: {title} [OPTIONS]{operands}\n", grammar.about);
    let flags = grammar.flags.iter().map(|flag| {
        let value = flag
            .value
            .map(|value| format!(" {value}"))
            .unwrap_or_default();
        let short = flag
            .short
            .map(|short| format!(", -{short}"))
            .unwrap_or_default();
        (format!("--{}{short}{value}", flag.long()), flag.help)
    });
    section(&mut text, "options", flags);
    if whole {
        section(
            &mut text,
            "verbs",
            VERBS
                .iter()
                .map(|verb| (verb.grammar.name.to_string(), verb.grammar.about)),
        );
    }
    text
}

fn section<'a>(text: &mut String, title: &str, rows: impl Iterator<Item = (String, &'a str)>) {
    let rows: Vec<_> = rows.collect();
    let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
    if !rows.is_empty() {
        text.push_str(&format!("\n{title}:\n"));
    }
    for (left, right) in rows {
        text.push_str(&format!("  {left:width$}  {right}\n"));
    }
}
