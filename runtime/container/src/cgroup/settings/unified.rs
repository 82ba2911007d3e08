//! cgroup v2.

use oci_spec::runtime::{
    LinuxBlockIo, LinuxCpu, LinuxHugepageLimit, LinuxMemory, LinuxResources, LinuxThrottleDevice,
};

use super::{Current, Setting, convert, unusable};
use crate::cgroup::CgroupError;

pub(super) fn settings(
    resources: &LinuxResources,
    current: &impl Current,
) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Vec::new();
    // a container without a limit on its own processes is to be limited before anything else is
    settings.extend(resources.pids().and_then(|pids| super::pids(pids.limit())));
    if let Some(memory) = resources.memory() {
        settings.extend(memory_settings(memory, current)?);
    }
    if let Some(io) = resources.block_io() {
        settings.extend(io_settings(io));
    }
    if let Some(cpu) = resources.cpu() {
        settings.extend(cpu_settings(cpu, current)?);
    }
    for limit in resources.hugepage_limits().iter().flatten() {
        settings.extend(hugepages(limit));
    }
    settings.extend(super::rdma(resources));
    settings.extend(raw(resources)?);
    Ok(settings)
}

fn memory_settings(
    memory: &LinuxMemory,
    current: &impl Current,
) -> Result<Vec<Setting>, CgroupError> {
    let limit = memory.limit().unwrap_or(0);
    let swap = convert::swap_limit(memory.swap().unwrap_or(0), limit, || current.memory_limit())?;
    let swap = swap.map(|swap| {
        // without swap (or its accounting) there is no file: then no swap and any amount of it are the same
        let is_absent_alike = swap == "max" || swap == "0";
        let setting = Setting::new("memory.swap.max", swap);
        if is_absent_alike {
            setting.or_ignore()
        } else {
            setting
        }
    });
    let limit = convert::limit(limit).map(|limit| Setting::new("memory.max", limit));
    let reservation = convert::limit(memory.reservation().unwrap_or(0))
        .map(|low| Setting::new("memory.low", low));
    Ok([swap, limit, reservation].into_iter().flatten().collect())
}

fn cpu_settings(cpu: &LinuxCpu, current: &impl Current) -> Result<Vec<Setting>, CgroupError> {
    let shares = cpu.shares().filter(|shares| *shares != 0);
    let cpus = |list: &Option<String>| list.clone().filter(|list| !list.is_empty());
    let mut settings: Vec<_> = [
        cpu.idle().map(|idle| Setting::new("cpu.idle", idle)),
        shares.map(|shares| Setting::new("cpu.weight", convert::cpu_weight(shares))),
        cpu.burst()
            .map(|burst| Setting::new("cpu.max.burst", burst)),
    ]
    .into_iter()
    .flatten()
    .collect();
    settings.extend(cpu_max(cpu, current)?.map(|max| Setting::new("cpu.max", max)));
    settings.extend(cpus(cpu.cpus()).map(|cpus| Setting::new("cpuset.cpus", cpus)));
    settings.extend(cpus(cpu.mems()).map(|mems| Setting::new("cpuset.mems", mems)));
    Ok(settings)
}

/// The kernel keeps the period when only a quota is written; the other way round the quota has to be said again.
fn cpu_max(cpu: &LinuxCpu, current: &impl Current) -> Result<Option<String>, CgroupError> {
    let quota = match cpu.quota().unwrap_or(0) {
        0 => None,
        quota @ 1.. => Some(quota.to_string()),
        _ => Some("max".into()),
    };
    let Some(period) = cpu.period().filter(|period| *period != 0) else {
        return Ok(quota);
    };
    let quota = match quota {
        Some(quota) => quota,
        None => current.cpu_quota()?.unwrap_or_else(|| "max".into()),
    };
    Ok(Some(format!("{quota} {period}")))
}

fn io_settings(io: &LinuxBlockIo) -> Vec<Setting> {
    let mut settings = Vec::new();
    let weight = |device: &str, weight: u16| {
        // the BFQ scheduler has its own file, in v1's units
        Setting::new("io.bfq.weight", format!("{device}{weight}")).or_write(
            "io.weight",
            format!("{device}{}", convert::io_weight(weight)),
        )
    };
    settings.extend(
        io.weight()
            .filter(|weight| *weight != 0)
            .map(|value| weight("", value)),
    );
    for device in io.weight_device().iter().flatten() {
        let name = format!("{}:{} ", device.major(), device.minor());
        settings.extend(device.weight().map(|value| weight(&name, value)));
    }
    let limits = [
        ("rbps", io.throttle_read_bps_device()),
        ("wbps", io.throttle_write_bps_device()),
        ("riops", io.throttle_read_iops_device()),
        ("wiops", io.throttle_write_iops_device()),
    ];
    for (key, devices) in limits {
        settings.extend(devices.iter().flatten().map(|device| throttle(key, device)));
    }
    settings
}

fn throttle(key: &str, device: &LinuxThrottleDevice) -> Setting {
    let rate = if device.rate() == 0 {
        "max".into()
    } else {
        device.rate().to_string()
    };
    Setting::new(
        "io.max",
        format!("{}:{} {key}={rate}", device.major(), device.minor()),
    )
}

fn hugepages(limit: &LinuxHugepageLimit) -> [Setting; 2] {
    let file = |suffix| format!("hugetlb.{}{suffix}", limit.page_size());
    // reservations count apart since 5.7
    [
        Setting::new(file(".max"), limit.limit()),
        Setting::new(file(".rsvd.max"), limit.limit()).or_ignore(),
    ]
}

/// Files named by the config itself; each line is a command of its own.
fn raw(resources: &LinuxResources) -> Result<Vec<Setting>, CgroupError> {
    let mut settings = Vec::new();
    let mut files: Vec<_> = resources.unified().iter().flatten().collect();
    files.sort();
    for (file, lines) in files {
        if file.contains('/') {
            return Err(unusable(file, "it must be a file name (no slashes)"));
        }
        if !file.contains('.') {
            return Err(unusable(
                file,
                "it must be in the form CONTROLLER.PARAMETER",
            ));
        }
        settings.extend(lines.lines().map(|line| Setting::new(file.clone(), line)));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    struct Now {
        memory: Option<i64>,
        quota: &'static str,
    }

    impl Current for Now {
        fn memory_limit(&self) -> Result<Option<i64>, CgroupError> {
            Ok(self.memory)
        }
        fn cpu_quota(&self) -> Result<Option<String>, CgroupError> {
            Ok(Some(self.quota.into()))
        }
    }

    fn written(resources: Value) -> Result<Vec<String>, CgroupError> {
        let resources = serde_json::from_value(resources).unwrap();
        let settings = settings(
            &resources,
            &Now {
                memory: Some(100),
                quota: "2000",
            },
        )?;
        Ok(settings
            .iter()
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect())
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        assert!(written(json!({})).unwrap().is_empty());
        let engines_zeroes = json!({
            "memory": {"limit": 0, "swap": 0, "reservation": 0}, "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": ""},
            "pids": {"limit": 0}, "blockIO": {"weight": 0}
        });
        assert!(written(engines_zeroes).unwrap().is_empty());
    }

    #[test]
    fn memory_and_swap_are_taken_apart() {
        let both = json!({"memory": {"limit": 100, "swap": 300, "reservation": 50}});
        assert_eq!(
            written(both).unwrap(),
            ["memory.swap.max=200", "memory.max=100", "memory.low=50"]
        );
        let swap_alone = json!({"memory": {"swap": 150}});
        assert_eq!(written(swap_alone).unwrap(), ["memory.swap.max=50"]);
        let lifted = json!({"memory": {"limit": -1}});
        assert_eq!(
            written(lifted).unwrap(),
            ["memory.swap.max=max", "memory.max=max"]
        );
    }

    #[test]
    fn a_quota_and_a_period_keep_what_is_not_said() {
        let max = |cpu| written(json!({"cpu": cpu})).unwrap();
        assert_eq!(
            max(json!({"quota": 5000, "period": 10000})),
            ["cpu.max=5000 10000"]
        );
        assert_eq!(max(json!({"quota": 5000})), ["cpu.max=5000"]);
        assert_eq!(max(json!({"quota": -1})), ["cpu.max=max"]);
        assert_eq!(max(json!({"period": 10000})), ["cpu.max=2000 10000"]);
    }

    #[test]
    fn the_other_controllers() {
        let resources = json!({
            "pids": {"limit": -1},
            "cpu": {"shares": 1024, "idle": 1, "burst": 10, "cpus": "0-1", "mems": "0"},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 7}],
            "blockIO": {
                "weight": 10, "weightDevice": [{"major": 8, "minor": 0, "weight": 1000}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 9}],
                "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 0}]
            },
            "unified": {"memory.high": "1", "io.max": "8:0 rbps=1\n8:16 rbps=2"}
        });
        assert_eq!(
            written(resources).unwrap(),
            [
                "pids.max=max",
                "io.bfq.weight=10",
                "io.bfq.weight=8:0 1000",
                "io.max=8:0 rbps=9",
                "io.max=8:0 wiops=max",
                "cpu.idle=1",
                "cpu.weight=100",
                "cpu.max.burst=10",
                "cpuset.cpus=0-1",
                "cpuset.mems=0",
                "hugetlb.2MB.max=7",
                "hugetlb.2MB.rsvd.max=7",
                "io.max=8:0 rbps=1",
                "io.max=8:16 rbps=2",
                "memory.high=1",
            ]
        );
    }

    #[test]
    fn raw_files_stay_inside_the_folder() {
        for file in ["../cgroup.procs", "procs"] {
            let error = written(json!({"unified": {file: "1"}})).unwrap_err();
            assert!(matches!(error, CgroupError::Resource { .. }), "{file}");
        }
    }
}
