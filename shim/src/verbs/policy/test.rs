//! `policy test`: one act, judged by a policy under the host's ceiling.

use sevorix_policy::judge;

use super::{Policy as Options, finding, print, print_json};
use crate::error::Result;
use crate::policy::{annotations, asked, find, folders, granted, told};

pub fn test(options: &Options, policy: &str, words: &[String]) -> Result<u8> {
    let act = asked::act(words, options.written)?;
    let folders = folders(options.host_root.as_deref());
    let base = find(&folders, policy)?;
    let annotations = annotations(&options.annotation)?;
    let Some(effective) = granted(&folders, Some(base), &annotations, None)? else {
        return print("allow: nothing guards such a container\n");
    };
    let judgement = judge(&effective.policy, &act);
    let printed = match options.json {
        true => print_json(&told::json(&effective.policy, &act, &judgement))?,
        false => print(&told::text(&effective.policy, &act, &judgement))?,
    };
    Ok(finding(printed, !judgement.lets_through()))
}
