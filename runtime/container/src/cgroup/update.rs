//! Changing the limits of a container that runs.

use oci_spec::runtime::{LinuxMemory, LinuxResources};

use super::{Cgroup, CgroupError, folder};

impl Cgroup {
    /// Changes what the resources say and nothing else.
    pub fn update(&self, resources: &LinuxResources) -> Result<(), CgroupError> {
        if let Some(memory) = resources
            .memory()
            .filter(|memory| memory.check_before_update() == Some(true))
        {
            self.refuse_below_usage(&memory)?;
        }
        self.update_unit(resources)?;
        if let Some(devices) = resources.devices() {
            self.limit_devices(devices, false)?;
        }
        self.apply_resources(resources)
    }

    /// A limit below what is used would end in the kernel killing the container's processes.
    fn refuse_below_usage(&self, memory: &LinuxMemory) -> Result<(), CgroupError> {
        let (folder, file) = if self.is_unified() {
            (self.unified_folder(), "memory.current")
        } else {
            (self.legacy_folder("memory"), "memory.usage_in_bytes")
        };
        let Some(folder) = folder else { return Ok(()) };
        let usage = folder::read_if_present(&folder.join(file))?
            .and_then(|usage| usage.trim().parse::<i64>().ok());
        let Some(usage) = usage else { return Ok(()) };
        for (name, limit) in [("memory+swap", memory.swap()), ("memory", memory.limit())] {
            if let Some(limit @ 1..) = limit.filter(|limit| *limit <= usage) {
                let reason = format!("rejecting {name} limit {limit} <= usage {usage}");
                return Err(CgroupError::Resource {
                    resource: "memory".into(),
                    reason,
                });
            }
        }
        Ok(())
    }
}
