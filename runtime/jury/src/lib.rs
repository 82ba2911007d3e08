//! The verdict service: jurors judge what a policy asks about.
//!
//! This release has one juror, the rulebook. It vetoes what is known to be bad by facts and by the words of the command
//! line; it can't tell good from merely unknown. So what a rule calls high risk is denied until jurors of other kinds sit
//! beside it.
#![forbid(unsafe_code)]

mod cli;
mod consent;
mod line;
mod rulebook;
mod service;

pub use cli::{command, listen, main};
pub use consent::{Consent, consent};
pub use rulebook::{RULES, Rule, veto};
pub use service::Jury;
