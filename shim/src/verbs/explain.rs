//! `explain`: what would happen to an act in a container, which rule says so, and which rules it beats.

use std::ffi::OsString;
use std::path::PathBuf;

use sevorix_policy::judge;

use super::{print, text};
use crate::cli::Globals;
use crate::error::{Error, Result};
use crate::grammar::{Options as _, options};
use crate::policy::{asked, folders, of, told};

options! {
    /// tell what a container's policy says of an act, as in: explain ID connect api.example.com:443
    pub struct Explain("explain", "ID|POLICY ACT...") {
        /// print JSON
        json: bool,
        /// where the host's / is mounted (default: /)
        host_root: Option<PathBuf>,
        /// the container wrote or created the file that is executed
        written: bool,
    }
}

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, operands) = Explain::read(words)?;
    let operands: Vec<String> = operands.into_iter().map(text).collect();
    let Some((whose, words)) = operands
        .split_first()
        .filter(|(_, words)| !words.is_empty())
    else {
        return Err(Error::Usage(format!(
            "sevorix explain ID ACT; an act is {}",
            asked::FORMS
        )));
    };
    let act = asked::act(words, options.written)?;
    let folders = folders(options.host_root.as_deref());
    let Some(effective) = of(globals, &folders, whose)? else {
        return print("allow: nothing guards this container\n");
    };
    let judgement = judge(&effective.policy, &act);
    match options.json {
        true => print(&format!(
            "{}\n",
            super::pretty(&told::json(&effective.policy, &act, &judgement))?
        )),
        false => print(&told::text(&effective.policy, &act, &judgement)),
    }
}
