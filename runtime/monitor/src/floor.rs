//! What the kernel is told: a grant for what was allowed, an entry for what was decided.

use std::time::Duration;

use sevorix_container::floor::Decided;

use crate::Result;
use crate::execution::Execution;
use crate::opening::Opening;
use crate::reach::Goal;
use crate::thread::Thread;

/// The kernel's side of a container, or a test's.
pub trait Floor {
    /// Lets the thread do this once. It takes the place of what it was granted before.
    fn grant(&self, thread: Thread, permit: &Permit<'_>, lasts: Duration) -> Result<()>;
    /// Takes back what the thread has not used.
    fn revoke(&self, thread: Thread);
    /// For whoever reads the container's events.
    fn tell(&self, decision: &Decided);
    /// Whether a file of this time of change may have been written by the container.
    fn may_have_written(&self, changed: Duration) -> bool;
}

/// What was allowed.
#[derive(Debug, Clone, Copy)]
pub enum Permit<'a> {
    Exec(&'a Execution),
    Reach(&'a [Goal]),
    File(&'a Opening),
}
