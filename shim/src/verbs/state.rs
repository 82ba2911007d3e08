//! `state`: what the specification wants told of a container, and what runc adds.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;
use sevorix_container::floor::Degraded;
use sevorix_container::{Container, Status};

use super::{print, with_id};
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::options;

options! {
    /// print a container's state as JSON
    pub struct State("state", "ID") {
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (_, id) = with_id::<State>(words)?;
    let container = globals.runtime()?.load(&id)?;
    let row = Row::of(&container, String::new())?;
    print(&format!("{}\n", super::pretty(&row)?))
}

/// What `state` and `list` print of a container.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row<'a> {
    pub oci_version: &'a str,
    pub id: &'a str,
    /// 0 when it has stopped
    pub pid: i32,
    pub status: Status,
    pub bundle: &'a Path,
    pub rootfs: &'a Path,
    pub created: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<&'a String, &'a String>,
    pub owner: String,
    /// of a container that is under less than its policy: what is not held
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded: Option<Vec<&'a str>>,
    /// for the table only: what programs read is runc's
    #[serde(skip)]
    pub policy: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub fn of(container: &'a Container, owner: String) -> Result<Self> {
        let state = container.state();
        let status = container.status()?;
        let pid = container.init_pid().filter(|_| status != Status::Stopped);
        Ok(Self {
            oci_version: &state.oci_version,
            id: &state.id,
            pid: pid.map_or(0, |pid| pid.as_raw()),
            status,
            bundle: &state.bundle,
            rootfs: &state.rootfs,
            created: &state.created,
            annotations: state.annotations.iter().collect(),
            owner,
            degraded: state.degraded.as_ref().map(Degraded::told),
            policy: state.policy.as_deref(),
        })
    }
}
