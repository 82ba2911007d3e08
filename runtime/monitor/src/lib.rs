//! The monitor of one container: it answers what the container's policy asks about.
//!
//! A call that a policy may ask about stops in the kernel, at a seccomp filter. The monitor finds out what the call
//! names, puts it to the verdict service, and lets the call go on with a grant, or fail. It is two processes: the
//! [`Holder`] keeps what must not be lost, the [`Worker`] does what can go wrong.
#![forbid(unsafe_code)]

mod address;
mod ask;
mod call;
mod daemon;
mod error;
mod execution;
mod floor;
mod holder;
mod kernel;
pub mod line;
mod opening;
pub mod operators;
mod question;
mod reach;
mod rest;
mod shebang;
mod thread;
mod worker;

pub use daemon::{run, work};
pub use error::{Error, Result};
pub use execution::Execution;
pub use floor::{Floor, Permit};
pub use holder::Holder;
pub use opening::{Opening, What};
pub use question::About;
pub use reach::Goal;
pub use thread::Thread;
pub use worker::Worker;
