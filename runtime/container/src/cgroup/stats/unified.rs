//! cgroup v2, under the names that v1 gave the same things.

use std::path::Path;

use super::shape::{BlkioEntry, Hugetlb, MemoryEntry, Pressure, PressureLine, Stats};
use super::{huge_page_sizes, number, parse_number, table};
use crate::cgroup::{CgroupError, folder};

pub(super) fn collect(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    cpu(folder, stats)?;
    memory(folder, stats)?;
    pids(folder, stats)?;
    blkio(folder, stats)?;
    for size in huge_page_sizes() {
        hugetlb(folder, size, stats)?;
    }
    stats.cpu.psi = pressure(folder, "cpu.pressure")?;
    stats.memory.psi = pressure(folder, "memory.pressure")?;
    stats.blkio.psi = pressure(folder, "io.pressure")?;
    Ok(())
}

fn cpu(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    for (key, value) in table(folder, "cpu.stat")? {
        let nanoseconds = value.saturating_mul(1000);
        match key.as_str() {
            "usage_usec" => stats.cpu.usage.total = nanoseconds,
            "user_usec" => stats.cpu.usage.user = nanoseconds,
            "system_usec" => stats.cpu.usage.kernel = nanoseconds,
            "nr_periods" => stats.cpu.throttling.periods = value,
            "nr_throttled" => stats.cpu.throttling.throttled_periods = value,
            "throttled_usec" => stats.cpu.throttling.throttled_time = nanoseconds,
            _ => {}
        }
    }
    Ok(())
}

fn memory(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    stats.memory.raw = table(folder, "memory.stat")?.into_iter().collect();
    stats.memory.cache = stats.memory.raw.get("file").copied().unwrap_or(0);
    let entry = |name: &str| -> Result<MemoryEntry, CgroupError> {
        let value = |file: &str| {
            Ok::<_, CgroupError>(number(folder, &format!("{name}.{file}"))?.unwrap_or(0))
        };
        Ok(MemoryEntry {
            limit: value("max")?,
            usage: value("current")?,
            max: value("peak")?,
            failcnt: 0,
        })
    };
    let (memory, swap) = (entry("memory")?, entry("memory.swap")?);
    // v1's "swap" is memory and swap together, and a peak of the sum is not known
    stats.memory.swap = MemoryEntry {
        limit: if swap.limit == u64::MAX {
            u64::MAX
        } else {
            swap.limit.saturating_add(memory.limit)
        },
        usage: swap.usage + memory.usage,
        ..MemoryEntry::default()
    };
    stats.memory.usage = memory;
    Ok(())
}

/// Without the controller the processes are counted; no limit is 0.
fn pids(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    stats.pids.current = match number(folder, "pids.current")? {
        Some(current) => current,
        None => folder::processes(folder)?.len() as u64,
    };
    stats.pids.limit = number(folder, "pids.max")?
        .filter(|limit| *limit != u64::MAX)
        .unwrap_or(0);
    Ok(())
}

fn blkio(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    let text = folder::read_if_present(&folder.join("io.stat"))?.unwrap_or_default();
    for (device, key, value) in text.lines().flat_map(io_line) {
        let (table, op) = match key {
            "rbytes" => (&mut stats.blkio.io_service_bytes_recursive, "Read"),
            "wbytes" => (&mut stats.blkio.io_service_bytes_recursive, "Write"),
            "rios" => (&mut stats.blkio.io_serviced_recursive, "Read"),
            "wios" => (&mut stats.blkio.io_serviced_recursive, "Write"),
            _ => continue,
        };
        table.push(BlkioEntry {
            major: device.0,
            minor: device.1,
            op: op.into(),
            value,
        });
    }
    Ok(())
}

/// `8:0 rbytes=1 wbytes=2 …`
fn io_line(line: &str) -> Vec<((u64, u64), &str, u64)> {
    let mut fields = line.split_whitespace();
    let device = fields.next().and_then(|device| device.split_once(':'));
    let Some((Ok(major), Ok(minor))) = device.map(|(major, minor)| (major.parse(), minor.parse()))
    else {
        return Vec::new();
    };
    let pair = |field: &'_ str| {
        field
            .split_once('=')
            .and_then(|(key, value)| Some((key.len(), value.parse().ok()?)))
    };
    fields
        .filter_map(|field| pair(field).map(|(end, value)| ((major, minor), &field[..end], value)))
        .collect()
}

fn hugetlb(folder: &Path, size: String, stats: &mut Stats) -> Result<(), CgroupError> {
    // reservations count apart since 5.7
    let usage = match number(folder, &format!("hugetlb.{size}.rsvd.current"))? {
        None => number(folder, &format!("hugetlb.{size}.current"))?,
        reserved => reserved,
    };
    let Some(usage) = usage else { return Ok(()) };
    let events = table(folder, &format!("hugetlb.{size}.events"))?;
    let failcnt = events
        .iter()
        .find(|(key, _)| key == "max")
        .map_or(0, |(_, count)| *count);
    stats.hugetlb.insert(
        size,
        Hugetlb {
            usage,
            max: 0,
            failcnt,
        },
    );
    Ok(())
}

/// None when the kernel does not measure it (it then refuses to read, or has no file).
fn pressure(folder: &Path, file: &str) -> Result<Option<Pressure>, CgroupError> {
    match folder::read_if_present(&folder.join(file)) {
        Ok(text) => Ok(text.map(|text| parse_pressure(&text))),
        Err(error) if error.errno() == Some(libc::EOPNOTSUPP) => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse_pressure(text: &str) -> Pressure {
    let mut pressure = Pressure::default();
    for line in text.lines() {
        let mut fields = line.split_whitespace();
        let into = match fields.next() {
            Some("some") => &mut pressure.some,
            Some("full") => &mut pressure.full,
            _ => continue,
        };
        *into = fields
            .filter_map(|field| field.split_once('='))
            .fold(PressureLine::default(), pressure_field);
    }
    pressure
}

fn pressure_field(mut line: PressureLine, (key, value): (&str, &str)) -> PressureLine {
    let share = || value.parse().unwrap_or(0.0);
    match key {
        "avg10" => line.avg10 = share(),
        "avg60" => line.avg60 = share(),
        "avg300" => line.avg300 = share(),
        "total" => line.total = parse_number(value).unwrap_or(0),
        _ => {}
    }
    line
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_folder_becomes_runcs_json() {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [
            (
                "cpu.stat",
                "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 2\nthrottled_usec 7\n",
            ),
            ("memory.stat", "anon 5\nfile 6\n"),
            ("memory.current", "100\n"),
            ("memory.max", "1000\n"),
            ("memory.peak", "200\n"),
            ("memory.swap.current", "10\n"),
            ("memory.swap.max", "50\n"),
            ("pids.current", "3\n"),
            ("pids.max", "max\n"),
            (
                "io.stat",
                "8:0 rbytes=1 wbytes=2 rios=3 wios=0 dbytes=0\n8:16 \n",
            ),
            (
                "cpu.pressure",
                "some avg10=1.50 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
            ),
        ] {
            fs::write(folder.path().join(file), text).unwrap();
        }
        let mut stats = Stats::default();
        collect(folder.path(), &mut stats).unwrap();
        let stats = serde_json::to_value(stats).unwrap();
        assert_eq!(
            stats["cpu"],
            json!({
                "usage": {"total": 30000, "user": 20000, "kernel": 10000},
                "throttling": {"periods": 4, "throttledPeriods": 2, "throttledTime": 7000},
                "psi": {
                    "some": {"avg10": 1.5, "avg60": 0.0, "avg300": 0.0, "total": 9},
                    "full": {"avg10": 0.0, "avg60": 0.0, "avg300": 0.0, "total": 0}
                }
            })
        );
        assert_eq!(
            stats["memory"]["usage"],
            json!({"limit": 1000, "usage": 100, "max": 200, "failcnt": 0})
        );
        assert_eq!(
            stats["memory"]["swap"],
            json!({"limit": 1050, "usage": 110, "failcnt": 0})
        );
        assert_eq!(stats["memory"]["cache"], json!(6));
        assert_eq!(stats["pids"], json!({"current": 3}));
        assert_eq!(
            stats["blkio"],
            json!({
                "ioServiceBytesRecursive": [
                    {"major": 8, "op": "Read", "value": 1}, {"major": 8, "op": "Write", "value": 2}
                ],
                "ioServicedRecursive": [{"major": 8, "op": "Read", "value": 3}, {"major": 8, "op": "Write"}]
            })
        );
        assert_eq!(stats["intel_rdt"], json!({}));
        assert!(stats["network_interfaces"].is_null());
    }
}
