//! The only place that speaks to the kernel's BPF system call.
//!
//! Today that is one program per container: the device allow-list of cgroup v2, which cgroup v1 had as a controller.
//! It is a few dozen instructions made from the container's own rules, so there is no object file to parse, no map and
//! no relocation: what libbpf is for. The binary that links this crate is executed three to five times for every
//! container, and libbpf, libelf and zlib would be mapped and relocated each time. So the program is written as
//! instructions here and handed over by the four commands of bpf(2) that it takes ([`sys`]).

pub mod device;
mod error;
mod instruction;
mod sys;

pub use error::{BpfError, Result};
pub use instruction::Instruction;
