//! The network of a policy in the kernel: prefixes, port sets, and the programs on each container's own cgroup.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;
use std::{fs, io};

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, Program, libbpf_sys};
use sevorix_policy::{Action, Answer, Image, Listen, PortSet, Protocol, RuleId, Unix};

use super::bytes::{Abi, bytes};
use super::pins::{self, Maps, Opened, remove_entry, set};
use super::skeleton::types;
use super::tables::pack;
use crate::{BpfError, Result};

/// Where each program on a cgroup is attached, in the object's words and the kernel's.
pub(super) const ON_CGROUP: [(&str, &str, libbpf_sys::bpf_attach_type); 7] = [
    (
        "make_socket",
        "cgroup/sock_create",
        libbpf_sys::BPF_CGROUP_INET_SOCK_CREATE,
    ),
    (
        "bind_ipv4",
        "cgroup/bind4",
        libbpf_sys::BPF_CGROUP_INET4_BIND,
    ),
    (
        "bind_ipv6",
        "cgroup/bind6",
        libbpf_sys::BPF_CGROUP_INET6_BIND,
    ),
    (
        "reach_by_connect4",
        "cgroup/connect4",
        libbpf_sys::BPF_CGROUP_INET4_CONNECT,
    ),
    (
        "reach_by_connect6",
        "cgroup/connect6",
        libbpf_sys::BPF_CGROUP_INET6_CONNECT,
    ),
    (
        "reach_by_sendmsg4",
        "cgroup/sendmsg4",
        libbpf_sys::BPF_CGROUP_UDP4_SENDMSG,
    ),
    (
        "reach_by_sendmsg6",
        "cgroup/sendmsg6",
        libbpf_sys::BPF_CGROUP_UDP6_SENDMSG,
    ),
];

/// The section of a program on a cgroup.
pub(super) fn hook_of(program: &str) -> Option<&'static str> {
    let found = ON_CGROUP.iter().find(|(name, ..)| *name == program);
    found.map(|(_, hook, _)| *hook)
}

// SAFETY: generated from `destination.h`, whose structs are filled up with named fields and hold integers only.
unsafe impl Abi for types::network {}
// SAFETY: as above.
unsafe impl Abi for types::net_key {}
// SAFETY: as above.
unsafe impl Abi for types::port_set {}

/// Writes a policy's tables, whole, before they can be found.
pub(super) fn fill(maps: &Maps, slot: u32, image: &Image, policy_id: u64) -> Result<()> {
    let tables = Tables {
        nets: maps.policy_nets.opened()?,
        port_sets: maps.policy_port_sets.opened()?,
        networks: maps.networks.opened()?,
    };
    tables.fill(slot, image, policy_id)
}

/// Where a policy's network is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables<'a> {
    pub nets: &'a MapHandle,
    pub port_sets: &'a MapHandle,
    pub networks: &'a MapHandle,
}

impl Tables<'_> {
    pub fn fill(self, slot: u32, image: &Image, policy_id: u64) -> Result<()> {
        let nets = pins::new_map_with(
            MapType::LpmTrie,
            libbpf_sys::BPF_F_NO_PREALLOC,
            "nets",
            size_of::<types::net_key>(),
            4,
            image.nets.len().max(1),
        )?;
        let sets = pins::new_map_with(
            MapType::Array,
            libbpf_sys::BPF_F_INNER_MAP,
            "port_sets",
            4,
            size_of::<types::port_set>(),
            image.port_sets.len().max(1),
        )?;
        let all: Vec<(u32, types::port_set)> =
            (0..).zip(image.port_sets.iter().map(port_set)).collect();
        pins::set_all(&sets, &all)?;
        fill_nets(&nets, image)?;
        put(self.nets, slot, &nets)?;
        put(self.port_sets, slot, &sets)?;
        set(self.networks, &slot, &network(image, policy_id))
    }
}

pub(super) fn clear(maps: &Maps, slot: u32) -> Result<()> {
    set(&maps.networks, &slot, &types::network::default())?;
    remove_entry(&maps.policy_nets, &slot)?;
    remove_entry(&maps.policy_port_sets, &slot)
}

/// All in a few system calls: a list of the internet's bad addresses has 100,000 of them.
fn fill_nets(table: &MapHandle, image: &Image) -> Result<()> {
    const AT_ONCE: usize = 8192;
    for nodes in image.nets.chunks(AT_ONCE) {
        let keys: Vec<u8> = nodes
            .iter()
            .flat_map(|node| bytes(&net_key(node.net)).to_vec())
            .collect();
        let sets: Vec<u8> = nodes
            .iter()
            .flat_map(|node| u32::from(node.set).to_ne_bytes())
            .collect();
        let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        table
            .update_batch(&keys, &sets, count, MapFlags::ANY, MapFlags::ANY)
            .map_err(BpfError::floor("write the networks of a policy"))?;
    }
    Ok(())
}

/// Puts a table of a policy where the programs find it.
pub(super) fn put(outer: &impl Opened, slot: u32, table: &MapHandle) -> Result<()> {
    let outer = outer.opened()?;
    let inner = table.as_fd().as_raw_fd().to_ne_bytes();
    outer
        .update(bytes(&slot), &inner, MapFlags::ANY)
        .map_err(BpfError::floor(format!(
            "put a table into the map {}",
            outer.name().display()
        )))
}

fn network(image: &Image, policy_id: u64) -> types::network {
    types::network {
        policy_id,
        answer: pack(image.net_default),
        listen: refusal_by(image, "net.listen"),
        unix_peer: refusal_by(image, "net.unix"),
        listens: match image.listen {
            Listen::None => 0,
            Listen::Loopback => 1,
            Listen::Any => 2,
        },
        unix_any: u8::from(image.unix == Unix::Any),
    }
}

/// What a setting says to what it does not let be.
fn refusal_by(image: &Image, setting: &str) -> u16 {
    let id = RuleId::setting(setting);
    let rule = image.rules.iter().position(|rule| *rule == id);
    pack(Answer {
        action: Action::Deny,
        audit: image.audit,
        rule: rule
            .and_then(|rule| u16::try_from(rule).ok())
            .unwrap_or_default(),
    })
}

fn net_key(net: ipnet::Ipv6Net) -> types::net_key {
    let mut address = [0; 4];
    for (word, four) in address
        .iter_mut()
        .zip(net.network().octets().chunks_exact(4))
    {
        *word = u32::from_ne_bytes([four[0], four[1], four[2], four[3]]);
    }
    types::net_key {
        length: u32::from(net.prefix_len()),
        address,
    }
}

/// The compiler of policies keeps to as many ports as there is room for.
fn port_set(set: &PortSet) -> types::port_set {
    let mut made = types::port_set::default();
    for (place, ports) in made.ports.iter_mut().zip(&set.0) {
        *place = types::ports {
            first: ports.first,
            last: ports.last,
            protocol: match ports.protocol {
                Protocol::Tcp => 6,
                Protocol::Udp => 17,
            },
            answer: pack(ports.answer),
        };
        made.count += 1;
    }
    made
}

/// Attaches what lives on a cgroup. It stays without us and goes with the cgroup, so that there is nothing to sweep; a
/// link would have to be pinned, and its pin removed.
pub(super) fn attach(cgroup: &Path) -> Result<()> {
    let folder = pins::folder().join("programs");
    attach_all(cgroup, |name| {
        let pinned = folder.join(name);
        Program::fd_from_pinned_path(&pinned)
            .map_err(BpfError::floor(format!("open {}", pinned.display())))
    })
}

/// `program`: opens the one of that name.
pub(super) fn attach_all<F: AsFd>(
    cgroup: &Path,
    program: impl Fn(&str) -> Result<F>,
) -> Result<()> {
    let folder =
        fs::File::open(cgroup).map_err(BpfError::io(format!("open {}", cgroup.display())))?;
    for (name, _, kind) in ON_CGROUP {
        let doing = format!("attach the program {name} to {}", cgroup.display());
        attach_one(program(name)?.as_fd(), &folder, kind).map_err(BpfError::io(doing))?;
    }
    Ok(())
}

/// A cgroup that an earlier container left behind has the program already, which is EINVAL.
fn attach_one(
    program: BorrowedFd<'_>,
    cgroup: &fs::File,
    kind: libbpf_sys::bpf_attach_type,
) -> io::Result<()> {
    let (program, cgroup) = (program.as_raw_fd(), cgroup.as_raw_fd());
    // SAFETY: takes two open descriptors and two numbers.
    let attach = || unsafe {
        libbpf_sys::bpf_prog_attach(program, cgroup, kind, libbpf_sys::BPF_F_ALLOW_MULTI)
    };
    let mut answer = attach();
    if answer == -libc::EINVAL {
        // SAFETY: takes two open descriptors and a number.
        let detached = unsafe { libbpf_sys::bpf_prog_detach2(program, cgroup, kind) };
        if detached == 0 {
            answer = attach();
        }
    }
    match answer {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(-error)),
    }
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
