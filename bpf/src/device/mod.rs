//! Which device nodes the processes of a cgroup may open or make.
//!
//! cgroup v2 has no device controller: the kernel asks a program attached to the cgroup. The rules of an OCI config
//! are a script written for the v1 controller (each line changes what the lines before left), so they are first run
//! through an emulation of it ([`DevicePolicy`]) and what remains becomes the program.

mod attach;
mod policy;
mod program;
mod rule;

pub use attach::{attach, replace};
pub use policy::DevicePolicy;
pub use rule::{Access, DeviceKind, DeviceRule, default_allow_rules};
