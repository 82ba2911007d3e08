//! Whether a program speaks the protocol: the cases that `sevorix verdict test` runs against a socket.
//!
//! Each case talks on connections of its own and tells what it wanted and did not see. What the service decides is its
//! own affair; that it answers each ask once, to the point, and believes nothing malformed is the protocol's.

mod cases;
mod talk;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::words::Decided;
use talk::Talk;

/// What was seen of a service.
#[derive(Debug)]
pub struct Report {
    pub cases: Vec<Outcome>,
    /// One ask as a monitor puts it.
    pub sample: Option<Sample>,
}

/// How a case went.
#[derive(Debug)]
pub struct Outcome {
    pub name: &'static str,
    /// What the service did wrong.
    pub wrong: Option<String>,
}

/// One answer, and how long it took.
#[derive(Debug)]
pub struct Sample {
    pub verdict: Decided,
    pub code: String,
    pub jurors: usize,
    pub took: Duration,
}

impl Report {
    pub fn conforms(&self) -> bool {
        self.cases.iter().all(|case| case.wrong.is_none())
    }
}

/// Runs every case. `patience` is how long a service may take for what it does at once.
pub fn check(socket: &Path, patience: Duration) -> Result<Report> {
    // a socket that nobody listens on has no conformance
    std::os::unix::net::UnixStream::connect(socket).map_err(|source| Error::Socket {
        action: "connect to",
        path: socket.into(),
        source,
    })?;
    let bench = Bench { socket, patience };
    let cases = cases::ALL.iter().map(|(name, case)| Outcome {
        name,
        wrong: case(&bench).err(),
    });
    Ok(Report {
        cases: cases.collect(),
        sample: bench.sample().ok(),
    })
}

/// Where the service is, and how long it may take.
struct Bench<'a> {
    socket: &'a Path,
    patience: Duration,
}

impl Bench<'_> {
    fn sample(&self) -> Result<Sample, String> {
        let mut talk = Talk::greeted(self)?;
        let ask = talk::ask(1);
        let begun = Instant::now();
        talk.put(&ask)?;
        let answer = talk.answer(&ask)?;
        Ok(Sample {
            verdict: answer.verdict,
            code: answer.code.to_string(),
            jurors: answer.jurors.len(),
            took: begun.elapsed(),
        })
    }
}
