//! What goes to standard output: JSON for people and programs, single values and ids bare for shell scripts.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Error, Result};

pub fn line(text: &str) -> Result<()> {
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}

/// Prints all of it, or what a JSON pointer names in it.
pub fn document(whole: &Value, pointer: Option<String>) -> Result<()> {
    let value = match pointer {
        None => whole,
        Some(pointer) => match whole.pointer(&pointer) {
            Some(value) => value,
            None => return Err(Error::NoSuchField { pointer }),
        },
    };
    match value {
        Value::String(text) => line(text),
        _ => line(&format!("{value:#}")),
    }
}

pub fn status(status: &impl Serialize, info: Value, pointer: Option<String>) -> Result<()> {
    let mut whole = json!(status);
    whole["info"] = info;
    document(&whole, pointer)
}

pub fn list<T: Serialize>(items: &[T], ids_only: bool, id: impl Fn(&T) -> &str) -> Result<()> {
    if ids_only {
        return items.iter().try_for_each(|item| line(id(item)));
    }
    document(&json!(items), None)
}
