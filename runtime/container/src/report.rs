//! How init and exec'd processes tell the waiting runtime why they could not start.
//!
//! libcontainer sends only the outermost text of an error ("failed to prepare rootfs") over its channels; the reason is
//! in its trace events, which nobody would see inside the container. So both the words of our Executor and
//! libcontainer's error events go into one close-on-exec pipe: text in it means failure and says why, its end without
//! text means the payload has been exec'ed.

use std::fmt::Write as _;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::Result;
use crate::error::{Context, errno_text};

/// The reading end, kept by the runtime.
#[derive(Debug)]
pub struct Report {
    reader: OwnedFd,
    writer: Option<OwnedFd>,
}

/// The writing end, as the processes of the container know it.
#[derive(Debug, Clone, Copy)]
pub struct Reporter(RawFd);

/// Marks the Executor's own words; they are complete, libcontainer's are a trail.
const VERDICT: u8 = b'!';
const TRAIL: u8 = b'.';
const NO_TRAIL: i32 = -1;

/// Where libcontainer's error events of this process go.
static TRAIL_FD: AtomicI32 = AtomicI32::new(NO_TRAIL);

impl Report {
    pub fn open() -> Result<Self> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).during(|| "open a pipe".into())?;
        TRAIL_FD.store(writer.as_raw_fd(), Ordering::Relaxed);
        Ok(Self {
            reader,
            writer: Some(writer),
        })
    }

    pub fn reporter_of(report: Option<&Self>) -> Reporter {
        Reporter(
            report
                .and_then(|report| report.writer.as_ref())
                .map_or(NO_TRAIL, AsRawFd::as_raw_fd),
        )
    }

    /// What was reported by the time every writer is gone: None when the payload has been exec'ed.
    pub fn wait(mut self) -> Option<String> {
        self.stop_writing();
        let mut text = Vec::new();
        let mut reader = std::fs::File::from(self.reader);
        // a failed read is an unknown outcome: what was read so far is all there is to say
        let _ = reader.read_to_end(&mut text);
        conclude(&text)
    }

    /// What has been reported so far, without waiting for anybody: after a failure init may still be there, waiting for
    /// a runtime that has given up.
    pub fn so_far(self) -> Option<String> {
        let mut text = Vec::new();
        let mut reader = std::fs::File::from(self.reader);
        let nonblocking = fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        // ends with "would block" where somebody could still write
        let _ = nonblocking.map(|_| reader.read_to_end(&mut text));
        conclude(&text)
    }

    /// The runtime's own copy of the writing end has to go before the pipe can end.
    fn stop_writing(&mut self) {
        TRAIL_FD.store(NO_TRAIL, Ordering::Relaxed);
        self.writer = None;
    }
}

impl Reporter {
    /// The last word of a process that can't go on.
    pub fn fail(self, reason: &str) {
        write_record(self.0, VERDICT, reason);
    }
}

/// The Executor's words if there are any, else the first event: libcontainer logs at every hop on the way out, so the
/// first one stands nearest to the cause. The error number itself may only be in a later one.
fn conclude(text: &[u8]) -> Option<String> {
    let records = || {
        text.split(|byte| *byte == 0)
            .filter_map(|record| record.split_first())
    };
    let text_of = |(_, text): (&u8, &[u8])| String::from_utf8_lossy(text).into_owned();
    let verdict = records().find(|(kind, _)| **kind == VERDICT).map(text_of);
    verdict.or_else(|| {
        let trail: Vec<String> = records().map(text_of).collect();
        let first = trail.first()?;
        match trail.iter().find_map(|event| errno_in(event)) {
            Some(errno) => Some(format!("{first}: {}", errno_text(errno))),
            None => Some(first.clone()),
        }
    })
}

/// libcontainer prints error numbers as `ENOENT` or `code: 2`; people and engines know them by the kernel's words.
fn errno_in(event: &str) -> Option<Errno> {
    let words = || event.split(|c: char| !c.is_ascii_alphanumeric());
    let by_name = words()
        .filter(|word| word.len() > 2 && word.starts_with('E'))
        .find_map(errno_named);
    by_name.or_else(|| {
        let mut after_code = words()
            .skip_while(|word| *word != "code")
            .filter(|word| !word.is_empty())
            .skip(1);
        after_code.next()?.parse().ok().map(Errno::from_raw)
    })
}

fn errno_named(name: &str) -> Option<Errno> {
    const HIGHEST: i32 = 133;
    (1..=HIGHEST)
        .map(Errno::from_raw)
        .find(|errno| format!("{errno:?}") == name)
}

fn write_record(fd: RawFd, kind: u8, text: &str) {
    if fd == NO_TRAIL {
        return;
    }
    let mut record = vec![kind];
    record.extend(text.bytes().filter(|byte| *byte != 0).take(2000));
    record.push(0);
    // SAFETY: the descriptor is the pipe's writing end, inherited by fork and open until exec; ManuallyDrop semantics
    // are kept by giving it back with into_raw_fd, so it is not closed here.
    let pipe = unsafe { OwnedFd::from_raw_fd(fd) };
    // nobody is left to tell when this fails
    let _ = nix::unistd::write(&pipe, &record);
    let _ = pipe.into_raw_fd();
}

/// Feeds libcontainer's events to the pipe, and with `--debug` to the log as well.
#[derive(Debug)]
pub struct Trace {
    debug: Option<fn(&str)>,
}

impl Trace {
    /// To be called once, before the first verb.
    pub fn install(debug: Option<fn(&str)>) {
        // a second subscriber can't be set; the first one stays, which is what a second call wants
        let _ = tracing::subscriber::set_global_default(Self { debug });
    }
}

impl Subscriber for Trace {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && (self.debug.is_some() || *metadata.level() == Level::ERROR)
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(
            if self.debug.is_some() {
                Level::DEBUG
            } else {
                Level::ERROR
            }
            .into(),
        )
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let text = line.finish();
        if *event.metadata().level() == Level::ERROR {
            write_record(TRAIL_FD.load(Ordering::Relaxed), TRAIL, &text);
        }
        if let Some(log) = self.debug {
            log(&text);
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// `message: field, field`, as far as there are any.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    fn finish(self) -> String {
        if self.fields.is_empty() {
            self.message
        } else {
            format!("{}: {}", self.message, self.fields)
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            let comma = if self.fields.is_empty() { "" } else { ", " };
            let _ = write!(self.fields, "{comma}{}={value:?}", field.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_outweighs_the_trail() {
        assert_eq!(
            conclude(b".first\0.second\0!the reason\0"),
            Some("the reason".into())
        );
        assert_eq!(conclude(b".first\0.second\0"), Some("first".into()));
        assert_eq!(conclude(b""), None);
    }

    #[test]
    fn a_failure_is_read_while_others_could_still_write() {
        let report = Report::open().expect("pipe");
        Report::reporter_of(Some(&report)).fail("no such thing");
        assert_eq!(report.so_far(), Some("no such thing".into()));
    }

    #[test]
    fn error_numbers_become_the_words_engines_know() {
        let trail = b".failed to mount: syscall\0.failed: err=Nix(ENODEV)\0";
        assert_eq!(
            conclude(trail),
            Some("failed to mount: syscall: no such device".into())
        );
        let trail = b".failed: err=Io(Os { code: 2, kind: NotFound, message: \"...\" })\0";
        assert!(conclude(trail).is_some_and(|text| text.ends_with(": no such file or directory")));
        assert_eq!(errno_in("EVERYTHING failed"), None);
    }

    #[test]
    fn the_end_of_the_pipe_without_words_is_success() {
        let report = Report::open().expect("pipe");
        assert_eq!(report.wait(), None);
    }
}
