//! What the kernel reported of each container, kept until its slot has its next one.
//!
//! The kernel hands a report out once, to whoever asks first. So whoever asks puts all of them where everybody finds
//! them: one list for each container, bounded, behind one lock. Each entry has its number; where numbers are missing,
//! older entries had to go.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};
use sevorix_bpf::floor::Enforcer;

use super::{Entry, Place, Record};
use crate::Result;
use crate::error::Context;

const FOLDER: &str = "/run/sevorix-floor/events";
/// Of one container: about five hundred reports. Half of them go at a time.
const MOST: u64 = 256 * 1024;
const LOCK: &str = "lock";

/// The lists of all containers.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    most: u64,
}

/// What came since a reader last asked.
#[derive(Debug, Default)]
pub struct News {
    /// by time
    pub entries: Vec<Entry>,
    /// how many entries had gone before they were read
    pub dropped: u64,
}

/// How far a reader has come: the number of the last entry, by list.
#[derive(Debug, Default)]
pub struct Bookmarks(HashMap<String, u64>);

impl Journal {
    pub fn open() -> Result<Self> {
        Self::at(Path::new(FOLDER), MOST)
    }

    fn at(folder: &Path, most: u64) -> Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .on("create", folder)?;
        Ok(Self {
            folder: folder.into(),
            most,
        })
    }

    /// Takes over what the kernel has, of all containers.
    pub fn collect(&self, enforcer: &Enforcer) -> Result<()> {
        let _lock = self.lock()?;
        let mut events = Vec::new();
        enforcer.read_events(Duration::ZERO, |event| events.push(event))?;
        let boot = boot()?;
        let mut lists: BTreeMap<String, (Option<Record>, Vec<Entry>)> = BTreeMap::new();
        for event in &events {
            let place = Place::of(event.container);
            let (record, entries) = lists
                .entry(place.key())
                .or_insert_with(|| (Record::at(&place), Vec::new()));
            entries.push(Entry::of(event, record.as_ref(), boot + event.time));
        }
        for (list, (_, entries)) in lists {
            self.append(&list, entries)?;
        }
        Ok(())
    }

    /// One entry that is not the kernel's.
    pub(super) fn add(&self, list: &str, entry: Entry) -> Result<()> {
        let _lock = self.lock()?;
        self.append(list, vec![entry])
    }

    /// The container is no more, nor what was told of it.
    pub(super) fn forget(&self, list: &str) -> Result<()> {
        let _lock = self.lock()?;
        for path in self.parts(list) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).on("remove", &path);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What `bookmarks` has not seen yet, of the containers that `wanted` wants.
    pub fn news(&self, bookmarks: &mut Bookmarks, wanted: impl Fn(&Entry) -> bool) -> Result<News> {
        let _lock = self.lock()?;
        let mut news = News::default();
        for list in self.lists()? {
            let entries = self.entries(&list);
            let Some((first, last)) = entries.first().zip(entries.last()) else {
                continue;
            };
            let seen = bookmarks.0.insert(list, last.seq).unwrap_or(0);
            if entries.iter().any(&wanted) {
                news.dropped += first.seq.saturating_sub(seen + 1);
                news.entries
                    .extend(entries.into_iter().filter(|entry| entry.seq > seen));
            }
        }
        news.entries.sort_by(|one, other| one.ts.cmp(&other.ts));
        Ok(news)
    }

    fn append(&self, list: &str, entries: Vec<Entry>) -> Result<()> {
        let [older, newer] = self.parts(list);
        let last = self.entries(list).last().map_or(0, |entry| entry.seq);
        for (seq, entry) in (last + 1..).zip(entries) {
            let mut line = serde_json::to_vec(&Entry { seq, ..entry })
                .map_err(std::io::Error::from)
                .on("encode", &newer)?;
            line.push(b'\n');
            if fs::metadata(&newer).is_ok_and(|file| file.len() > self.most / 2) {
                fs::rename(&newer, &older).on("rename", &newer)?;
            }
            let mut file = File::options()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&newer)
                .on("open", &newer)?;
            file.write_all(&line).on("write", &newer)?;
        }
        Ok(())
    }

    /// A line that a crash cut off is none.
    fn entries(&self, list: &str) -> Vec<Entry> {
        let parts = self.parts(list).map(fs::read);
        let lines = parts
            .iter()
            .flatten()
            .flat_map(|text| text.split(|byte| *byte == b'\n'));
        lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }

    fn lists(&self) -> Result<Vec<String>> {
        let mut lists = Vec::new();
        for entry in fs::read_dir(&self.folder).on("list", &self.folder)? {
            let name = entry.on("list", &self.folder)?.file_name();
            let name = name.to_string_lossy();
            lists.extend(name.strip_suffix(NEWER).map(str::to_string));
        }
        Ok(lists)
    }

    /// The older half and the newer one.
    fn parts(&self, list: &str) -> [PathBuf; 2] {
        [OLDER, NEWER].map(|suffix| self.folder.join(format!("{list}{suffix}")))
    }

    /// It ends with the file.
    fn lock(&self) -> Result<File> {
        let path = self.folder.join(LOCK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .on("open", &path)?;
        file.lock().on("lock", &path)?;
        Ok(file)
    }
}

const OLDER: &str = ".older";
const NEWER: &str = ".jsonl";

/// When the machine was started, by the clock as it is now.
fn boot() -> Result<SystemTime> {
    let up = clock_gettime(ClockId::CLOCK_BOOTTIME)
        .map_err(std::io::Error::from)
        .during(|| "read the clock".into())?;
    Ok(SystemTime::now() - Duration::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(container: &str, ts: u32) -> Entry {
        Entry {
            container: Some(container.into()),
            ts: format!("2026-11-20T12:00:{ts:02}.000Z"),
            ..Entry::default()
        }
    }

    fn told(news: &News) -> Vec<(&str, u64)> {
        let one = |entry: &'_ Entry| entry.seq;
        let names = news.entries.iter().map(|entry| entry.container.as_deref());
        names
            .map(Option::unwrap_or_default)
            .zip(news.entries.iter().map(one))
            .collect()
    }

    #[test]
    fn every_reader_gets_everything_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::at(folder.path(), MOST).expect("a journal");
        for (slot, name, ts) in [("1", "a", 1), ("2", "b", 2), ("1", "a", 3)] {
            journal.add(slot, entry(name, ts)).expect("added");
        }
        let (mut one, mut other) = (Bookmarks::default(), Bookmarks::default());
        let all = journal.news(&mut one, |_| true).expect("news");
        assert_eq!(told(&all), [("a", 1), ("b", 1), ("a", 2)]);
        let of_b = |entry: &Entry| entry.container.as_deref() == Some("b");
        let some = journal.news(&mut other, of_b).expect("news");
        assert_eq!(told(&some), [("b", 1)]);
        journal.add("2", entry("b", 4)).expect("added");
        for bookmarks in [&mut one, &mut other] {
            let new = journal.news(bookmarks, of_b).expect("news");
            assert_eq!((told(&new), new.dropped), (vec![("b", 2)], 0));
        }
    }

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::at(folder.path(), 4096).expect("a journal");
        for _ in 0..100 {
            journal.add("1", entry("a", 1)).expect("added");
        }
        let size: u64 = fs::read_dir(folder.path())
            .expect("listed")
            .map(|file| file.and_then(|file| file.metadata()).expect("a file").len())
            .sum();
        assert!(size < 2 * 4096, "{size}");
        let news = journal
            .news(&mut Bookmarks::default(), |_| true)
            .expect("news");
        assert_eq!(news.entries.last().map(|entry| entry.seq), Some(100));
        assert_eq!(news.dropped + news.entries.len() as u64, 100);
        assert!(news.dropped > 0 && news.entries.len() > 5);
    }

    #[test]
    fn numbers_go_on_and_what_is_forgotten_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::at(folder.path(), MOST).expect("a journal");
        journal.add("1", entry("a", 1)).expect("added");
        let path = &journal.parts("1")[1];
        let mut file = File::options().append(true).open(path).expect("the list");
        file.write_all(b"{\"v\":1,\"seq\"\n").expect("cut off");
        journal.add("1", entry("a", 2)).expect("added");
        let mut bookmarks = Bookmarks::default();
        let news = journal.news(&mut bookmarks, |_| true).expect("news");
        assert_eq!(told(&news), [("a", 1), ("a", 2)]);
        journal.forget("1").expect("forgotten");
        journal.forget("1").expect("forgotten again");
        let news = journal
            .news(&mut Bookmarks::default(), |_| true)
            .expect("news");
        assert!(news.entries.is_empty());
    }
}
