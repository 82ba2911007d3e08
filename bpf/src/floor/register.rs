//! Containers in the maps: each has a slot, each policy too.

use std::path::Path;
use std::time::{Duration, SystemTime};

use libbpf_rs::{MapType, libbpf_sys};
use sevorix_policy::Image;

use super::beginning::{Beginning, clock, nanoseconds};
use super::cgroup::{Cgroup, Living};
use super::hash::Hasher;
use super::load::Lock;
use super::pins::{self, Maps, find, first_entries, get, remove_entry, set, set_all};
use super::skeleton::types;
use super::{Mount, earlier, grants, label, mounts, network, tables};
use crate::{BpfError, Result};

/// As many as the programs have room for (`abi.h`).
const SLOTS: u32 = 4096;
const POLICIES: u32 = 1024;
/// How many policies stay in the kernel without a container under them.
const UNUSED_POLICIES: usize = 4;

/// A container as the programs are to know it.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// The folder of its cgroup.
    pub cgroup: &'a Path,
    pub image: &'a Image,
    /// The image's own: whoever has its digest already need not take it twice.
    pub policy_id: u64,
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
    let hasher = Hasher {
        secret: maps.boot()?.secret,
    };
    let cgroup = Cgroup::at(new.cgroup)?;
    let (slot, old) = free_slot(maps)?;
    let mounts = mounts::entries(new.mounts, new.image, hasher, slot)?;
    let policy_id = new.policy_id;
    let policy_slot = share_policy(maps, new.image, policy_id, hasher)?;
    let container = Container {
        slot,
        generation: old.generation,
    };
    let first = mounts.first().map(|(key, _)| *key).unwrap_or_default();
    let (root_device, root) = mounts::root_of(new.mounts, &mounts, hasher).unwrap_or_default();
    let beginning = Beginning::at(new.began)?;
    let taken = types::container {
        cgroup_id: cgroup.id,
        policy_id,
        epoch: next_epoch(maps)?,
        began: beginning.since_1970,
        began_since_boot: beginning.since_boot,
        generation: old.generation,
        policy_slot,
        first_place: first.place,
        first_device: first.device,
        mounts: u32::try_from(mounts.len()).unwrap_or(u32::MAX),
        root,
        root_device,
        ..Default::default()
    };
    set(&maps.counters, &slot, &types::counters::default())?;
    set(&maps.containers, &slot, &taken)?;
    let rest = || -> Result<()> {
        set_all(&maps.mounts, &mounts)?;
        network::attach(new.cgroup)?;
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

/// All that there ever were, free ones too.
fn containers(maps: &Maps) -> Result<Vec<(u32, types::container)>> {
    let all = first_entries(&maps.containers, maps.boot()?.containers_end)?;
    Ok(all.into_iter().skip(1).collect())
}

fn policies(maps: &Maps) -> Result<Vec<(u32, types::policy)>> {
    let all = first_entries(&maps.policies, maps.boot()?.policies_end)?;
    Ok(all.into_iter().skip(1).collect())
}

fn next_epoch(maps: &Maps) -> Result<u64> {
    let mut boot = maps.boot()?;
    let epoch = boot.next_epoch;
    boot.next_epoch += 1;
    set(&maps.ready, &0_u32, &boot)?;
    Ok(epoch)
}

/// One that was given back, or one that nobody had yet; and what it holds.
pub(super) fn free_slot(maps: &Maps) -> Result<(u32, types::container)> {
    let mut all = containers(maps)?.into_iter();
    if let Some(free) = all.find(|(_, container)| container.cgroup_id == 0) {
        return Ok(free);
    }
    let mut boot = maps.boot()?;
    let slot = boot.containers_end;
    if slot >= SLOTS {
        return Err(BpfError::Full {
            limit: "there is no room for another container".into(),
            way_out: "remove containers that are not needed any more".into(),
        });
    }
    boot.containers_end += 1;
    set(&maps.ready, &0_u32, &boot)?;
    Ok((slot, types::container::default()))
}

/// Containers under the same policy share its tables.
fn share_policy(maps: &Maps, image: &Image, policy_id: u64, hasher: Hasher) -> Result<u32> {
    let all = policies(maps)?;
    if let Some((slot, _)) = all.iter().find(|(_, policy)| policy.policy_id == policy_id) {
        return Ok(*slot);
    }
    let slot = free_policy_slot(maps)?;
    let paths = tables::paths(image, hasher);
    let table = pins::new_map_with(
        MapType::Array,
        libbpf_sys::BPF_F_INNER_MAP,
        "policy_paths",
        size_of::<u32>(),
        size_of::<types::path_node>(),
        paths.len(),
    )?;
    set_all(&table, &paths.taken())?;
    network::put(&maps.policy_paths, slot, &table)?;
    let names = tables::names(image, hasher);
    let table = pins::new_map_with(
        MapType::Hash,
        0,
        "policy_names",
        size_of::<u64>(),
        size_of::<types::name_node>(),
        names.len().max(1),
    )?;
    set_all(&table, &names)?;
    network::put(&maps.policy_names, slot, &table)?;
    if tables::has_words(image) {
        put_words(maps, slot, image)?;
    }
    network::fill(maps, slot, image, policy_id)?;
    set(
        &maps.policies,
        &slot,
        &tables::policy(image, policy_id, hasher, &paths),
    )?;
    Ok(slot)
}

fn put_words(maps: &Maps, slot: u32, image: &Image) -> Result<()> {
    let words = tables::words(image);
    let table = pins::new_map_with(
        MapType::Hash,
        libbpf_sys::BPF_F_NO_PREALLOC,
        "policy_words",
        size_of::<u64>(),
        size_of::<types::word_set>(),
        words.len(),
    )?;
    set_all(&table, &words)?;
    network::put(&maps.policy_words, slot, &table)
}

fn free_policy_slot(maps: &Maps) -> Result<u32> {
    let mut all = policies(maps)?.into_iter();
    if let Some((slot, _)) = all.find(|(_, policy)| policy.policy_id == 0) {
        return Ok(slot);
    }
    let mut boot = maps.boot()?;
    let slot = boot.policies_end;
    if slot >= POLICIES {
        return Err(BpfError::Full {
            limit: "there is no room for another policy".into(),
            way_out: "let more containers share a policy, or remove some".into(),
        });
    }
    boot.policies_end += 1;
    set(&maps.ready, &0_u32, &boot)?;
    Ok(slot)
}

/// The tables of a few policies stay for the next container when nobody is under them any more, those of `latest` among
/// them: to make them takes the kernel longer than all the rest of a container's start.
fn free_unused(maps: &Maps, latest: u32) -> Result<()> {
    let containers = containers(maps)?;
    let is_used = |slot: u32| {
        let mut living = containers
            .iter()
            .filter(|(_, container)| container.cgroup_id != 0);
        living.any(|(_, container)| container.policy_slot == slot)
    };
    let unused: Vec<u32> = policies(maps)?
        .iter()
        .filter(|(slot, policy)| policy.policy_id != 0 && !is_used(*slot))
        .map(|(slot, _)| *slot)
        .collect();
    let too_many = unused.len().saturating_sub(UNUSED_POLICIES);
    unused
        .into_iter()
        .filter(|slot| *slot != latest)
        .take(too_many)
        .try_for_each(|slot| free_policy(maps, slot))
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
    let all = containers(maps)?;
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
    let free = types::container {
        generation: old.generation.wrapping_add(1),
        ..Default::default()
    };
    set(&maps.containers, &slot, &free)?;
    remove_mounts(maps, slot, &old)?;
    grants::revoke_all(maps, container)?;
    free_unused(maps, old.policy_slot)?;
    set_gate(maps, None)
}

/// From each to the next. One that is missing was never written: neither were those behind it.
fn remove_mounts(maps: &Maps, slot: u32, old: &types::container) -> Result<()> {
    let mut key = types::mount_key {
        place: old.first_place,
        slot,
        device: old.first_device,
    };
    for _ in 0..old.mounts {
        let Some(node) = find::<_, types::mount_node>(&maps.mounts, &key)? else {
            break;
        };
        remove_entry(&maps.mounts, &key)?;
        key.place = node.next_place;
        key.device = node.next_device;
    }
    Ok(())
}

fn free_policy(maps: &Maps, slot: u32) -> Result<()> {
    set(&maps.policies, &slot, &types::policy::default())?;
    network::clear(maps, slot)?;
    remove_entry(&maps.policy_paths, &slot)?;
    remove_entry(&maps.policy_words, &slot)?;
    remove_entry(&maps.policy_names, &slot)
}

pub(super) fn report_allowed(
    _lock: &Lock,
    maps: &Maps,
    container: Container,
    time: Duration,
) -> Result<bool> {
    let found: types::container = get(&maps.containers, &container.slot)?;
    if found.cgroup_id == 0 || found.generation != container.generation {
        return Ok(false);
    }
    let told_until = match time.is_zero() {
        true => 0,
        false => nanoseconds(clock(libc::CLOCK_BOOTTIME)? + time),
    };
    let found = types::container {
        told_until,
        ..found
    };
    set(&maps.containers, &container.slot, &found)?;
    Ok(true)
}

pub(super) fn sweep(lock: &Lock, maps: &Maps) -> Result<usize> {
    let living = Living::new()?;
    let all = containers(maps)?;
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
    earlier::sweep(lock)?;
    Ok(swept)
}
