//! The holder: keeps every listener, so that a dead worker costs its container a few refusals and not its life.
//!
//! It has no part in any decision and nothing to wait for but ends: of its worker, of the processes behind a listener, of
//! whoever makes the container. It starts the worker, answers what a dead one has left, and starts another.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use sevorix_container::held::{self, Child, InFlight, Listener, Readiness};

use crate::Result;
use crate::call::Class;
use crate::error::Context;
use crate::rest::Rest;

/// What holds a container's calls. `W` runs in the worker's process.
#[derive(Debug)]
pub struct Holder<W> {
    socket: UnixListener,
    /// Makes the container: when it ends before a listener has come, there is no container.
    creator: Option<OwnedFd>,
    /// Connections that bring a listener each.
    couriers: Vec<UnixStream>,
    listeners: BTreeMap<u32, Listener>,
    next: u32,
    in_flight: InFlight,
    worker: Option<Working>,
    rest: Rest,
    work: W,
}

#[derive(Debug)]
struct Working {
    child: Child,
    channel: OwnedFd,
}

impl<W: Fn(InFlight, OwnedFd) -> i32> Holder<W> {
    /// The socket must not block.
    pub fn new(socket: UnixListener, creator: OwnedFd, work: W) -> Result<Self> {
        Ok(Self {
            socket,
            creator: Some(creator),
            couriers: Vec::new(),
            listeners: BTreeMap::new(),
            next: 0,
            in_flight: InFlight::map()?,
            worker: None,
            rest: Rest::default(),
            work,
        })
    }

    /// Returns when there is nobody left behind a listener, or the container was never made.
    pub fn run(mut self) -> Result<()> {
        self.start_worker()?;
        loop {
            let ready = self.wait()?;
            self.accept()?;
            self.take_in()?;
            if ready.worker_ended {
                self.bury();
            }
            if self.worker.is_none() && self.rest.is_over(Instant::now()) {
                self.start_worker()?;
            }
            self.attend()?;
            let nobody_comes = self.creator.is_none() || ready.creator_ended;
            if nobody_comes && self.couriers.is_empty() && self.listeners.is_empty() {
                return Ok(());
            }
        }
    }

    /// Returns when there is something to do.
    fn wait(&self) -> Result<Ready> {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut watched = Vec::new();
        watched.extend(
            self.worker
                .iter()
                .map(|worker| readable(worker.child.as_fd())),
        );
        watched.extend(self.creator.iter().map(|creator| readable(creator.as_fd())));
        watched.push(readable(self.socket.as_fd()));
        watched.extend(
            self.couriers
                .iter()
                .map(|courier| readable(courier.as_fd())),
        );
        // the calls behind a listener are the worker's; that the last process is gone is told in any case
        let calls = match self.worker {
            Some(_) => PollFlags::empty(),
            None => PollFlags::POLLIN,
        };
        let listeners = self.listeners.values();
        watched.extend(listeners.map(|listener| PollFd::new(listener.as_fd(), calls)));
        match poll(&mut watched, self.patience()) {
            Err(Errno::EINTR) => return Ok(Ready::default()),
            other => other.on("wait for", "the container's processes".as_ref())?,
        };
        let mut told = watched.iter().map(|fd| fd.any().unwrap_or(false));
        let mut is_told = |there: bool| there && told.next().unwrap_or(false);
        Ok(Ready {
            worker_ended: is_told(self.worker.is_some()),
            creator_ended: is_told(self.creator.is_some()),
        })
    }

    fn patience(&self) -> PollTimeout {
        if self.worker.is_some() {
            return PollTimeout::NONE;
        }
        // whole milliseconds, and one more, so that it is over then
        let left = self.rest.left(Instant::now()) + Duration::from_millis(1);
        PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
    }

    fn accept(&mut self) -> Result<()> {
        loop {
            match self.socket.accept() {
                Ok((courier, _)) => self.couriers.push(courier),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                // it has gone already
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error).on("accept from", "the monitor's socket".as_ref()),
            }
        }
    }

    /// A courier comes with one listener, and goes.
    fn take_in(&mut self) -> Result<()> {
        for courier in std::mem::take(&mut self.couriers) {
            match held::receive(&courier) {
                Ok(Some((_, descriptor))) => self.add(Listener::new(descriptor)),
                Err(Errno::EAGAIN | Errno::EINTR) => self.couriers.push(courier),
                Ok(None) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, listener: Listener) {
        let number = self.next;
        self.next += 1;
        self.creator = None;
        if let Some(worker) = &self.worker {
            worker.give(number, &listener);
        }
        self.listeners.insert(number, listener);
    }

    fn start_worker(&mut self) -> Result<()> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let pair = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags);
        let (channel, theirs) = pair.on("make", "a channel to the worker".as_ref())?;
        let child = held::fork(|| (self.work)(self.in_flight, theirs))?;
        let worker = Working { child, channel };
        for (number, listener) in &self.listeners {
            worker.give(*number, listener);
        }
        self.worker = Some(worker);
        Ok(())
    }

    /// What it had received is never delivered again: who waits for it would wait for ever.
    fn bury(&mut self) {
        let Some(worker) = self.worker.take() else {
            return;
        };
        worker.child.reap();
        self.rest.worker_died(Instant::now());
        for (number, notice) in self.in_flight.take_abandoned() {
            if let Some(listener) = self.listeners.get(&number) {
                let _ = listener.refuse(&notice, Class::of(&notice).errno());
            }
        }
    }

    /// Lets go of listeners that nobody is behind any more, and refuses everything while there is no worker.
    fn attend(&mut self) -> Result<()> {
        let mut ended = Vec::new();
        for (number, listener) in &self.listeners {
            match listener.readiness().on("look at", "a listener".as_ref())? {
                Readiness::Ended => ended.push(*number),
                Readiness::Waiting if self.worker.is_none() => self.refuse_one(*number, listener),
                Readiness::Waiting | Readiness::Nothing => {}
            }
        }
        for number in ended {
            self.listeners.remove(&number);
        }
        Ok(())
    }

    fn refuse_one(&self, number: u32, listener: &Listener) {
        if let Ok(Some(received)) = self.in_flight.receive(number, listener) {
            let notice = received.notice;
            let _ = listener.refuse(&notice, Class::of(&notice).errno());
            self.in_flight.done(&received);
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Ready {
    worker_ended: bool,
    creator_ended: bool,
}

impl Working {
    /// One that takes nothing in is no use: the next one gets it.
    fn give(&self, number: u32, listener: &Listener) {
        if held::pass(&self.channel, number, listener).is_err() {
            let _ = self.child.kill();
        }
    }
}
