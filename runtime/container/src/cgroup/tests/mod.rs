//! Against the kernel: each test works in a cgroup of its own, which it removes.
//!
//! They need root and a cgroup v2 hierarchy; a host with v1 gets a private view of its v2 hierarchy, in the mount
//! namespace of the test's thread, and keeps its v1 ones untouched. Where that can't be, a test says that it was
//! skipped. With `SEVORIX_TEST_THIS_HOST=1` (a VM is meant) the host is taken as it is, v1 and systemd included.

mod devices;
mod host;
mod life;
mod limits;
mod stats;
mod systemd;
