//! The kernel's side of a real container.

use std::rc::Rc;
use std::time::Duration;

use sevorix_container::floor::Decided;
use sevorix_container::monitor::Watched;

use crate::floor::{Floor, Permit};
use crate::thread::Thread;
use crate::{Error, Result};

/// The floor's tables and the container's list of events.
#[derive(Debug)]
pub struct Kernel {
    watched: Rc<Watched>,
}

impl Kernel {
    pub fn new(watched: Rc<Watched>) -> Self {
        Self { watched }
    }
}

impl Floor for Kernel {
    fn grant(&self, _: Thread, _: &Permit<'_>, _: Duration) -> Result<()> {
        Err(Error::NoGrants)
    }

    fn revoke(&self, _: Thread) {}

    fn tell(&self, told: &Decided) {
        self.watched.tell(told);
    }

    fn may_have_written(&self, changed: Duration) -> bool {
        changed >= self.watched.began()
    }
}
