//! Where the kernel floor joins the life of a container: attached after the cgroup and init exist and before `start`
//! can let the payload run, rolled back when `create` fails later, removed by `delete`.
//!
//! This release has no kernel programs to attach. A container that asks for enforcement is therefore refused here; one
//! that only identifies itself, or says nothing, is run as runc would run it.

use sevorix_policy::Request;

use crate::{Error, Result};

/// Refuses what this release can't enforce. Comes first: nothing has been made yet.
pub fn preflight(request: &Request) -> Result<()> {
    match request.needs_enforcement() {
        None => Ok(()),
        Some(key) => Err(Error::Unenforceable {
            key: key.to_string(),
        }),
    }
}
