//! `start`: lets the payload of a created container run.

use std::ffi::OsString;

use super::with_id;
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::options;

options! {
    /// let the payload of a created container run
    pub struct Start("start", "ID") {
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (_, id) = with_id::<Start>(words)?;
    globals.runtime()?.load(&id)?.start()?;
    Ok(0)
}
