//! cgroup v1.

use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxNetwork, LinuxResources};

use super::{Setting, unusable};
use crate::cgroup::CgroupError;

pub(super) fn settings(resources: &LinuxResources) -> Result<Vec<Setting>, CgroupError> {
    if let Some(file) = resources
        .unified()
        .iter()
        .flatten()
        .map(|(file, _)| file)
        .min()
    {
        return Err(unusable(file, "this host has cgroup v1"));
    }
    let mut settings = Vec::new();
    settings.extend(resources.pids().and_then(|pids| super::pids(pids.limit())));
    settings.extend(
        resources
            .memory()
            .map(memory_settings)
            .into_iter()
            .flatten(),
    );
    settings.extend(
        resources
            .cpu()
            .as_ref()
            .map(cpu_settings)
            .into_iter()
            .flatten(),
    );
    settings.extend(
        resources
            .block_io()
            .as_ref()
            .map(blkio_settings)
            .into_iter()
            .flatten(),
    );
    for limit in resources.hugepage_limits().iter().flatten() {
        let file = |suffix| format!("hugetlb.{}{suffix}", limit.page_size());
        settings.push(Setting::new(file(".limit_in_bytes"), limit.limit()));
        settings.push(Setting::new(file(".rsvd.limit_in_bytes"), limit.limit()).or_ignore());
    }
    settings.extend(
        resources
            .network()
            .as_ref()
            .map(network_settings)
            .into_iter()
            .flatten(),
    );
    settings.extend(super::rdma(resources));
    Ok(settings)
}

/// The kernel-memory limits are gone since 5.16 and ignored by every runtime.
fn memory_settings(memory: LinuxMemory) -> Vec<Setting> {
    let said = |value: Option<i64>| value.filter(|value| *value != 0);
    let limit = said(memory.limit());
    // lifting the memory limit alone lifts the limit on memory and swap with it
    let swap = said(memory.swap()).or(limit.filter(|limit| *limit == -1));
    let swap = swap.map(|swap| {
        let setting = Setting::new("memory.memsw.limit_in_bytes", swap);
        if swap == -1 {
            setting.or_ignore()
        } else {
            setting
        }
    });
    let no_oom_killer = memory.disable_oom_killer().unwrap_or(false);
    [
        limit.map(|limit| Setting::new("memory.limit_in_bytes", limit)),
        swap,
        said(memory.reservation()).map(|soft| Setting::new("memory.soft_limit_in_bytes", soft)),
        no_oom_killer.then(|| Setting::new("memory.oom_control", 1)),
        memory
            .swappiness()
            .map(|swappiness| Setting::new("memory.swappiness", swappiness)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn cpu_settings(cpu: &LinuxCpu) -> Vec<Setting> {
    let list = |list: &Option<String>| list.clone().filter(|list| !list.is_empty());
    [
        cpu.idle().map(|idle| Setting::new("cpu.idle", idle)),
        cpu.shares()
            .filter(|shares| *shares != 0)
            .map(|shares| Setting::new("cpu.shares", shares)),
        cpu.burst()
            .map(|burst| Setting::new("cpu.cfs_burst_us", burst)),
        cpu.period()
            .filter(|period| *period != 0)
            .map(|period| Setting::new("cpu.cfs_period_us", period)),
        cpu.quota()
            .filter(|quota| *quota != 0)
            .map(|quota| Setting::new("cpu.cfs_quota_us", quota)),
        cpu.realtime_period()
            .filter(|us| *us != 0)
            .map(|us| Setting::new("cpu.rt_period_us", us)),
        cpu.realtime_runtime()
            .filter(|us| *us != 0)
            .map(|us| Setting::new("cpu.rt_runtime_us", us)),
        list(cpu.cpus()).map(|cpus| Setting::new("cpuset.cpus", cpus)),
        list(cpu.mems()).map(|mems| Setting::new("cpuset.mems", mems)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn blkio_settings(io: &LinuxBlockIo) -> Vec<Setting> {
    let weight = |device: &str, weight: u16| {
        // CFQ's file is gone since 5.0, BFQ has its own
        let value = format!("{device}{weight}");
        let file = if device.is_empty() {
            "blkio.weight"
        } else {
            "blkio.weight_device"
        };
        Setting::new("blkio.bfq.weight", value.clone()).or_write(file, value)
    };
    let said = |weight: Option<u16>| weight.filter(|weight| *weight != 0);
    let mut settings = Vec::new();
    settings.extend(said(io.weight()).map(|value| weight("", value)));
    settings.extend(said(io.leaf_weight()).map(|value| Setting::new("blkio.leaf_weight", value)));
    for device in io.weight_device().iter().flatten() {
        let name = format!("{}:{} ", device.major(), device.minor());
        settings.extend(said(device.weight()).map(|value| weight(&name, value)));
        let leaf = said(device.leaf_weight());
        settings.extend(
            leaf.map(|leaf| Setting::new("blkio.leaf_weight_device", format!("{name}{leaf}"))),
        );
    }
    let limits = [
        (
            "blkio.throttle.read_bps_device",
            io.throttle_read_bps_device(),
        ),
        (
            "blkio.throttle.write_bps_device",
            io.throttle_write_bps_device(),
        ),
        (
            "blkio.throttle.read_iops_device",
            io.throttle_read_iops_device(),
        ),
        (
            "blkio.throttle.write_iops_device",
            io.throttle_write_iops_device(),
        ),
    ];
    for (file, devices) in limits {
        for device in devices.iter().flatten() {
            settings.push(Setting::new(
                file,
                format!("{}:{} {}", device.major(), device.minor(), device.rate()),
            ));
        }
    }
    settings
}

fn network_settings(network: &LinuxNetwork) -> Vec<Setting> {
    let class = network
        .class_id()
        .map(|class| Setting::new("net_cls.classid", class));
    let priority = |interface: &oci_spec::runtime::LinuxInterfacePriority| {
        Setting::new(
            "net_prio.ifpriomap",
            format!("{} {}", interface.name(), interface.priority()),
        )
    };
    class
        .into_iter()
        .chain(network.priorities().iter().flatten().map(priority))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn written(resources: Value) -> Result<Vec<String>, CgroupError> {
        let settings = settings(&serde_json::from_value(resources).unwrap())?;
        Ok(settings
            .iter()
            .map(|setting| format!("{}={}", setting.file, setting.value))
            .collect())
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let engines_zeroes = json!({
            "memory": {"limit": 0, "swap": 0, "disableOOMKiller": false}, "cpu": {"shares": 0, "quota": 0, "cpus": ""},
            "pids": {"limit": 0}, "blockIO": {"weight": 0}
        });
        assert!(written(engines_zeroes).unwrap().is_empty());
    }

    #[test]
    fn every_controller_gets_its_file() {
        let resources = json!({
            "pids": {"limit": 5},
            "memory": {"limit": 100, "swap": 300, "reservation": 50, "swappiness": 0, "disableOOMKiller": true},
            "cpu": {"shares": 512, "quota": 5000, "period": 10000, "cpus": "0", "mems": "0"},
            "blockIO": {"weight": 100, "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 9}]},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 7}],
            "network": {"classID": 3, "priorities": [{"name": "lo", "priority": 2}]}
        });
        assert_eq!(
            written(resources).unwrap(),
            [
                "pids.max=5",
                "memory.limit_in_bytes=100",
                "memory.memsw.limit_in_bytes=300",
                "memory.soft_limit_in_bytes=50",
                "memory.oom_control=1",
                "memory.swappiness=0",
                "cpu.shares=512",
                "cpu.cfs_period_us=10000",
                "cpu.cfs_quota_us=5000",
                "cpuset.cpus=0",
                "cpuset.mems=0",
                "blkio.bfq.weight=100",
                "blkio.throttle.read_bps_device=8:0 9",
                "hugetlb.2MB.limit_in_bytes=7",
                "hugetlb.2MB.rsvd.limit_in_bytes=7",
                "net_cls.classid=3",
                "net_prio.ifpriomap=lo 2",
            ]
        );
    }

    #[test]
    fn v2_files_are_refused() {
        assert!(matches!(
            written(json!({"unified": {"memory.high": "1"}})),
            Err(CgroupError::Resource { .. })
        ));
    }
}
