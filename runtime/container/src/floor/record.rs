//! What is known of a container under a policy beyond what the kernel needs: its name, its rules, its mounts.
//!
//! One file for each slot, whatever `--root` the engine uses, so that an operator's `events` and `status` find all of
//! them; it stays until the slot has its next container, because reports are read later. No decision rests on it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sevorix_bpf::floor::{Event, Mount};

use super::{Degraded, Entry, Journal, Place};
use crate::Result;
use crate::error::Context;
use crate::state::{State, write_atomically};

const FOLDER: &str = "/run/sevorix-floor/containers";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub container: String,
    /// the annotation, or nothing
    pub name: Option<String>,
    pub policy: String,
    /// of the compiled policy
    pub digest: String,
    pub audit: bool,
    /// in the kernel's tables
    pub place: Option<Place>,
    /// it has none: this host can't hold whole policies
    pub degraded: Option<Degraded>,
    /// of the file with all this; a slot's is its next container's, too
    file: String,
    pub ended: bool,
    /// an event names a rule by its number here; the first is the default of the class
    rules: Vec<String>,
    /// an event names a mount by its number here: what of a superblock is seen where
    mounts: Vec<(String, String)>,
}

impl Record {
    pub(super) fn new(
        state: &State,
        plan: &super::Plan,
        place: Option<Place>,
        mounts: &[Mount],
    ) -> Self {
        let image = plan.image();
        let digest = plan.digest();
        let shown = |path: &[Box<[u8]>]| {
            let parts = path.iter().map(|part| format!("/{}", part.escape_ascii()));
            parts.collect::<String>()
        };
        let mount = |mount: &Mount| (shown(&mount.root), shown(&mount.point));
        Self {
            container: state.id.clone(),
            name: plan.agent_name(),
            policy: plan.policy().name.to_string(),
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            audit: image.audit,
            file: place
                .as_ref()
                .map_or_else(|| without_place(state), Place::slot_name),
            place,
            degraded: plan.degraded().cloned(),
            ended: false,
            rules: image.rules.iter().map(ToString::to_string).collect(),
            mounts: mounts.iter().map(mount).collect(),
        }
    }

    pub fn mode(&self) -> &'static str {
        if self.audit { "audit" } else { "enforce" }
    }

    /// Takes the place of the slot's last container, whose reports go.
    pub(super) fn begin(&self) -> Result<()> {
        let journal = Journal::open()?;
        if let Some(earlier) = Self::read(&self.path()) {
            journal.forget(&earlier.list())?;
        }
        self.save()?;
        match &self.degraded {
            None => Ok(()),
            Some(degraded) => journal.add(&self.list(), Entry::degraded(self, degraded)),
        }
    }

    fn save(&self) -> Result<()> {
        let folder = Path::new(FOLDER);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .on("create", folder)?;
        let path = self.path();
        let text = serde_json::to_vec(self)
            .map_err(std::io::Error::from)
            .on("encode", &path)?;
        write_atomically(&path, &text, 0o600)
    }

    fn path(&self) -> PathBuf {
        path_of(&self.file)
    }

    /// Of its reports in the journal.
    fn list(&self) -> String {
        self.place
            .as_ref()
            .map_or_else(|| self.file.clone(), Place::key)
    }

    /// Nothing but reports rests on it, so there is nobody to tell when it fails.
    pub(super) fn end(place: &Place) {
        if let Some(mut record) = Self::at(place) {
            record.ended = true;
            let _ = record.save();
        }
    }

    /// Likewise of one that has no place, which no other container follows.
    pub fn forget(state: &State) {
        let name = without_place(state);
        let _ = fs::remove_file(path_of(&name));
        let _ = Journal::open().and_then(|journal| journal.forget(&name));
    }

    /// Of every container under a policy, by its id.
    pub fn all() -> Result<Vec<Self>> {
        let entries = match fs::read_dir(FOLDER) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.on("list", Path::new(FOLDER))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.on("list", Path::new(FOLDER))?.path();
            all.extend(Self::read(&path));
        }
        all.sort_by(|one: &Self, other: &Self| one.container.cmp(&other.container));
        Ok(all)
    }

    /// Of the container that has a place, or had it last.
    pub(super) fn at(place: &Place) -> Option<Self> {
        let record = Self::read(&path_of(&place.slot_name()))?;
        (record.place.as_ref() == Some(place)).then_some(record)
    }

    /// One that goes meanwhile, or is being written, is none.
    fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// The rule's name, as `file.rules[3]`; `None` where none decided.
    pub fn rule(&self, event: &Event) -> Option<&str> {
        let rule = self.rules.get(usize::from(event.rule)).map(String::as_str);
        rule.filter(|_| !event.reason.is_floor())
    }

    /// The object as the container would name it.
    pub fn object(&self, event: &Event) -> String {
        let mount = usize::try_from(event.mount).ok();
        let mount = mount.and_then(|mount| self.mounts.get(mount));
        // a destination is no path
        let inside = mount
            .filter(|_| event.object.starts_with('/'))
            .and_then(|(root, point)| Some((point, event.object.strip_prefix(root)?)));
        let path = inside.map_or_else(
            || event.object.clone(),
            |(point, rest)| format!("{point}{rest}"),
        );
        let cut = if event.shortened { "…" } else { "" };
        if path.is_empty() {
            return "/".into();
        }
        format!("{path}{cut}")
    }
}

fn path_of(name: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{name}.json"))
}

/// The process that makes a container makes no other.
fn without_place(state: &State) -> String {
    let creator = state.creator;
    format!("degraded-{}-{}", creator.pid, creator.start_time)
}
