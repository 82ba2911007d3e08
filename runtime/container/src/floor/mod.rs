//! Where the kernel floor joins the life of a container: attached in `create::build`, after the cgroup and init exist and
//! before `start` can let the payload run; rolled back by `create`'s `Undo`; removed by `Container::delete`.
//!
//! This release has no kernel programs to attach. A container that asks for enforcement is therefore refused here; one
//! that only identifies itself, or says nothing, is run as runc would run it.

mod calls;
mod host;

pub use host::{Check, Facts, Standing};

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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(key: &str, value: &str) -> Result<()> {
        preflight(&Request::parse([(key, value)], None).expect("a known key"))
    }

    #[test]
    fn what_cannot_be_enforced_is_refused_by_its_key() {
        for (key, value) in [
            ("io.sevorix.policy", "coding-agent"),
            ("io.sevorix.net.allow", "10.0.0.0/8"),
            ("io.sevorix.exec.allow", "/bin/sh"),
        ] {
            let error = asked(key, value).expect_err(key);
            assert!(
                error.to_string().contains(key) && error.hint().is_some(),
                "{error}"
            );
        }
        assert!(
            preflight(&Request::parse([], Some("locked")).expect("a policy of the node")).is_err()
        );
        assert!(asked("io.sevorix.agent.id", "agent-7").is_ok());
        assert!(preflight(&Request::parse([], None).expect("nothing asked")).is_ok());
    }
}
