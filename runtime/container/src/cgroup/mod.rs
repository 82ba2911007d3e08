use serde::{Deserialize, Serialize};

/// Who makes the cgroup: we, or systemd on our behalf (`--systemd-cgroup`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    #[default]
    Cgroupfs,
    Systemd,
}

/// A container's place in the host's cgroup hierarchies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cgroup {
    driver: Driver,
}
