//! Where messages go, in the shape engines read them from runc.
//!
//! containerd takes the last line of level `error` from the JSON log as the reason of a failure, so there is one such
//! line at most, written last, and it is a whole sentence. People get the same sentence on stderr, with a hint.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::cli::Globals;
use crate::error::{Context, Error, Result};

struct Log {
    /// stderr when there is none
    file: Option<File>,
    format: Format,
    debug: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Format {
    Text,
    Json,
}

static LOG: OnceLock<Log> = OnceLock::new();

/// To be called once, before the first message.
pub fn open(globals: &Globals) -> Result<()> {
    let format = match globals.log_format.as_deref() {
        None | Some("text") => Format::Text,
        Some("json") => Format::Json,
        Some(other) => return Err(Error::Invalid(format!("invalid log-format: {other:?}"))),
    };
    let append = |path| {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o644)
            .open(path)
            .on("open log file", path)
    };
    let file = globals.log.as_deref().map(append).transpose()?;
    // a second call would find the first one's log, which is the same
    let _ = LOG.set(Log {
        file,
        format,
        debug: globals.debug,
    });
    Ok(())
}

/// The last words of an invocation.
pub fn fail(error: &Error) {
    let sentence = tame(&error.sentence());
    let hint = error.hint().map(|hint| tame(&hint));
    // an engine shows its user one line: what is wrong, and the way out
    let whole = match &hint {
        Some(hint) => format!("{sentence}; hint: {hint}"),
        None => sentence.clone(),
    };
    let machines_read_stderr = match LOG.get() {
        Some(Log {
            file: Some(file),
            format,
            ..
        }) => {
            write(file, *format, "error", &whole);
            false
        }
        Some(Log {
            file: None, format, ..
        }) => *format == Format::Json,
        None => false,
    };
    if machines_read_stderr {
        return write(std::io::stderr(), Format::Json, "error", &whole);
    }
    eprintln!("error: {sentence}");
    if let Some(hint) = hint {
        eprintln!("hint: {hint}");
    }
}

pub fn warn(text: &str) {
    message("warning", text);
}

/// For libcontainer's trail as well: whatever it thinks of an event, it is not our last word.
pub fn debug(text: &str) {
    if LOG.get().is_some_and(|log| log.debug) {
        message("debug", text);
    }
}

fn message(level: &str, text: &str) {
    match LOG.get() {
        Some(Log {
            file: Some(file),
            format,
            ..
        }) => write(file, *format, level, &tame(text)),
        Some(Log { format, .. }) => write(std::io::stderr(), *format, level, &tame(text)),
        None => {}
    }
}

fn write(mut to: impl Write, format: Format, level: &str, text: &str) {
    let line = line(format, level, text, SystemTime::now());
    // one write for one line, so that lines of concurrent verbs don't mix; nobody is left to tell when it fails
    let _ = to.write_all(line.as_bytes());
}

fn line(format: Format, level: &str, text: &str, now: SystemTime) -> String {
    let time = humantime::format_rfc3339_nanos(now);
    let quoted = serde_json::Value::from(text);
    match format {
        Format::Json => format!("{{\"level\":\"{level}\",\"msg\":{quoted},\"time\":\"{time}\"}}\n"),
        Format::Text => format!("time=\"{time}\" level={level} msg={quoted}\n"),
    }
}

/// Parts of a message come from images and containers: no control characters, and an end.
fn tame(text: &str) -> String {
    let mut tamed = String::with_capacity(text.len());
    for letter in text.trim_end().chars() {
        if tamed.len() >= LONGEST {
            tamed.push('…');
            break;
        }
        if letter.is_control() {
            tamed.extend(letter.escape_default());
        } else {
            tamed.push(letter);
        }
    }
    tamed
}

const LONGEST: usize = 2000;

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde::Deserialize;

    use super::*;

    /// What containerd decodes a line of the log into.
    #[derive(Deserialize)]
    struct Line {
        level: String,
        msg: String,
        time: String,
    }

    fn at() -> SystemTime {
        UNIX_EPOCH + Duration::new(1_700_000_000, 5)
    }

    #[test]
    fn a_line_is_what_engines_decode() {
        let text = "exec: \"/x\\y\": stat /x: no such file or directory";
        let line = line(Format::Json, "error", text, at());
        assert!(line.ends_with("}\n"));
        let line: Line = serde_json::from_str(&line).expect("JSON");
        assert_eq!((line.level.as_str(), line.msg.as_str()), ("error", text));
        assert_eq!(line.time, "2023-11-14T22:13:20.000000005Z");
    }

    #[test]
    fn the_text_form_is_logruss() {
        let expected =
            "time=\"2023-11-14T22:13:20.000000005Z\" level=warning msg=\"a \\\"b\\\"\"\n";
        assert_eq!(line(Format::Text, "warning", "a \"b\"", at()), expected);
    }

    #[test]
    fn an_images_words_are_one_line_of_bounded_length() {
        assert_eq!(tame("a\u{1b}[2Jb\n\u{85}c\n"), "a\\u{1b}[2Jb\\n\\u{85}c");
        let long = tame(&"ä".repeat(LONGEST));
        assert!(long.len() < LONGEST + 8 && long.ends_with('…'));
    }
}
