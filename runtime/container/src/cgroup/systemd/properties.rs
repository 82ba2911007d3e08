//! A unit's properties: what systemd writes into the cgroup's files, at the start and after every `daemon-reload`.

use super::wire::{Property, Value};
use crate::cgroup::slice::Unit;

/// systemd's "infinity".
const NO_LIMIT: u64 = u64::MAX;
const SECOND_IN_MICROSECONDS: u64 = 1_000_000;
/// The kernel's, when nobody says otherwise.
const DEFAULT_PERIOD: u64 = 100_000;

/// What every container's unit has, as runc makes it.
pub(super) fn unit(
    unit: &Unit,
    id: &str,
    occupant: Option<u32>,
    is_unified: bool,
) -> Vec<Property> {
    let yes = Value::Bool(true);
    let mut properties = vec![
        (
            "Description",
            Value::Text(format!("sevorix container {id}")),
        ),
        ("DefaultDependencies", Value::Bool(false)),
        ("MemoryAccounting", yes.clone()),
        ("CPUAccounting", yes.clone()),
        (
            if is_unified {
                "IOAccounting"
            } else {
                "BlockIOAccounting"
            },
            yes.clone(),
        ),
        ("TasksAccounting", yes.clone()),
    ];
    if unit.is_slice() {
        properties.push(("Wants", Value::Text(unit.slice.clone())));
    } else {
        properties.push(("Slice", Value::Text(unit.slice.clone())));
        // ours to arrange below, and to write limits that have no property
        properties.push(("Delegate", yes));
    }
    properties.extend(occupant.map(|pid| ("PIDs", Value::Pids(vec![pid]))));
    properties
}

/// The properties for the files that are about to be written, so that systemd, which writes its own idea of them after
/// a `daemon-reload`, has the same idea. A file without a property is left alone by systemd.
pub(super) fn limits<'a>(files: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Vec<Property> {
    let value_of = |wanted: &str| {
        files
            .clone()
            .filter(|(file, _)| *file == wanted)
            .last()
            .map(|(_, value)| value)
    };
    let mut properties: Vec<_> = files
        .clone()
        .filter_map(|(file, value)| limit(file, value))
        .collect();
    if let Some((quota, period)) =
        value_of("cpu.max").map(|max| max.split_once(' ').unwrap_or((max, "")))
    {
        properties.extend(cpu_quota(quota, period));
    }
    match (value_of("cpu.cfs_quota_us"), value_of("cpu.cfs_period_us")) {
        (None, None) => {}
        (quota, period) => properties.extend(cpu_quota(
            quota.unwrap_or_default(),
            period.unwrap_or_default(),
        )),
    }
    properties
}

fn limit(file: &str, value: &str) -> Option<Property> {
    let name = match file {
        "memory.max" => "MemoryMax",
        "memory.high" => "MemoryHigh",
        "memory.low" => "MemoryLow",
        "memory.min" => "MemoryMin",
        "memory.swap.max" => "MemorySwapMax",
        "memory.limit_in_bytes" => "MemoryLimit",
        "pids.max" => "TasksMax",
        "cpu.weight" => "CPUWeight",
        "cpu.shares" => "CPUShares",
        "blkio.weight" | "blkio.bfq.weight" if !value.contains(' ') => "BlockIOWeight",
        "cpuset.cpus" => return Some(("AllowedCPUs", Value::Bytes(bit_mask(value)?))),
        "cpuset.mems" => return Some(("AllowedMemoryNodes", Value::Bytes(bit_mask(value)?))),
        _ => return None,
    };
    let number = if matches!(value, "max" | "-1") {
        NO_LIMIT
    } else {
        value.parse().ok()?
    };
    Some((name, Value::Number(number)))
}

/// systemd stores whole percents of a processor: rounded up, so that it never takes away what was asked for.
fn cpu_quota(quota: &str, period: &str) -> Vec<Property> {
    const PERCENT: u64 = SECOND_IN_MICROSECONDS / 100;
    let period: Option<u64> = period.parse().ok();
    let per_second = match quota {
        "" => None,
        "max" | "-1" => Some(NO_LIMIT),
        quota => quota.parse::<u64>().ok().map(|quota| {
            let exact =
                quota.saturating_mul(SECOND_IN_MICROSECONDS) / period.unwrap_or(DEFAULT_PERIOD);
            exact.div_ceil(PERCENT).saturating_mul(PERCENT)
        }),
    };
    let period = period.map(|period| ("CPUQuotaPeriodUSec", Value::Number(period)));
    let quota = per_second.map(|quota| ("CPUQuotaPerSecUSec", Value::Number(quota)));
    period.into_iter().chain(quota).collect()
}

/// `0-2,5` as bits, the lowest in the first byte.
fn bit_mask(list: &str) -> Option<Vec<u8>> {
    let mut mask = Vec::new();
    for part in list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        for number in from.parse::<u16>().ok()?..=to.parse().ok()? {
            let byte = usize::from(number / 8);
            if mask.len() <= byte {
                mask.resize(byte + 1, 0);
            }
            mask[byte] |= 1_u8 << (number % 8);
        }
    }
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(files: &[(&str, &str)]) -> Vec<(&'static str, Value)> {
        limits(files.iter().copied())
    }

    #[test]
    fn files_with_a_property_are_told() {
        let files = [
            ("memory.max", "100"),
            ("memory.swap.max", "max"),
            ("io.max", "8:0 rbps=1"),
            ("cpuset.cpus", "0-1,9"),
        ];
        assert_eq!(
            told(&files),
            [
                ("MemoryMax", Value::Number(100)),
                ("MemorySwapMax", Value::Number(u64::MAX)),
                ("AllowedCPUs", Value::Bytes(vec![3, 2])),
            ]
        );
    }

    #[test]
    fn quotas_are_whole_percents_rounded_up() {
        let quota = |value| ("CPUQuotaPerSecUSec", Value::Number(value));
        let period = |value| ("CPUQuotaPeriodUSec", Value::Number(value));
        assert_eq!(
            told(&[("cpu.max", "12500 100000")]),
            [period(100_000), quota(130_000)]
        );
        assert_eq!(told(&[("cpu.max", "50000")]), [quota(500_000)]);
        assert_eq!(
            told(&[("cpu.max", "max 50000")]),
            [period(50_000), quota(u64::MAX)]
        );
        let v1 = [
            ("cpu.cfs_period_us", "50000"),
            ("cpu.cfs_quota_us", "25000"),
        ];
        assert_eq!(told(&v1), [period(50_000), quota(500_000)]);
    }

    #[test]
    fn a_container_is_a_delegated_scope_in_its_slice() {
        let scope = Unit::parse(Some("a.slice:docker:x"), "x").unwrap();
        let properties = unit(&scope, "x", Some(7), true);
        assert!(properties.contains(&("Slice", Value::Text("a.slice".into()))));
        assert!(properties.contains(&("Delegate", Value::Bool(true))));
        assert!(properties.contains(&("PIDs", Value::Pids(vec![7]))));
    }
}
