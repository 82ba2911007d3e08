//! The only place that speaks to the kernel's BPF system call.
//!
//! Today that is one program per container: the device allow-list of cgroup v2, which cgroup v1 had as a controller.
//! It is a few dozen instructions made from the container's own rules, so there is no object file to parse, no map and
//! no relocation: what libbpf is for. The binary that links this crate is executed three to five times for every
//! container: libbpf with libelf and zlib, linked statically, made a program that only loads one of these 0.5 MB larger,
//! with 550 more relocations to do before main (dynamically: three more libraries to map, 0.6 ms). So the program is
//! written as instructions here and handed over by the six commands of bpf(2) that it takes.

pub mod device;
mod error;
mod instruction;
mod sys;

pub use error::{BpfError, Result};
pub use instruction::Instruction;
