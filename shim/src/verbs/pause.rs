//! `pause` and `resume`: the container's processes stand still, and go on.

use std::ffi::OsString;

use super::with_id;
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::options;

options! {
    /// suspend every process of a container
    pub struct Pause("pause", "ID") {
    }
}

options! {
    /// let the processes of a paused container go on
    pub struct Resume("resume", "ID") {
    }
}

pub fn pause(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (_, id) = with_id::<Pause>(words)?;
    globals.runtime()?.load(&id)?.pause()?;
    Ok(0)
}

pub fn resume(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (_, id) = with_id::<Resume>(words)?;
    globals.runtime()?.load(&id)?.resume()?;
    Ok(0)
}
