//! `sevorix install` and `sevorix uninstall`: registering the runtime with the engines of a host.
//!
//! Each engine has its own way to be told of a runtime; the modules here know one each and turn the
//! text of a configuration file into another text. What all share is in this file: nothing is
//! written before every file was read and understood, a file is replaced as a whole or not at all,
//! what stood there before is kept until it is put back, and no daemon is ever restarted.
//!
//! Dependencies, for the manifest of this crate:
//!
//! ```toml
//! glob = "0.3"
//! jsonc-parser = { version = "0.34", features = ["cst", "serde_json"] }
//! serde.workspace = true
//! serde_json.workspace = true
//! sevorix-policy.workspace = true
//! similar = "3.2"
//! tempfile.workspace = true
//! thiserror.workspace = true
//! toml_edit = "0.25"
//! ```

mod containerd;
mod crio;
mod docker;
mod drop_in;
mod engine;
mod error;
mod host;
mod podman;
mod record;
mod report;
mod toml_text;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod testing;

use std::path::PathBuf;

use sevorix_policy::PolicyName;

pub use engine::Engine;
pub use error::Error;
pub use report::Report;

use host::Host;
use record::Record;
use report::{Change, Verb};

/// What to register, where.
#[derive(Debug, Clone)]
pub struct Options {
    pub engines: Vec<Engine>,
    /// Read everything, write nothing.
    pub dry_run: bool,
    /// Where the host's `/` is mounted; `/` on the host itself.
    pub host_root: PathBuf,
    /// Register `sevorix-NAME`, which is bound to this policy: for engines that pass no annotations.
    pub policy: Option<String>,
    /// Make it the engine's default runtime.
    pub make_default: bool,
    /// Where the runtime is, as the host sees it.
    pub binary: PathBuf,
}

/// Registers the runtime.
pub fn install(options: &Options) -> Result<Report, Error> {
    let host = Host::new(&options.host_root);
    let runtime = Runtime::of(options)?;
    host.require(&runtime.binary)?;
    let mut steps = Vec::new();
    for engine in &options.engines {
        for file in engine.files_to_install(&host, &runtime)? {
            steps.push(Step::to_install(&host, *engine, &*file)?);
        }
    }
    carry_out(&host, steps, Verb::Install, options.dry_run)
}

/// Takes the runtime out again: all of it, or with a policy the one that is bound to it.
pub fn uninstall(options: &Options) -> Result<Report, Error> {
    let host = Host::new(&options.host_root);
    let runtime = Runtime::of(options)?;
    let name = options.policy.is_some().then_some(&*runtime.name);
    let mut steps = Vec::new();
    for engine in &options.engines {
        for file in engine.files_to_uninstall(&host, &runtime)? {
            steps.push(Step::to_uninstall(&host, *engine, &*file, name)?);
        }
    }
    carry_out(&host, steps, Verb::Uninstall, options.dry_run)
}

/// The runtime as the engines are told of it.
struct Runtime {
    name: String,
    binary: String,
    policy: Option<PolicyName>,
    is_default: bool,
}

impl Runtime {
    fn of(options: &Options) -> Result<Self, Error> {
        let policy = match &options.policy {
            Some(name) => Some(name.parse::<PolicyName>().map_err(|reason| Error::Policy {
                name: name.clone(),
                hint: reason.hint,
            })?),
            None => None,
        };
        let binary = options.binary.to_str().filter(|path| path.starts_with('/'));
        Ok(Self {
            name: match &policy {
                Some(policy) => format!("{NAME}-{policy}"),
                None => NAME.to_owned(),
            },
            binary: binary.map(str::to_owned).ok_or_else(|| Error::Binary {
                path: options.binary.clone(),
            })?,
            policy,
            is_default: options.make_default,
        })
    }
}

/// One configuration file of an engine. Both ways are pure: text in, text out.
trait ConfigFile {
    fn path(&self) -> &str;

    /// The text with the runtime registered; `None` stands for no file.
    fn with(&self, text: Option<&str>) -> Result<String, Error>;

    /// The text without the runtime of this name, or without all that is ours.
    fn without(&self, text: &str, name: Option<&str>) -> Result<Option<String>, Error>;
}

/// What is to happen to one file.
struct Step {
    change: Change,
    /// What to remember of the file; `None` once nothing of ours is in it.
    record: Option<Record>,
}

impl Step {
    fn to_install(host: &Host, engine: Engine, file: &dyn ConfigFile) -> Result<Self, Error> {
        let before = host.read(file.path())?;
        let known = Record::of(host, file.path(), before.as_deref())?;
        let after = file.with(before.as_deref())?;
        let record = match (known, &before) {
            (Some(known), _) => known,
            (None, None) => Record::default(),
            // Installed by hand, or changed since: what is left without us is what to return to.
            (None, Some(text)) => Record::returning_to(file.without(text, None)?),
        };
        let record = record.written(&after);
        let change = Change::new(engine, file.path(), before, Some(after));
        Ok(Self {
            change,
            record: Some(record),
        })
    }

    fn to_uninstall(
        host: &Host,
        engine: Engine,
        file: &dyn ConfigFile,
        name: Option<&str>,
    ) -> Result<Self, Error> {
        let before = host.read(file.path())?;
        let Some(text) = before.as_deref() else {
            let change = Change::new(engine, file.path(), None, None);
            return Ok(Self {
                change,
                record: None,
            });
        };
        let known = Record::of(host, file.path(), Some(text))?;
        let bare = file.without(text, name)?;
        let all_gone = bare == file.without(text, None)?;
        let (after, record) = match known {
            Some(known) if all_gone => (known.original, None),
            Some(known) => {
                let record = known.written(bare.as_deref().unwrap_or_default());
                (bare, Some(record))
            }
            None => (bare, None),
        };
        let change = Change::new(engine, file.path(), before, after);
        Ok(Self { change, record })
    }
}

fn carry_out(host: &Host, steps: Vec<Step>, verb: Verb, dry_run: bool) -> Result<Report, Error> {
    if !dry_run {
        for step in &steps {
            apply(host, step)?;
        }
    }
    let changes = steps.into_iter().map(|step| step.change).collect();
    Ok(Report::new(changes, verb, dry_run))
}

/// The record is written first: a stop in between leaves a file that is known, or untouched.
fn apply(host: &Host, step: &Step) -> Result<(), Error> {
    let path = &*step.change.path;
    if step.change.changes() {
        if let Some(record) = &step.record {
            record.store(host, path)?;
        }
        match &step.change.after {
            Some(text) => host.write(path, text, PUBLIC)?,
            None => host.remove(path)?,
        }
    }
    if step.record.is_none() {
        Record::forget(host, path)?;
    }
    Ok(())
}

/// The mode of a configuration file that was not there before.
const PUBLIC: u32 = 0o644;
/// The name under which engines know the runtime.
const NAME: &str = "sevorix";
