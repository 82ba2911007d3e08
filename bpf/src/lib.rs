//! The only place that speaks to the kernel's BPF system call.
//!
//! Two things live here. [`floor`] is what holds an agent: one object of LSM programs, compiled from `src/bpf`, loaded by
//! libbpf once per boot and pinned; afterwards a container is a few updates of pinned maps. [`device`] is the device
//! allow-list of cgroup v2, which cgroup v1 had as a controller: a few dozen instructions made from the container's own
//! rules, without object, map or relocation, so they are handed over by the six commands of bpf(2) that it takes.

pub mod device;
mod error;
pub mod floor;
mod instruction;
mod sys;

pub use error::{BpfError, Result};
pub use instruction::Instruction;
