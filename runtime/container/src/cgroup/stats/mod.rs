//! What a container has used, in the shape of runc's `events --stats`.

mod legacy;
mod shape;
mod unified;

use std::path::Path;

use serde_json::Value;

use super::{Cgroup, CgroupError, folder};
use shape::Stats;

impl Cgroup {
    /// The `data` object of a `stats` event.
    pub fn stats(&self) -> Result<Value, CgroupError> {
        let mut stats = Stats::default();
        if self.is_unified() {
            if let Some(folder) = self.unified_folder() {
                unified::collect(folder, &mut stats)?;
            }
        } else {
            legacy::collect(self, &mut stats)?;
        }
        Ok(serde_json::to_value(stats).expect("numbers and strings are always JSON"))
    }
}

/// A file with one number; `max` is the largest there is. None when the controller is not there.
fn number(folder: &Path, file: &str) -> Result<Option<u64>, CgroupError> {
    let text = folder::read_if_present(&folder.join(file))?;
    Ok(text.and_then(|text| parse_number(text.trim())))
}

fn parse_number(text: &str) -> Option<u64> {
    match text {
        "max" => Some(u64::MAX),
        // v1 writes -1 for what is not limited
        "-1" => Some(u64::MAX),
        text => text.parse().ok(),
    }
}

/// A file of `key number` lines.
fn table(folder: &Path, file: &str) -> Result<Vec<(String, u64)>, CgroupError> {
    let text = folder::read_if_present(&folder.join(file))?.unwrap_or_default();
    let entry = |line: &str| {
        let (key, value) = line.split_once(' ')?;
        Some((key.to_owned(), parse_number(value.trim())?))
    };
    Ok(text.lines().filter_map(entry).collect())
}

/// The sizes the kernel can limit, named as in its files (`2MB`).
fn huge_page_sizes() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/sys/kernel/mm/hugepages") else {
        return Vec::new();
    };
    let name = |entry: std::fs::DirEntry| page_size_name(entry.file_name().to_str()?);
    let mut sizes: Vec<_> = entries.filter_map(Result::ok).filter_map(name).collect();
    sizes.sort();
    sizes
}

fn page_size_name(folder: &str) -> Option<String> {
    let kilobytes: u64 = folder
        .strip_prefix("hugepages-")?
        .strip_suffix("kB")?
        .parse()
        .ok()?;
    Some(match kilobytes {
        0..1024 => format!("{kilobytes}KB"),
        1024..1_048_576 => format!("{}MB", kilobytes >> 10),
        _ => format!("{}GB", kilobytes >> 20),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sizes_are_named_as_in_the_files() {
        assert_eq!(page_size_name("hugepages-64kB").unwrap(), "64KB");
        assert_eq!(page_size_name("hugepages-2048kB").unwrap(), "2MB");
        assert_eq!(page_size_name("hugepages-1048576kB").unwrap(), "1GB");
        assert!(page_size_name("other").is_none());
    }

    #[test]
    fn no_limit_is_the_largest_number() {
        assert_eq!(parse_number("max"), Some(u64::MAX));
        assert_eq!(parse_number("12"), Some(12));
        assert_eq!(parse_number("x"), None);
    }
}
