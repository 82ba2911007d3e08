//! What libbpf-cargo makes of each compiled object: its bytes, a handle for each map and program, and the types of
//! `abi.h`.
#![allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_debug_implementations,
    unsafe_op_in_unsafe_fn,
    dead_code
)]

include!(concat!(env!("OUT_DIR"), "/floor.skel.rs"));

/// The object of hosts that take no LSM programs.
pub(super) mod degraded {
    include!(concat!(env!("OUT_DIR"), "/degraded.skel.rs"));
}
