//! `delete`: nothing of the container is left.

use std::ffi::OsString;

use super::with_id;
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::options;

options! {
    /// remove a container that has stopped
    pub struct Delete("delete", "ID") {
        /// kill it if it still runs; an unknown id is no error
        'f' force: bool,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, id) = with_id::<Delete>(words)?;
    globals.runtime()?.delete(&id, options.force)?;
    Ok(0)
}
