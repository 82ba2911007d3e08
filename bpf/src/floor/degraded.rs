//! The network of a container where the kernel takes no LSM programs.
//!
//! The programs are loaded anew for each container, with its policy in maps of their own, and are attached to its cgroup
//! without a link: they go with the cgroup, and nothing has to be swept.

use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::path::Path;

use libbpf_rs::skel::{OpenSkel, Skel, SkelBuilder};
use libbpf_rs::{MapCore, MapHandle, Object};
use sevorix_policy::Image;

use super::network::{self, Tables};
use super::skeleton::degraded::{DegradedSkelBuilder, OpenDegradedSkel};
use crate::{BpfError, Result};

/// `degraded.bpf.c` looks here.
const THE_POLICY: u32 = 1;
/// Answers remembered in front of the tables, for one container.
const ROUTES: u32 = 1024;

/// From here on the kernel holds the image's network rules for the sockets of everything in the cgroup.
pub fn hold_network(cgroup: &Path, image: &Image) -> Result<()> {
    let mut storage = MaybeUninit::uninit();
    let mut open = DegradedSkelBuilder::default()
        .open(&mut storage)
        .map_err(BpfError::floor("read the object of the network's programs"))?;
    make_room(&mut open)?;
    let loaded = open
        .load()
        .map_err(BpfError::floor("load the network's programs"))?;
    let object = loaded.object();
    let tables = ["policy_nets", "policy_port_sets", "networks"].map(|name| map(object, name));
    let [nets, port_sets, networks] = tables;
    let tables = Tables {
        nets: &nets?,
        port_sets: &port_sets?,
        networks: &networks?,
    };
    tables.fill(THE_POLICY, image, image.policy_id())?;
    attach(object, cgroup)
}

/// For one container, not for a machine of them.
fn make_room(open: &mut OpenDegradedSkel<'_>) -> Result<()> {
    let policies = THE_POLICY + 1;
    let sizes = [
        open.maps.policy_nets.set_max_entries(policies),
        open.maps.policy_port_sets.set_max_entries(policies),
        open.maps.networks.set_max_entries(policies),
        open.maps.routes.set_max_entries(ROUTES),
    ];
    let sized: Result<(), _> = sizes.into_iter().collect();
    sized.map_err(BpfError::floor("size the maps of the network's programs"))
}

fn map(object: &Object, name: &str) -> Result<MapHandle> {
    let map = object.maps().find(|map| map.name() == name);
    let map = map.unwrap_or_else(|| panic!("the object has a map {name}"));
    MapHandle::try_from(&map).map_err(BpfError::floor(format!("open the map {name}")))
}

fn attach(object: &Object, cgroup: &Path) -> Result<()> {
    network::attach_all(cgroup, |name| {
        let program = object.progs().find(|program| program.name() == name);
        let program = program.unwrap_or_else(|| panic!("the object has a program {name}"));
        let copy = program.as_fd().try_clone_to_owned();
        copy.map_err(BpfError::io(format!("keep the program {name} open")))
    })
}

#[cfg(test)]
mod tests {
    const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/degraded.bpf.o"));

    fn number<const N: usize>(at: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(&OBJECT[at..at + N]);
        u64::from_le_bytes(bytes)
    }

    fn offset<const N: usize>(at: usize) -> usize {
        usize::try_from(number::<N>(at)).expect("an offset in the object")
    }

    /// Where a section of the object begins.
    fn section(wanted: &[u8]) -> usize {
        const ENTRY: usize = 64;
        let (table, count, names) = (offset::<8>(40), offset::<2>(60), offset::<2>(62));
        let begins = |index: usize| offset::<8>(table + index * ENTRY + 24);
        let name = |index: usize| {
            let at = begins(names) + offset::<4>(table + index * ENTRY);
            OBJECT[at..].split(|byte| *byte == 0).next()
        };
        let found = (0..count).find(|index| name(*index) == Some(wanted));
        begins(found.expect("the object has that section"))
    }

    /// What would have to be looked up in the kernel's BTF: hosts without it are among those that this is for.
    #[test]
    fn nothing_depends_on_the_kernels_structures() {
        let extension = section(b".BTF.ext");
        assert_eq!(number::<2>(extension), 0xeb9f);
        let header = number::<4>(extension + 4);
        assert!(header >= 32, "it tells of relocations");
        assert_eq!(number::<4>(extension + 28), 0);
    }
}
