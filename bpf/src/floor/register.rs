//! Containers in the maps: each has a slot, each policy too.

use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::SystemTime;

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType};
use sevorix_policy::Image;

use super::beginning::Beginning;
use super::bytes::{Abi, bytes};
use super::cgroup::{Cgroup, Living};
use super::hash::Hasher;
use super::load::Lock;
use super::pins::{self, Maps, entries, get, remove_entry, set};
use super::skeleton::types;
use super::{Mount, label, mounts, network, tables};
use crate::{BpfError, Result};

/// A container as the programs are to know it.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// The folder of its cgroup.
    pub cgroup: &'a Path,
    pub image: &'a Image,
    /// What it has mounted. Nothing else can be opened.
    pub mounts: &'a [Mount],
    /// What changed since then, the container may have written. `None`: since now.
    pub began: Option<SystemTime>,
    /// Our own process in it, which is the agent from its next exec on.
    pub init: Option<libc::pid_t>,
}

/// What a registration is called afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Container {
    pub slot: u32,
    pub generation: u32,
}

/// The order matters: when the cgroup is found, everything else must be in its place.
pub(super) fn register(lock: &Lock, maps: &Maps, new: &Registration<'_>) -> Result<Container> {
    sweep(lock, maps)?;
    let boot = maps.boot()?;
    let hasher = Hasher {
        secret: boot.secret,
    };
    let cgroup = Cgroup::at(new.cgroup)?;
    let (slot, old) = free_slot(maps)?;
    let mounts = mounts::entries(new.mounts, new.image, hasher, slot)?;
    let policy_slot = share_policy(maps, new.image, hasher)?;
    let container = Container {
        slot,
        generation: old.generation,
    };
    let beginning = Beginning::at(new.began)?;
    let taken = types::container {
        cgroup_id: cgroup.id,
        policy_id: new.image.policy_id(),
        epoch: boot.next_epoch,
        began: beginning.since_1970,
        began_since_boot: beginning.since_boot,
        generation: old.generation,
        policy_slot,
    };
    let next = super::Boot {
        next_epoch: boot.next_epoch + 1,
        ..boot
    };
    set(&maps.ready, &0_u32, &next)?;
    set(&maps.counters, &slot, &types::counters::default())?;
    set(&maps.containers, &slot, &taken)?;
    let rest = || -> Result<()> {
        for (key, node) in &mounts {
            set(&maps.mounts, key, node)?;
        }
        network::attach(new.cgroup, slot)?;
        set_gate(maps, Some(cgroup))?;
        if let Some(pid) = new.init {
            label(maps, pid, container, true)?;
        }
        set(&maps.cgroups, &cgroup.id, &slot)
    };
    match rest() {
        Ok(()) => Ok(container),
        Err(error) => {
            release(lock, maps, container)?;
            Err(error)
        }
    }
}

fn free_slot(maps: &Maps) -> Result<(u32, types::container)> {
    let all: Vec<(u32, types::container)> = entries(&maps.containers)?;
    all.into_iter()
        .find(|(slot, container)| *slot != 0 && container.cgroup_id == 0)
        .ok_or_else(|| BpfError::Full {
            limit: "there is no room for another container".into(),
            way_out: "remove containers that are not needed any more".into(),
        })
}

/// Containers under the same policy share its tables.
fn share_policy(maps: &Maps, image: &Image, hasher: Hasher) -> Result<u32> {
    let all: Vec<(u32, types::policy)> = entries(&maps.policies)?;
    let id = image.policy_id();
    let usable = || all.iter().filter(|(slot, _)| *slot != 0);
    if let Some((slot, _)) = usable().find(|(_, policy)| policy.policy_id == id) {
        return Ok(*slot);
    }
    let (slot, _) = usable()
        .find(|(_, policy)| policy.policy_id == 0)
        .ok_or_else(|| BpfError::Full {
            limit: "there is no room for another policy".into(),
            way_out: "let more containers share a policy, or remove some".into(),
        })?;
    fill(&maps.policy_paths, *slot, &tables::paths(image, hasher), 0)?;
    fill(&maps.policy_names, *slot, &tables::names(image, hasher), 0)?;
    if tables::has_words(image) {
        let large = libbpf_rs::libbpf_sys::BPF_F_NO_PREALLOC;
        fill(&maps.policy_words, *slot, &tables::words(image), large)?;
    }
    network::fill(maps, *slot, image)?;
    set(&maps.policies, slot, &tables::policy(image, hasher))?;
    Ok(*slot)
}

/// A table of a policy, written whole before it can be found.
fn fill<V: Abi>(outer: &MapHandle, slot: u32, all: &[(u64, V)], flags: u32) -> Result<()> {
    let name = outer.name().to_string_lossy().into_owned();
    let table = pins::new_map(
        MapType::Hash,
        &name,
        size_of::<u64>(),
        size_of::<V>(),
        all.len().max(1),
        flags,
    )?;
    for (key, value) in all {
        set(&table, key, value)?;
    }
    let inner = std::os::fd::AsFd::as_fd(&table).as_raw_fd().to_ne_bytes();
    outer
        .update(bytes(&slot), &inner, MapFlags::ANY)
        .map_err(BpfError::floor(format!("put a table into the map {name}")))
}

/// From the first container on, hooks look whose operation it is, also when the last one has gone: a process that was
/// left behind still bears its label, and is refused everything. The levels stay, too; they cost a look-up.
pub(super) fn set_gate(maps: &Maps, new: Option<Cgroup>) -> Result<()> {
    let mut gate: types::gate = get(&maps.gate, &0_u32)?;
    if let Some(cgroup) = new {
        gate.levels |= 1_u32
            .checked_shl(cgroup.level)
            .ok_or_else(|| BpfError::Full {
                limit: format!(
                    "the cgroup lies {} levels deep, 31 are possible",
                    cgroup.level
                ),
                way_out: "set a shorter cgroup parent".into(),
            })?;
    }
    let all: Vec<(u32, types::container)> = entries(&maps.containers)?;
    let ids = || {
        all.iter()
            .map(|(_, container)| container.cgroup_id)
            .filter(|id| *id != 0)
    };
    let earlier = u32::from(gate.agents > 0);
    gate.agents = u32::try_from(ids().count())
        .unwrap_or(u32::MAX)
        .max(earlier);
    gate.sieve = sieve(ids());
    set(&maps.gate, &0_u32, &gate)
}

fn sieve(ids: impl Iterator<Item = u64>) -> [u64; 64] {
    let mut sieve = [0; 64];
    for id in ids {
        let word = usize::try_from(id / 64 % 64).unwrap_or(0);
        sieve[word] |= 1 << (id % 64);
    }
    sieve
}

/// Gives a slot back, if it is still this container's: a sweep may have been earlier, and the slot another's by now.
pub(super) fn release(_lock: &Lock, maps: &Maps, container: Container) -> Result<()> {
    let slot = container.slot;
    let old: types::container = get(&maps.containers, &slot)?;
    if old.cgroup_id == 0 || old.generation != container.generation {
        return Ok(());
    }
    remove_entry(&maps.cgroups, &old.cgroup_id)?;
    network::detach(slot)?;
    let free = types::container {
        generation: old.generation.wrapping_add(1),
        ..Default::default()
    };
    set(&maps.containers, &slot, &free)?;
    let all: Vec<(types::mount_key, types::mount_node)> = entries(&maps.mounts)?;
    for (key, _) in all.iter().filter(|(key, _)| key.slot == slot) {
        remove_entry(&maps.mounts, key)?;
    }
    free_policy(maps, old.policy_slot)?;
    set_gate(maps, None)
}

fn free_policy(maps: &Maps, slot: u32) -> Result<()> {
    let all: Vec<(u32, types::container)> = entries(&maps.containers)?;
    let used = all
        .iter()
        .any(|(_, container)| container.cgroup_id != 0 && container.policy_slot == slot);
    if used {
        return Ok(());
    }
    set(&maps.policies, &slot, &types::policy::default())?;
    network::clear(maps, slot)?;
    remove_entry(&maps.policy_paths, &slot)?;
    remove_entry(&maps.policy_words, &slot)?;
    remove_entry(&maps.policy_names, &slot)
}

pub(super) fn sweep(lock: &Lock, maps: &Maps) -> Result<usize> {
    let living = Living::new()?;
    let all: Vec<(u32, types::container)> = entries(&maps.containers)?;
    let mut swept = 0;
    for (slot, container) in all {
        if container.cgroup_id != 0 && !living.has(container.cgroup_id)? {
            let gone = Container {
                slot,
                generation: container.generation,
            };
            release(lock, maps, gone)?;
            swept += 1;
        }
    }
    Ok(swept)
}
