//! `monitor`: not for people; `create` starts it for a container whose policy asks.

use std::ffi::OsString;

use super::with_id;
use crate::cli::Globals;
use crate::error::Result;
use crate::grammar::options;

options! {
    /// hold what a container's policy asks about until it is answered
    pub struct Monitor("monitor", "ID") {}
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (Monitor {}, id) = with_id::<Monitor>(words)?;
    sevorix_monitor::run(&globals.runtime()?, &id)?;
    Ok(0)
}
