//! The host's files: policies, presets and the ceiling.
//!
//! A mistyped line must never be silently looser, so every key is known or an error, every value is
//! typed, and a rule that can have no effect is refused: somebody believes that it has one.

mod checks;
mod config;
mod disk;
mod policy;
mod preset;
mod rules;
mod sections;
mod source;
mod table;

pub use config::Config;
pub use disk::{Folders, Unreadable};
pub use preset::Preset;
pub use source::{InFile, Place};
