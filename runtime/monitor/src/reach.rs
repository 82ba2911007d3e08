//! Where a call would connect or send to.

use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{SockType, getsockopt, sockopt};
use sevorix_container::held;
use sevorix_policy::{Act, Action, Destination, Judgement, Policy, Protocol, judge};

use crate::address::{self, Address, LONGEST};
use crate::ask::is_asked;
use crate::call::{Memory, Sent};
use crate::thread::Thread;

/// A destination, with the protocol as the kernel numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goal {
    pub address: Address,
    pub protocol: Protocol,
}

/// What a call goes to: each destination once.
#[derive(Debug)]
pub struct Reach {
    pub goals: Vec<Goal>,
    send: bool,
}

impl Reach {
    /// An errno where there is no destination to ask about.
    pub fn of_connect(thread: Thread, socket: i32, at: Memory) -> nix::Result<Self> {
        let address = read(thread, at)?.ok_or(Errno::EAFNOSUPPORT)?;
        let protocol = protocol(thread, socket)?;
        Ok(Self {
            goals: vec![Goal { address, protocol }],
            send: false,
        })
    }

    pub fn of_send(thread: Thread, socket: i32, to: Sent) -> nix::Result<Self> {
        let mut addresses = Vec::new();
        match to {
            Sent::Address(at) => addresses.extend(read(thread, at)?),
            Sent::Message(header) => addresses.extend(read(thread, named(thread, header)?)?),
            Sent::Messages(list, count) => {
                for index in 0..count.min(MESSAGES_MOST) as u64 {
                    let header = list.wrapping_add(index * HEADER_AND_LENGTH);
                    addresses.extend(read(thread, named(thread, header)?)?);
                }
            }
        }
        if addresses.is_empty() {
            return Err(Errno::EDESTADDRREQ);
        }
        let protocol = protocol(thread, socket)?;
        let mut goals: Vec<Goal> = Vec::new();
        for address in addresses {
            let goal = Goal { address, protocol };
            if !goals.contains(&goal) {
                goals.push(goal);
            }
        }
        Ok(Self { goals, send: true })
    }

    /// Leaves the destinations that the policy asks about, and gives the judgement on each. None where another
    /// one is refused: then nothing is to be asked.
    pub fn asked(&mut self, policy: &Policy) -> Vec<Judgement> {
        let judged: Vec<Judgement> = self
            .goals
            .iter()
            .map(|goal| self.judge(policy, goal))
            .collect();
        let is_refused =
            |judged: &Judgement| !judged.lets_through() && judged.action != Action::Ask;
        if judged.iter().any(is_refused) {
            self.goals.clear();
            return Vec::new();
        }
        let mut asked = judged.iter().map(is_asked);
        self.goals.retain(|_| asked.next().unwrap_or(true));
        judged.into_iter().filter(is_asked).collect()
    }

    fn judge(&self, policy: &Policy, goal: &Goal) -> Judgement {
        let destination = Destination {
            address: Some(goal.ip()),
            host: None,
            port: goal.address.port,
            protocol: goal.protocol,
        };
        judge(
            policy,
            &match self.send {
                true => Act::Send(destination),
                false => Act::Connect(destination),
            },
        )
    }

    pub fn is_send(&self) -> bool {
        self.send
    }
}

impl Goal {
    pub fn ip(&self) -> IpAddr {
        IpAddr::V6(self.address.ip).to_canonical()
    }
}

/// sizeof(struct mmsghdr)
const HEADER_AND_LENGTH: u64 = 64;
/// UIO_MAXIOV: the kernel sends no more at a time.
const MESSAGES_MOST: usize = 1024;

/// Where a struct msghdr says that the address is.
fn named(thread: Thread, header: u64) -> nix::Result<Memory> {
    let bytes = thread.read_whole(header, 12)?;
    let (at, length) = bytes.split_at(8);
    Ok(Memory {
        at: at.first_chunk().map_or(0, |at| u64::from_ne_bytes(*at)),
        length: length
            .first_chunk()
            .map_or(0, |length| u32::from_ne_bytes(*length) as usize),
    })
}

/// `None`: no address is given, or none of the internet's.
fn read(thread: Thread, at: Memory) -> nix::Result<Option<Address>> {
    if at.at == 0 || at.length == 0 {
        return Ok(None);
    }
    let bytes = thread.read_whole(at.at, at.length.min(LONGEST))?;
    Ok(address::parse(&bytes))
}

/// Of the internet's sockets.
fn protocol(thread: Thread, socket: i32) -> nix::Result<Protocol> {
    let socket: OwnedFd = held::take_descriptor(thread.process()?, socket)?;
    // no others of the internet's can be made behind the floor
    match getsockopt(&socket.as_fd(), sockopt::SockType)? {
        SockType::Stream => Ok(Protocol::Tcp),
        SockType::Datagram => Ok(Protocol::Udp),
        _ => Err(Errno::EPROTONOSUPPORT),
    }
}
