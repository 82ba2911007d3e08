use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::DevicePolicy;
use crate::{BpfError, Result, sys};

const KIND: &str = "device";
/// By this our programs are told from those of others.
const NAME: &CStr = c"sevorix_devices";

/// Puts the policy on a cgroup that was just made. It ends with the cgroup.
pub fn attach(cgroup: BorrowedFd<'_>, policy: &DevicePolicy) -> Result<()> {
    // every program costs each open of a device node: a policy without a "no" needs none
    if policy.allows_everything() {
        return Ok(());
    }
    let program = load(policy)?;
    sys::attach_device_program(cgroup, program.as_fd(), None).map_err(attach_error)
}

/// Puts the policy in the place of the one that holds. At no moment is there none. Programs of others stay: the kernel
/// allows what all of them allow.
pub fn replace(cgroup: BorrowedFd<'_>, policy: &DevicePolicy) -> Result<()> {
    let earlier = our_programs(cgroup).map_err(|source| BpfError::Query {
        program: KIND,
        source,
    })?;
    let program = load(policy)?;
    if let [only] = earlier.as_slice() {
        return sys::attach_device_program(cgroup, program.as_fd(), Some(only.as_fd()))
            .map_err(attach_error);
    }
    sys::attach_device_program(cgroup, program.as_fd(), None).map_err(attach_error)?;
    for old in &earlier {
        sys::detach_device_program(cgroup, old.as_fd()).map_err(|source| BpfError::Detach {
            program: KIND,
            source,
        })?;
    }
    Ok(())
}

fn our_programs(cgroup: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    let mut ours = Vec::new();
    for program in sys::attached_device_programs(cgroup)? {
        if sys::program_name(program.as_fd())? == NAME.to_bytes() {
            ours.push(program);
        }
    }
    Ok(ours)
}

fn load(policy: &DevicePolicy) -> Result<OwnedFd> {
    sys::load_device_program(NAME, &policy.program()).map_err(|source| BpfError::Load {
        program: KIND,
        source,
    })
}

fn attach_error(source: io::Error) -> BpfError {
    BpfError::Attach {
        program: KIND,
        source,
    }
}
