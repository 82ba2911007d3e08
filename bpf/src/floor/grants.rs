//! What a thread may do once of what its policy asks about: written while it waits in its system call, taken by the hook
//! that sees the same object.

use std::ffi::OsStr;
use std::net::Ipv6Addr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use libbpf_rs::{ErrorKind, MapCore, MapFlags};

use super::beginning::{clock, nanoseconds};
use super::bytes::bytes;
use super::hash::literal_name;
use super::load::random;
use super::pins::{Maps, Opened, find, remove_entry, set};
use super::skeleton::types;
use super::{Container, Enforcer};
use crate::{BpfError, Result};

/// A file as grants name it: a number that no other file ever has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(u64);

/// A thread, and not the next one with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thread {
    pub tid: libc::pid_t,
    /// In clock ticks since boot, as field 22 of `/proc/TID/stat` says.
    pub started: u64,
}

/// Where to, as the programs see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Destination {
    /// IPv4 is mapped.
    pub address: Ipv6Addr,
    pub port: u16,
    pub protocol: u16,
}

/// One act that was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant<'a> {
    /// To run a program with this command line, and no other.
    Exec {
        /// The file that is executed, then the interpreters that it names.
        programs: &'a [Tag],
        /// As it will stand on the new stack: each word ended by a zero.
        line: &'a [u8],
        words: u32,
    },
    /// To connect or send to each of these once.
    Reach(&'a [Destination]),
    Open {
        file: Tag,
        read: bool,
        write: bool,
    },
    /// To make this file and open it.
    Create {
        folder: Tag,
        name: &'a OsStr,
    },
}

/// As much as the programs compare (`ASKED_LINE_MOST`).
pub const LINE_MOST_ASKED: usize = 32_760;
/// As many destinations as one grant has room for.
pub const DESTINATIONS_MOST: usize = 8;
/// As many programs: the kernel follows five interpreters.
pub const PROGRAMS_MOST: usize = 6;

impl Enforcer {
    /// The file behind a descriptor, also one opened with O_PATH. A grant for it is worth something as long as the
    /// descriptor is open.
    pub fn tag(&self, file: BorrowedFd<'_>) -> Result<Tag> {
        let tags = self.maps.tags.opened()?;
        let key = file.as_raw_fd().to_ne_bytes();
        let failed = || BpfError::floor("tag a file");
        // 0 is no file's
        let number = random()? | 1;
        match tags.update(&key, bytes(&number), MapFlags::NO_EXIST) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed()(error)),
            _ => {}
        }
        // somebody else's number is as good
        let found = tags.lookup(&key, MapFlags::ANY).map_err(failed())?;
        let found = found.and_then(|bytes| super::bytes::value(&bytes));
        found
            .map(Tag)
            .ok_or_else(|| BpfError::io("read a file's tag")(std::io::ErrorKind::NotFound.into()))
    }

    /// In place of what the thread was granted before.
    pub fn grant(
        &self,
        container: Container,
        thread: Thread,
        grant: &Grant<'_>,
        lasts: Duration,
    ) -> Result<()> {
        let entry = types::grant {
            until: nanoseconds(clock(libc::CLOCK_BOOTTIME)? + lasts),
            started: thread.started,
            slot: container.slot,
            generation: container.generation,
            ..grant.entry()?
        };
        let maps = &self.maps;
        // what compares a line finds the grant first: it must not be there without its line
        remove_entry(&maps.grants, &key(thread))?;
        if let Grant::Exec { line, .. } = grant {
            set(&maps.asked_lines, &key(thread), &asked(line))?;
        }
        set(&maps.grants, &key(thread), &entry)
    }

    /// Takes back what the thread has not used.
    pub fn revoke(&self, thread: Thread) -> Result<()> {
        remove(&self.maps, key(thread))
    }

    /// Takes back whatever a container's threads have not used.
    pub fn revoke_all(&self, container: Container) -> Result<()> {
        revoke_all(&self.maps, container)
    }
}

pub(super) fn revoke_all(maps: &Maps, container: Container) -> Result<()> {
    for key in maps.grants.opened()?.keys().collect::<Vec<_>>() {
        let Some(thread) = super::bytes::value::<u32>(&key) else {
            continue;
        };
        let Some(grant) = find::<_, types::grant>(&maps.grants, &thread)? else {
            continue;
        };
        if grant.slot == container.slot && grant.generation == container.generation {
            remove(maps, thread)?;
        }
    }
    Ok(())
}

fn remove(maps: &Maps, thread: u32) -> Result<()> {
    remove_entry(&maps.grants, &thread)?;
    remove_entry(&maps.asked_lines, &thread)
}

fn key(thread: Thread) -> u32 {
    // no thread has a negative number, and no grant is ever looked for under that one
    u32::try_from(thread.tid).unwrap_or(0)
}

impl Grant<'_> {
    /// What depends on the act alone.
    fn entry(&self) -> Result<types::grant> {
        const EXEC: u32 = 1;
        const REACH: u32 = 2;
        const OPEN: u32 = 3;
        const CREATE: u32 = 4;
        let mut entry = types::grant::default();
        match self {
            Self::Exec {
                programs,
                line,
                words,
            } => {
                within(programs.len(), PROGRAMS_MOST, "programs of one exec")?;
                within(line.len(), LINE_MOST_ASKED, "bytes of a command line")?;
                entry.kind = EXEC;
                entry.words = *words;
                entry.length = u32::try_from(line.len()).unwrap_or(u32::MAX);
                for (place, tag) in entry.files.iter_mut().zip(*programs) {
                    *place = tag.0;
                }
            }
            Self::Reach(to) => {
                within(to.len(), DESTINATIONS_MOST, "destinations of one call")?;
                entry.kind = REACH;
                entry.left = (1 << to.len()) - 1;
                for (place, to) in entry.to.iter_mut().zip(*to) {
                    *place = to.entry();
                }
            }
            Self::Open { file, read, write } => {
                const READ: u32 = 1;
                const WRITE: u32 = 2;
                entry.kind = OPEN;
                entry.files[0] = file.0;
                entry.accesses = if *read { READ } else { 0 } | if *write { WRITE } else { 0 };
            }
            Self::Create { folder, name } => {
                within(name.len(), 255, "bytes of a name")?;
                entry.kind = CREATE;
                entry.files[0] = folder.0;
                entry.name = literal_name(name.as_bytes());
            }
        }
        Ok(entry)
    }
}

impl Destination {
    fn entry(self) -> types::destination {
        let octets = self.address.octets();
        let (words, _) = octets.as_chunks::<4>();
        let mut address = [0; 4];
        for (word, bytes) in address.iter_mut().zip(words) {
            *word = u32::from_ne_bytes(*bytes);
        }
        types::destination {
            address,
            port: self.port,
            protocol: self.protocol,
        }
    }
}

fn within(count: usize, most: usize, what: &str) -> Result<()> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    Err(BpfError::Full {
        limit: format!("{count} {what} can't be granted, 1 to {most} can"),
        way_out: "allow or deny it by a rule".into(),
    })
}

fn asked(line: &[u8]) -> types::asked_line {
    let mut asked = types::asked_line::default();
    for (place, byte) in asked.bytes.iter_mut().zip(line) {
        *place = byte.cast_signed();
    }
    asked
}
