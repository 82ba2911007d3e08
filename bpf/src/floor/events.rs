//! What the programs report: typed, and with every string of the container quoted.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use libbpf_rs::RingBufferBuilder;

use super::bytes::value;
use super::pins::{Maps, Opened, get};
use super::register::Container;
use super::skeleton::types;
use crate::{BpfError, Result};

/// Something that was not plainly allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Since boot.
    pub time: Duration,
    pub container: Container,
    pub cgroup_id: u64,
    pub policy_id: u64,
    pub pid: u32,
    pub tid: u32,
    pub uid: u32,
    /// Quoted.
    pub comm: String,
    pub operation: Operation,
    pub outcome: Outcome,
    pub reason: Reason,
    /// An index of the image's rules.
    pub rule: u16,
    /// What the caller got; 0 where it was let through.
    pub errno: i32,
    /// How many equal ones this stands for.
    pub count: u32,
    /// Quoted: the path from the root of its superblock, or a destination as `203.0.113.9:443/tcp`.
    pub object: String,
    /// The object's path did not fit.
    pub shortened: bool,
    /// Which of the registered mounts the object's path starts at.
    pub mount: u32,
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// In the order of `abi.h`.
            const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named! {
    /// `op` of an event.
    Operation {
        Exec = "exec",
        MapExec = "map_exec",
        Open = "open",
        Create = "create",
        Rename = "rename",
        Link = "link",
        Unlink = "unlink",
        SetAttr = "setattr",
        Connect = "connect",
        Send = "send",
        Bind = "bind",
        Listen = "listen",
        Socket = "socket",
        Unix = "unix",
        Dns = "dns",
        Mount = "mount",
        Ptrace = "ptrace",
        Signal = "signal",
        Bpf = "bpf",
        Capability = "capability",
        Namespace = "namespace",
        Ioctl = "ioctl",
        Tamper = "tamper",
    }
}

named! {
    /// `result` of an event.
    Outcome {
        Allow = "allow",
        Deny = "deny",
        Kill = "kill",
        Audit = "audit",
    }
}

named! {
    /// `reason` of an event: the rule, or what else refused.
    Reason {
        Rule = "rule",
        NoVerdict = "no-verdict",
        CrossesRules = "crosses-rules",
        TooLong = "too-long",
        OtherLine = "other-line",
        NoMemory = "no-memory",
        StaleLabel = "stale-label",
        NoPolicy = "no-policy",
        Unregistered = "unregistered-filesystem",
        TooDeep = "too-deep",
        Disconnected = "disconnected",
        Unreadable = "unreadable-name",
        Collision = "hash-collision",
        Renamed = "renamed-meanwhile",
        KernelInterface = "kernel-interface",
        NoPath = "no-path",
        DeviceNode = "device-node",
        Address = "address",
        SocketFamily = "socket-family",
        SocketOption = "socket-option",
        ForeignSocket = "foreign-socket",
        PeerOutside = "peer-outside",
        TaskOutside = "task-outside",
        Closed = "closed",
    }
}

impl Reason {
    /// Where the floor's own reasons begin in `abi.h`; they hold in every mode.
    const FIRST_FLOOR: u16 = 16;
    const BEFORE_FLOOR: u16 = 5;

    pub fn is_floor(self) -> bool {
        self.number() >= Self::FIRST_FLOOR
    }

    fn number(self) -> u16 {
        let index = Self::ALL
            .iter()
            .position(|reason| *reason == self)
            .unwrap_or(0);
        match u16::try_from(index).unwrap_or(u16::MAX) {
            index if index < Self::BEFORE_FLOOR => index,
            index => index - Self::BEFORE_FLOOR + Self::FIRST_FLOOR,
        }
    }

    fn of(number: u16) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.number() == number)
    }
}

/// `None` for what this version does not know: the programs are of another one.
fn typed(raw: &types::event) -> Option<Event> {
    const SHORTENED: u16 = 1;
    let object = raw.object.get(..usize::from(raw.length))?;
    let operation = *Operation::ALL.get(usize::from(raw.operation))?;
    Some(Event {
        time: Duration::from_nanos(raw.time),
        container: Container {
            slot: raw.slot,
            generation: raw.generation,
        },
        cgroup_id: raw.cgroup_id,
        policy_id: raw.policy_id,
        pid: raw.pid,
        tid: raw.tid,
        uid: raw.uid,
        comm: quoted(raw.comm.split(|byte| *byte == 0).next()?),
        operation,
        outcome: *Outcome::ALL.get(usize::from(raw.result))?,
        reason: Reason::of(raw.reason)?,
        rule: raw.rule,
        errno: if usize::from(raw.result) == 3 {
            0
        } else {
            raw.error.wrapping_neg()
        },
        count: raw.count,
        object: destination(operation, object).unwrap_or_else(|| quoted(object)),
        shortened: raw.flags & SHORTENED != 0,
        mount: raw.mount,
    })
}

/// The programs of the network report `struct destination` as a path of one component.
fn destination(operation: Operation, object: &[i8]) -> Option<String> {
    use Operation::{Bind, Connect, Listen, Send};
    if !matches!(operation, Connect | Send | Bind | Listen) {
        return None;
    }
    let bytes: Vec<u8> = object.iter().map(|byte| byte.cast_unsigned()).collect();
    let (address, rest) = bytes.strip_prefix(b"/")?.split_first_chunk::<16>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let protocol = u16::from_ne_bytes(rest.try_into().ok()?);
    let address = Ipv6Addr::from(*address);
    let place = match address.to_ipv4_mapped() {
        Some(address) => SocketAddr::new(address.into(), u16::from_ne_bytes(*port)),
        None => SocketAddr::new(address.into(), u16::from_ne_bytes(*port)),
    };
    Some(match protocol {
        6 => format!("{place}/tcp"),
        17 => format!("{place}/udp"),
        other => format!("{place}/{other}"),
    })
}

/// Nothing that a terminal would take for an order.
fn quoted(text: &[i8]) -> String {
    let bytes: Vec<u8> = text.iter().map(|byte| byte.cast_unsigned()).collect();
    bytes.escape_ascii().to_string()
}

/// Where nothing is reported the buffer is not mapped: that takes as long as half of a container's registration.
pub(super) fn read(maps: &Maps, wait: Duration, take: &mut dyn FnMut(Event)) -> Result<()> {
    if !are_there(maps, wait)? {
        return Ok(());
    }
    let failed = || BpfError::floor("read the events");
    let mut found = VecDeque::new();
    let mut builder = RingBufferBuilder::new();
    builder
        .add(maps.events.opened()?, |bytes| {
            found.extend(value::<types::event>(bytes).as_ref().and_then(typed));
            0
        })
        .map_err(failed())?;
    let ring = builder.build().map_err(failed())?;
    ring.consume().map_err(failed())?;
    drop(ring);
    found.into_iter().for_each(take);
    Ok(())
}

pub(super) fn wait(maps: &Maps, wait: Duration) -> Result<()> {
    are_there(maps, wait).map(drop)
}

/// Returns when they are, at the latest after this time.
fn are_there(maps: &Maps, wait: Duration) -> Result<bool> {
    let mut ring = libc::pollfd {
        fd: maps.events.opened()?.as_fd().as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let milliseconds = libc::c_int::try_from(wait.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: one pollfd of our own, which outlives the call.
    if unsafe { libc::poll(&raw mut ring, 1, milliseconds) } >= 0 {
        return Ok(ring.revents & libc::POLLIN != 0);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        error => Err(BpfError::io("wait for events")(error)),
    }
}

pub(super) fn counts(maps: &Maps, slot: u32) -> Result<Vec<(Operation, Outcome, u64)>> {
    let counters: types::counters = get(&maps.counters, &slot)?;
    let rows = Operation::ALL.iter().zip(&counters.by);
    let cells = rows.flat_map(|(operation, row)| {
        let row = Outcome::ALL.iter().zip(row);
        row.map(|(outcome, count)| (*operation, *outcome, *count))
    });
    Ok(cells.filter(|(.., count)| *count > 0).collect())
}

pub(super) fn lost(maps: &Maps) -> Result<u64> {
    get(&maps.bss, &0_u32).map(|all: Bss| all.0.events_lost)
}

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Bss(types::bss);

// SAFETY: generated: integers, and pointers that are never followed.
unsafe impl super::bytes::Abi for Bss {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_have_the_numbers_of_the_header() {
        let header = include_str!("../bpf/abi.h");
        let list = header
            .split("enum reason {")
            .nth(1)
            .and_then(|rest| rest.split('}').next());
        let names = list
            .expect("the reasons")
            .lines()
            .filter_map(|line| line.trim().strip_prefix("REASON_"));
        let count = names.count();
        assert_eq!(count, Reason::ALL.len());
        assert_eq!(Reason::NoMemory.number(), Reason::FIRST_FLOOR);
        assert!(!Reason::CrossesRules.is_floor() && Reason::DeviceNode.is_floor());
        for reason in Reason::ALL {
            assert_eq!(Reason::of(reason.number()), Some(*reason));
        }
        assert_eq!(Reason::of(Reason::BEFORE_FLOOR), None);
    }

    #[test]
    fn operations_have_the_order_of_the_header() {
        let header = include_str!("../bpf/abi.h");
        let list = header
            .split("enum operation {")
            .nth(1)
            .and_then(|rest| rest.split('}').next());
        let names: Vec<String> = list
            .expect("the operations")
            .split(|letter: char| !letter.is_ascii_alphabetic() && letter != '_')
            .filter_map(|word| word.strip_prefix("OP_"))
            .map(|word| word.to_ascii_lowercase())
            .collect();
        let ours: Vec<&str> = Operation::ALL
            .iter()
            .map(|operation| operation.as_str())
            .collect();
        assert_eq!(names, ours);
    }

    #[test]
    fn a_destination_is_told_as_people_write_it() {
        let report = |address: [u8; 16], port: u16, protocol: u16| {
            let (port, protocol) = (port.to_ne_bytes(), protocol.to_ne_bytes());
            let bytes = [b"/", &address[..], &port, &protocol].concat();
            bytes
                .iter()
                .map(|byte| byte.cast_signed())
                .collect::<Vec<i8>>()
        };
        let told = |address: &str, port, protocol| {
            let address: std::net::Ipv6Addr = address.parse().expect("an address");
            destination(
                Operation::Connect,
                &report(address.octets(), port, protocol),
            )
        };
        assert_eq!(
            told("::ffff:203.0.113.9", 443, 6).as_deref(),
            Some("203.0.113.9:443/tcp")
        );
        assert_eq!(
            told("2001:db8::1", 53, 17).as_deref(),
            Some("[2001:db8::1]:53/udp")
        );
        assert_eq!(told("::1", 1, 132).as_deref(), Some("[::1]:1/132"));
        let path: Vec<i8> = b"/etc".iter().map(|byte| byte.cast_signed()).collect();
        assert_eq!(destination(Operation::Connect, &path), None);
        assert_eq!(destination(Operation::Open, &report([0; 16], 1, 6)), None);
    }

    #[test]
    fn strings_of_the_container_are_quoted() {
        let text: Vec<i8> = b"\x1b[2J\n\xffx"
            .iter()
            .map(|byte| byte.cast_signed())
            .collect();
        assert_eq!(quoted(&text), r"\x1b[2J\n\xffx");
    }
}
