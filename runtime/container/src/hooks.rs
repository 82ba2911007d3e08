//! The hooks that run outside the container's creation: poststart and poststop.
//! prestart, createRuntime, createContainer and startContainer need libcontainer's place in time and are run by it.

use std::path::Path;

use libcontainer::container::{Container as LibContainer, ContainerStatus};
use libcontainer::hooks::run_hooks;
use libcontainer::oci_spec::runtime::Hook;

use crate::state::State;
use crate::{Error, Result};

/// What a hook reads on its standard input, in libcontainer's terms.
pub fn container_for_hooks(
    state: &State,
    status: ContainerStatus,
    folder: &Path,
) -> Result<LibContainer> {
    let pid = state
        .init
        .filter(|_| status != ContainerStatus::Stopped)
        .map(|init| init.pid);
    let mut container =
        LibContainer::new(&state.id, status, pid, &state.bundle, folder).map_err(|error| {
            Error::Hook {
                kind: "any",
                reason: error.to_string(),
            }
        })?;
    container.set_annotations(Some(state.annotations.clone()));
    Ok(container)
}

pub fn run(
    kind: &'static str,
    hooks: Option<&Vec<Hook>>,
    state: &State,
    status: ContainerStatus,
    folder: &Path,
) -> Result<()> {
    let Some(hooks) = hooks.filter(|hooks| !hooks.is_empty()) else {
        return Ok(());
    };
    let container = container_for_hooks(state, status, folder)?;
    run_hooks(Some(hooks), Some(&container.state), None, None, None).map_err(|error| Error::Hook {
        kind,
        reason: error.to_string(),
    })
}
