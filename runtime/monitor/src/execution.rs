//! What an exec would run: the file, the interpreters that it names, and the whole command line.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::stat::{FileStat, SFlag, fstat};
use sevorix_bpf::floor::{LINE_MOST_ASKED, PROGRAMS_MOST};
use sevorix_policy::{Act, Action, Components, Judgement, Policy, judge};

use crate::call::Exec;
use crate::line::Line;
use crate::shebang::{self, HEAD};
use crate::thread::{self, Thread};

/// The file, and after it each interpreter.
#[derive(Debug)]
pub struct Execution {
    pub programs: Vec<Program>,
    /// Of the last program.
    pub line: Line,
    /// The line is all of it, and no longer than what can be asked about.
    pub whole: bool,
}

/// One file that runs.
#[derive(Debug)]
pub struct Program {
    pub file: OwnedFd,
    pub stat: FileStat,
    pub path: Components,
    /// How many words are its own: the last ones of the line.
    words: usize,
}

impl Execution {
    /// An errno where the kernel will find a reason of its own to refuse.
    pub fn of(thread: Thread, exec: &Exec) -> nix::Result<Self> {
        let path = thread.read_path(exec.path)?;
        let words = thread.read_texts(exec.words, LINE_MOST_ASKED);
        let mut whole = words != Err(Errno::E2BIG);
        let mut line = if whole {
            Line::new(words?)
        } else {
            Line::too_long()
        };
        let mut called = name(exec, &path);
        let mut programs = vec![Program::new(find(thread, exec, &path)?, &line)?];
        while let Some(by) = programs.last().and_then(Program::shebang) {
            if programs.len() == PROGRAMS_MOST {
                return Err(Errno::ELOOP);
            }
            line = line.interpreted(&called, &by);
            let file = thread.find(None, &by.interpreter, true)?;
            programs.push(Program::new(file, &line)?);
            called = by.interpreter;
        }
        whole &= line.length() <= LINE_MOST_ASKED;
        Ok(Self {
            programs,
            line,
            whole,
        })
    }

    /// What the policy says of all of it: of the strictest part. `written`: whether the container may have written it.
    pub fn judge(&self, policy: &Policy, written: impl Fn(&FileStat) -> bool) -> Judgement {
        let words: Vec<Box<[u8]>> = self
            .line
            .words()
            .iter()
            .map(|word| word[..].into())
            .collect();
        let judged = self.programs.iter().map(|program| {
            let act = Act::Exec {
                path: program.path.clone(),
                written: written(&program.stat),
                argv: words[words.len() - program.words..].to_vec(),
            };
            judge(policy, &act)
        });
        let weight = |judged: &Judgement| {
            if judged.audit {
                Action::Allow
            } else {
                judged.action
            }
        };
        let strictest = |one: Judgement, other: Judgement| {
            if weight(&other) > weight(&one) {
                other
            } else {
                one
            }
        };
        judged.reduce(strictest).expect("an exec is of a file")
    }

    pub fn program(&self) -> &Program {
        &self.programs[0]
    }
}

/// As the kernel calls it in front of an interpreter.
fn name(exec: &Exec, path: &[u8]) -> Vec<u8> {
    match exec.from {
        Some(fd) if path.is_empty() => format!("/dev/fd/{fd}").into_bytes(),
        Some(fd) if !path.starts_with(b"/") => [format!("/dev/fd/{fd}/").as_bytes(), path].concat(),
        _ => path.to_vec(),
    }
}

fn find(thread: Thread, exec: &Exec, path: &[u8]) -> nix::Result<OwnedFd> {
    const NO_FOLLOW: u64 = libc::AT_SYMLINK_NOFOLLOW as u64;
    match exec.from {
        Some(fd) if thread::names_itself(path, exec.flags) => thread.descriptor(fd),
        from => thread.find(from, path, exec.flags & NO_FOLLOW == 0),
    }
}

impl Program {
    fn new(file: OwnedFd, line: &Line) -> nix::Result<Self> {
        let stat = fstat(file.as_fd())?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(Errno::EACCES);
        }
        Ok(Self {
            path: thread::place(&file)?,
            file,
            stat,
            words: line.words().len(),
        })
    }

    fn shebang(&self) -> Option<shebang::Shebang> {
        shebang::parse(&thread::head(&self.file, HEAD).ok()?)
    }
}
