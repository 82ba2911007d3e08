//! What is known of a container under a policy beyond what the kernel needs: its name, its rules, its mounts.
//!
//! One file for each slot, whatever `--root` the engine uses, so that an operator's `events` and `status` find all of
//! them; it stays until the slot has its next container, because reports are read later. No decision rests on it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sevorix_bpf::floor::{Container, Event, Mount};

use super::Place;
use crate::Result;
use crate::error::Context;
use crate::state::write_atomically;

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
    pub place: Place,
    pub ended: bool,
    /// an event names a rule by its number here; the first is the default of the class
    rules: Vec<String>,
    /// an event names a mount by its number here: what of a superblock is seen where
    mounts: Vec<(String, String)>,
}

impl Record {
    pub(super) fn new(id: &str, plan: &super::Plan, place: Place, mounts: &[Mount]) -> Self {
        let image = plan.image();
        let digest = image.digest();
        let shown = |path: &[Box<[u8]>]| {
            let parts = path.iter().map(|part| format!("/{}", part.escape_ascii()));
            parts.collect::<String>()
        };
        let mount = |mount: &Mount| (shown(&mount.root), shown(&mount.point));
        Self {
            container: id.into(),
            name: plan.agent_name(),
            policy: plan.policy().name.to_string(),
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            audit: image.audit,
            place,
            ended: false,
            rules: image.rules.iter().map(ToString::to_string).collect(),
            mounts: mounts.iter().map(mount).collect(),
        }
    }

    pub(super) fn save(&self) -> Result<()> {
        let folder = Path::new(FOLDER);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .on("create", folder)?;
        let path = path_of(&self.place);
        let text = serde_json::to_vec(self)
            .map_err(std::io::Error::from)
            .on("encode", &path)?;
        write_atomically(&path, &text, 0o600)
    }

    /// Nothing but reports rests on it, so there is nobody to tell when it fails.
    pub(super) fn end(place: &Place) {
        let record = Self::all().ok().and_then(|mut all| all.remove(&place.slot));
        if let Some(mut record) = record.filter(|record| record.place == *place) {
            record.ended = true;
            let _ = record.save();
        }
    }

    /// Of every container under a policy, by its slot.
    pub fn all() -> Result<BTreeMap<u32, Self>> {
        let entries = match fs::read_dir(FOLDER) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(BTreeMap::new());
            }
            entries => entries.on("list", Path::new(FOLDER))?,
        };
        let mut all = BTreeMap::new();
        for entry in entries {
            let path = entry.on("list", Path::new(FOLDER))?.path();
            // one that goes meanwhile, or is being written, is none
            let text = fs::read(&path).unwrap_or_default();
            if let Ok(record) = serde_json::from_slice::<Self>(&text) {
                all.insert(record.place.slot, record);
            }
        }
        Ok(all)
    }

    pub fn is_of(&self, container: Container) -> bool {
        self.place.container() == container
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

fn path_of(place: &Place) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.json", place.slot))
}
