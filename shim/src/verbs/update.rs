//! `update`: other limits for a container that runs.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::PathBuf;

use oci_spec::runtime::LinuxResources;
use serde_json::{Map, Value, json};

use super::with_id;
use crate::cli::Globals;
use crate::error::{Context, Error, Result};
use crate::grammar::{Scalar, options};
use crate::log;

options! {
    /// change a container's limits
    pub struct Update("update", "ID") {
        /// file with the limits as in config.json's linux.resources, or - for stdin; other options are ignored then
        'r' resources: Option<PathBuf>,
        /// weight of block I/O, 10 to 1000
        blkio_weight: Option<u16>,
        /// microseconds of a CPU period
        cpu_period: Option<u64>,
        /// microseconds of CPU time in a period
        cpu_quota: Option<i64>,
        /// microseconds of CPU time that may be saved up
        cpu_burst: Option<u64>,
        /// CPU weight relative to other containers
        cpu_share: Option<u64>,
        /// the same as --cpu-share
        cpu_shares: Option<u64>,
        /// microseconds of a real-time period
        cpu_rt_period: Option<u64>,
        /// microseconds of real-time CPU time in a period
        cpu_rt_runtime: Option<i64>,
        /// CPUs to use
        cpuset_cpus: Option<String>,
        /// memory nodes to use
        cpuset_mems: Option<String>,
        /// 1: only run when nobody else wants the CPU
        cpu_idle: Option<i64>,
        /// bytes of memory
        memory: Option<Bytes>,
        /// bytes of memory kept when memory is short
        memory_reservation: Option<Bytes>,
        /// bytes of memory and swap together, -1 for no limit
        memory_swap: Option<Bytes>,
        /// not used any more
        kernel_memory: Option<String>,
        /// not used any more
        kernel_memory_tcp: Option<String>,
        /// number of processes
        pids_limit: Option<i64>,
        /// refused: resctrl is not managed
        l3_cache_schema: Option<String>,
        /// refused: resctrl is not managed
        mem_bw_schema: Option<String>,
    }
}

/// A size as people write it: 64M, 1.5g, -1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bytes(i64);

pub fn run(globals: &Globals, words: &[OsString]) -> Result<u8> {
    let (options, id) = with_id::<Update>(words)?;
    let container = globals.runtime()?.load(&id)?;
    container.update(&options.resources()?)?;
    Ok(0)
}

impl Update {
    fn resources(&self) -> Result<LinuxResources> {
        if let Some(path) = &self.resources {
            let text = if path == OsStr::new("-") {
                let mut text = Vec::new();
                std::io::stdin()
                    .read_to_end(&mut text)
                    .during(|| "read stdin".into())?;
                text
            } else {
                std::fs::read(path).on("open", path)?
            };
            return serde_json::from_slice(&text).map_err(|source| Error::Json {
                path: path.clone(),
                source,
            });
        }
        if self.l3_cache_schema.is_some() || self.mem_bw_schema.is_some() {
            return Err(Error::Impossible {
                what: "limiting caches and memory bandwidth",
                reason: "resctrl is not managed",
            });
        }
        if self.kernel_memory.is_some() || self.kernel_memory_tcp.is_some() {
            log::warn("kernel memory limits are ignored: no kernel has them any more");
        }
        serde_json::from_value(self.as_config()).map_err(|source| Error::Json {
            path: "options".into(),
            source,
        })
    }

    /// As config.json would have it; what is not asked for is absent and so stays as it is.
    fn as_config(&self) -> Value {
        let bytes = |size: Option<Bytes>| size.map(|Bytes(count)| count);
        let memory = section([
            ("limit", json!(bytes(self.memory))),
            ("reservation", json!(bytes(self.memory_reservation))),
            ("swap", json!(bytes(self.memory_swap))),
        ]);
        let cpu = section([
            ("shares", json!(self.cpu_share.or(self.cpu_shares))),
            ("quota", json!(self.cpu_quota)),
            ("period", json!(self.cpu_period)),
            ("burst", json!(self.cpu_burst)),
            ("realtimeRuntime", json!(self.cpu_rt_runtime)),
            ("realtimePeriod", json!(self.cpu_rt_period)),
            ("cpus", json!(self.cpuset_cpus)),
            ("mems", json!(self.cpuset_mems)),
            ("idle", json!(self.cpu_idle)),
        ]);
        let pids = section([("limit", json!(self.pids_limit))]);
        let block_io = section([("weight", json!(self.blkio_weight))]);
        section([
            ("memory", memory),
            ("cpu", cpu),
            ("pids", pids),
            ("blockIO", block_io),
        ])
    }
}

/// The members that are there; null when none is.
fn section<const N: usize>(members: [(&str, Value); N]) -> Value {
    let given = members.into_iter().filter(|(_, value)| !value.is_null());
    let section: Map<String, Value> = given.map(|(name, value)| (name.into(), value)).collect();
    if section.is_empty() {
        Value::Null
    } else {
        section.into()
    }
}

impl Scalar for Bytes {
    const NAME: &'static str = "BYTES";

    fn read(value: &OsStr) -> Result<Self, String> {
        parse_size(&value.to_string_lossy())
            .map(Self)
            .ok_or("not a size".into())
    }
}

fn parse_size(text: &str) -> Option<i64> {
    if text == "-1" {
        return Some(-1);
    }
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let unit = unit.strip_suffix('i').unwrap_or(unit);
    let shift = match unit {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        "p" => 50,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<i64>().ok()?.checked_mul(1 << shift)?;
    whole.checked_add(part_of(fraction, 1 << shift)?)
}

/// What a decimal fraction of a unit comes to, rounded down.
fn part_of(fraction: &str, unit: i64) -> Option<i64> {
    let places = u32::try_from(fraction.len()).ok()?;
    if places == 0 {
        return Some(0);
    }
    let part = i128::from(unit) * i128::from(fraction.parse::<u32>().ok()?)
        / 10i128.checked_pow(places)?;
    i64::try_from(part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Options;

    #[test]
    fn sizes_are_read_as_engines_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("-1", -1),
            ("4096", 4096),
            ("64M", 64 << 20),
            ("64MiB", 64 << 20),
            ("1.5g", 3 << 29),
            ("10kb", 10 << 10),
        ] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "-2", "M", "1x", "1.2.3", "9999999999P", "1e3"] {
            assert_eq!(parse_size(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_what_is_asked_for_is_changed() {
        let words = [
            "--memory",
            "64M",
            "--memory-swap",
            "-1",
            "--pids-limit=20",
            "x",
        ]
        .map(OsString::from);
        let (options, _) = Update::read(&words).expect("valid");
        let expected = json!({"memory": {"limit": 64 << 20, "swap": -1}, "pids": {"limit": 20}});
        assert_eq!(options.as_config(), expected);
        assert_eq!(
            options
                .resources()
                .expect("valid")
                .pids()
                .expect("pids")
                .limit(),
            20
        );
        assert!(options.resources().expect("valid").cpu().is_none());
    }
}
