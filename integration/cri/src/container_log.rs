//! A container's log as the engine writes it: one line for each line of output, `TIME STREAM TAG TEXT`.
//!
//! The engine reports the exit before the last lines are in the file. The log of an exited container is whole once the
//! engine has closed it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::grpc::Client;

/// Waits until the engine no longer has the log open.
pub async fn closed(client: &Client, log: &Path, patience: Duration) -> Result<()> {
    let failed = |source| Error::Log {
        path: log.to_owned(),
        source,
    };
    let log_file = fs::canonicalize(log).map_err(failed)?;
    let Some(engine) = client.server_pid() else {
        return Err(failed(io::Error::other(
            "the engine's process is not visible from here",
        )));
    };
    let poll = async {
        while is_open_in(engine, &log_file)? {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    };
    match tokio::time::timeout(patience, poll).await {
        Ok(outcome) => outcome.map_err(failed),
        Err(_) => Err(failed(io::Error::other("the engine does not close it"))),
    }
}

fn is_open_in(process: i32, file: &Path) -> io::Result<bool> {
    for descriptor in fs::read_dir(format!("/proc/{process}/fd"))? {
        match fs::read_link(descriptor?.path()) {
            Ok(target) if target == file => return Ok(true),
            Ok(_) => {}
            // Closed since the directory was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Gives back the two streams of a log.
pub fn replay(log: &Path, stdout: &mut impl Write, stderr: &mut impl Write) -> Result<()> {
    let failed = |source| Error::Log {
        path: log.to_owned(),
        source,
    };
    let text = fs::read(log).map_err(failed)?;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let entry = Entry::parse(line).ok_or_else(|| {
            failed(io::Error::other(format!(
                "'{}' is no line of a container's log",
                String::from_utf8_lossy(line).trim_end()
            )))
        })?;
        match entry.stream {
            Stream::Stdout => entry.write(stdout)?,
            Stream::Stderr => entry.write(stderr)?,
        }
    }
    stdout.flush()?;
    stderr.flush()?;
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Stream {
    Stdout,
    Stderr,
}

#[derive(Debug, PartialEq)]
struct Entry<'a> {
    stream: Stream,
    /// False for a piece of a line: long ones are cut, and the last may have no end.
    ends_line: bool,
    text: &'a [u8],
}

impl<'a> Entry<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut words = line.strip_suffix(b"\n")?.splitn(4, |&byte| byte == b' ');
        let (_time, stream, tag, text) =
            (words.next()?, words.next()?, words.next()?, words.next()?);
        Some(Self {
            stream: match stream {
                b"stdout" => Stream::Stdout,
                b"stderr" => Stream::Stderr,
                _ => return None,
            },
            ends_line: match tag {
                b"F" => true,
                b"P" => false,
                _ => return None,
            },
            text,
        })
    }

    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(self.text)?;
        if self.ends_line {
            output.write_all(b"\n")
        } else {
            Ok(())
        }
    }
}

/// The path must be there before the engine opens the log: it makes no directory.
pub fn make_directory(directory: &str) -> Result<()> {
    fs::create_dir_all(directory).map_err(|source| Error::Log {
        path: PathBuf::from(directory),
        source,
    })
}

const POLL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    fn replayed(log: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        fs::write(&path, log).unwrap();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        replay(&path, &mut stdout, &mut stderr).map(|()| (stdout, stderr))
    }

    #[test]
    fn streams_are_told_apart_and_cut_lines_joined() {
        let log = b"2030-01-01T00:00:00.1Z stdout F one  two\n\
            2030-01-01T00:00:00.2Z stderr F oops\n\
            2030-01-01T00:00:00.3Z stdout F \n\
            2030-01-01T00:00:00.4Z stdout P no \n\
            2030-01-01T00:00:00.5Z stdout P end\n";
        let (stdout, stderr) = replayed(log).unwrap();
        assert_eq!(stdout, b"one  two\n\nno end");
        assert_eq!(stderr, b"oops\n");
    }

    #[test]
    fn other_text_is_refused() {
        for line in [
            "hello\n",
            "2030-01-01T00:00:00.1Z stdin F x\n",
            "2030-01-01T00:00:00.1Z stdout Q text\n",
            "2030-01-01T00:00:00.1Z stdout F cut",
        ] {
            assert!(
                matches!(replayed(line.as_bytes()), Err(Error::Log { .. })),
                "{line}"
            );
        }
    }

    #[test]
    fn an_open_file_is_seen_until_it_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(directory.path()).unwrap().join("log");
        let file = fs::File::create(&path).unwrap();
        let this = i32::try_from(std::process::id()).unwrap();
        assert!(is_open_in(this, &path).unwrap());
        drop(file);
        assert!(!is_open_in(this, &path).unwrap());
    }
}
