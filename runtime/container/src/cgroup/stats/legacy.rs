//! cgroup v1.

use std::path::Path;

use super::shape::{BlkioEntry, Cpuset, Hugetlb, MemoryEntry, Stats};
use super::{huge_page_sizes, number, table};
use crate::cgroup::{Cgroup, CgroupError, folder};

pub(super) fn collect(cgroup: &Cgroup, stats: &mut Stats) -> Result<(), CgroupError> {
    type Collect = fn(&Path, &mut Stats) -> Result<(), CgroupError>;
    let controllers: [(&str, Collect); 7] = [
        ("cpu", throttling),
        ("cpuacct", cpu_usage),
        ("cpuset", cpuset),
        ("memory", memory),
        ("pids", pids),
        ("blkio", blkio),
        ("hugetlb", hugetlb),
    ];
    for (controller, collect) in controllers {
        if let Some(folder) = cgroup.legacy_folder(controller) {
            collect(folder, stats)?;
        }
    }
    Ok(())
}

fn throttling(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    for (key, value) in table(folder, "cpu.stat")? {
        match key.as_str() {
            "nr_periods" => stats.cpu.throttling.periods = value,
            "nr_throttled" => stats.cpu.throttling.throttled_periods = value,
            "throttled_time" => stats.cpu.throttling.throttled_time = value,
            _ => {}
        }
    }
    Ok(())
}

fn cpu_usage(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    /// USER_HZ, which is 100 on every architecture that Rust runs on
    const NANOSECONDS_PER_TICK: u64 = 10_000_000;
    let usage = &mut stats.cpu.usage;
    usage.total = number(folder, "cpuacct.usage")?.unwrap_or(0);
    for (mode, ticks) in table(folder, "cpuacct.stat")? {
        match mode.as_str() {
            "user" => usage.user = ticks * NANOSECONDS_PER_TICK,
            "system" => usage.kernel = ticks * NANOSECONDS_PER_TICK,
            _ => {}
        }
    }
    let read = |file: &str| {
        Ok::<_, CgroupError>(folder::read_if_present(&folder.join(file))?.unwrap_or_default())
    };
    usage.percpu = read("cpuacct.usage_percpu")?
        .split_whitespace()
        .filter_map(|time| time.parse().ok())
        .collect();
    // "cpu user system", one line for each
    for line in read("cpuacct.usage_all")?.lines().skip(1) {
        let mut times = line
            .split_whitespace()
            .skip(1)
            .filter_map(|time| time.parse::<u64>().ok());
        usage.percpu_user.extend(times.next());
        usage.percpu_kernel.extend(times.next());
    }
    Ok(())
}

fn cpuset(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    let read = |name: &str| folder::read_if_present(&folder.join(format!("cpuset.{name}")));
    let list = |name: &str| Ok::<_, CgroupError>(numbers(read(name)?.unwrap_or_default().trim()));
    let flag =
        |name: &str| Ok::<_, CgroupError>(number(folder, &format!("cpuset.{name}"))?.unwrap_or(0));
    stats.cpuset = Cpuset {
        cpus: list("cpus")?,
        cpu_exclusive: flag("cpu_exclusive")?,
        mems: list("mems")?,
        mem_hardwall: flag("mem_hardwall")?,
        mem_exclusive: flag("mem_exclusive")?,
        memory_migrate: flag("memory_migrate")?,
        memory_spread_page: flag("memory_spread_page")?,
        memory_spread_slab: flag("memory_spread_slab")?,
        memory_pressure: flag("memory_pressure")?,
        sched_load_balance: flag("sched_load_balance")?,
        sched_relax_domain_level: read("sched_relax_domain_level")?
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0),
    };
    Ok(())
}

/// `0-2,5`
fn numbers(list: &str) -> Vec<u16> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.parse::<u16>().ok()?..=to.parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

fn memory(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    let memory = &mut stats.memory;
    memory.raw = table(folder, "memory.stat")?.into_iter().collect();
    memory.cache = memory.raw.get("cache").copied().unwrap_or(0);
    let entry = |name: &str| -> Result<MemoryEntry, CgroupError> {
        let value = |file: &str| {
            Ok::<_, CgroupError>(number(folder, &format!("{name}.{file}"))?.unwrap_or(0))
        };
        Ok(MemoryEntry {
            limit: value("limit_in_bytes")?,
            usage: value("usage_in_bytes")?,
            max: value("max_usage_in_bytes")?,
            failcnt: value("failcnt")?,
        })
    };
    memory.usage = entry("memory")?;
    memory.swap = entry("memory.memsw")?;
    memory.kernel = entry("memory.kmem")?;
    memory.kernel_tcp = entry("memory.kmem.tcp")?;
    Ok(())
}

fn pids(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    stats.pids.current = number(folder, "pids.current")?.unwrap_or(0);
    stats.pids.limit = number(folder, "pids.max")?
        .filter(|limit| *limit != u64::MAX)
        .unwrap_or(0);
    Ok(())
}

/// Which files exist, and count, depends on the I/O scheduler: the first family that has anything is the one in use.
fn blkio(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    let entries = |file: String| {
        Ok::<_, CgroupError>(blkio_entries(
            &folder::read_if_present(&folder.join(file))?.unwrap_or_default(),
        ))
    };
    for (prefix, suffix) in [
        ("blkio.bfq.", "_recursive"),
        ("blkio.", "_recursive"),
        ("blkio.throttle.", "_recursive"),
        ("blkio.throttle.", ""),
    ] {
        let file = |name: &str| format!("{prefix}{name}{suffix}");
        let serviced = entries(file("io_serviced"))?;
        if serviced.is_empty() {
            continue;
        }
        let blkio = &mut stats.blkio;
        blkio.io_serviced_recursive = serviced;
        blkio.io_service_bytes_recursive = entries(file("io_service_bytes"))?;
        blkio.sectors_recursive = entries(file("sectors"))?;
        blkio.io_service_time_recursive = entries(file("io_service_time"))?;
        blkio.io_wait_time_recursive = entries(file("io_wait_time"))?;
        blkio.io_merged_recursive = entries(file("io_merged"))?;
        blkio.io_queue_recursive = entries(file("io_queued"))?;
        blkio.io_time_recursive = entries(file("time"))?;
        break;
    }
    Ok(())
}

/// `8:0 Read 12`, `8:0 12`, and a last line `Total 12`.
fn blkio_entries(text: &str) -> Vec<BlkioEntry> {
    let entry = |line: &str| {
        let mut fields = line.split_whitespace();
        let (major, minor) = fields.next()?.split_once(':')?;
        let rest: Vec<_> = fields.collect();
        let (op, value) = match rest.as_slice() {
            [op, value] => (*op, value),
            [value] => ("", value),
            _ => return None,
        };
        let (major, minor) = (major.parse().ok()?, minor.parse().ok()?);
        Some(BlkioEntry {
            major,
            minor,
            op: op.into(),
            value: value.parse().ok()?,
        })
    };
    text.lines().filter_map(entry).collect()
}

fn hugetlb(folder: &Path, stats: &mut Stats) -> Result<(), CgroupError> {
    for size in huge_page_sizes() {
        // reservations count apart since 5.7
        for prefix in [format!("hugetlb.{size}.rsvd"), format!("hugetlb.{size}")] {
            let value = |file: &str| number(folder, &format!("{prefix}.{file}"));
            if let Some(usage) = value("usage_in_bytes")? {
                let (max, failcnt) = (
                    value("max_usage_in_bytes")?.unwrap_or(0),
                    value("failcnt")?.unwrap_or(0),
                );
                stats.hugetlb.insert(
                    size,
                    Hugetlb {
                        usage,
                        max,
                        failcnt,
                    },
                );
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_numbers() {
        assert_eq!(numbers("0-2,5"), [0, 1, 2, 5]);
        assert!(numbers("").is_empty());
    }

    #[test]
    fn blkio_lines_with_and_without_an_operation() {
        let entry = |op: &str, value| BlkioEntry {
            major: 8,
            minor: 16,
            op: op.into(),
            value,
        };
        let text = "8:16 Read 12\n8:16 3\nTotal 15\n";
        assert_eq!(blkio_entries(text), [entry("Read", 12), entry("", 3)]);
    }
}
