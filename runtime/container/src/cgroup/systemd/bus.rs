//! The connection to systemd's manager.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::BusError;
use super::message::{Body, ERROR, METHOD_RETURN, Message, PREAMBLE, SIGNAL, Target, call};
use super::wire::Property;

const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";
/// systemd's own, for root on hosts without a bus daemon.
const PRIVATE_SOCKET: &str = "/run/systemd/private";

/// systemd answers at once unless it is stuck; runc gives a job as long.
const PATIENCE: Duration = Duration::from_secs(30);

const MANAGER: Target = Target {
    destination: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
};
const BUS: Target = Target {
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
};

#[derive(Debug)]
pub(super) struct Manager {
    stream: UnixStream,
    serial: u32,
    /// ends of jobs that came while something else was awaited
    signals: VecDeque<Message>,
}

impl Manager {
    pub fn connect() -> Result<Self, BusError> {
        if !Path::new("/run/systemd/system").is_dir() {
            return Err(BusError::Unavailable);
        }
        let Ok(stream) = UnixStream::connect(SYSTEM_BUS) else {
            let stream =
                UnixStream::connect(PRIVATE_SOCKET).map_err(failed("connect to systemd"))?;
            return Self::authenticate(stream);
        };
        let mut manager = Self::authenticate(stream)?;
        manager.call(&BUS, "Hello", &Body::default())?;
        let signals =
            "type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";
        manager.call(&BUS, "AddMatch", &Body::default().text(signals))?;
        manager.call(&MANAGER, "Subscribe", &Body::default())?;
        Ok(manager)
    }

    pub fn start_transient_unit(
        &mut self,
        unit: &str,
        properties: &[Property],
    ) -> Result<(), BusError> {
        let body = Body::default()
            .text(unit)
            .text("replace")
            .properties(properties)
            .no_auxiliary_units();
        let job = self.call(&MANAGER, "StartTransientUnit", &body)?;
        self.await_job(job.text()?)
    }

    pub fn stop_unit(&mut self, unit: &str) -> Result<(), BusError> {
        let job = self.call(
            &MANAGER,
            "StopUnit",
            &Body::default().text(unit).text("replace"),
        )?;
        self.await_job(job.text()?)
    }

    /// A failed unit keeps its name until it is forgotten.
    pub fn reset_failed_unit(&mut self, unit: &str) -> Result<(), BusError> {
        self.call(&MANAGER, "ResetFailedUnit", &Body::default().text(unit))
            .map(drop)
    }

    pub fn set_unit_properties(
        &mut self,
        unit: &str,
        properties: &[Property],
    ) -> Result<(), BusError> {
        let body = Body::default().text(unit).flag(true).properties(properties);
        self.call(&MANAGER, "SetUnitProperties", &body).map(drop)
    }

    /// A job's end is told by a signal, which gets lost when systemd reloads at that moment: now and then the job itself
    /// is asked for.
    fn await_job(&mut self, job: &str) -> Result<(), BusError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(signal) = self.signals.pop_front() {
                match signal.removed_job()? {
                    (removed, "done") if removed == job => return Ok(()),
                    (removed, result) if removed == job => {
                        return Err(BusError::Job {
                            result: result.into(),
                        });
                    }
                    _ => {}
                }
            }
            if self.is_readable_within(Duration::from_millis(250))? {
                let message = self.receive()?;
                self.remember(message);
            } else if !self.knows_job(job)? {
                return Ok(());
            } else if Instant::now() > deadline {
                return Err(BusError::Job {
                    result: "no end in time".into(),
                });
            }
        }
    }

    fn knows_job(&mut self, job: &str) -> Result<bool, BusError> {
        let number = job
            .rsplit('/')
            .next()
            .and_then(|number| number.parse().ok());
        let number = number.ok_or(BusError::Protocol("a job without a number"))?;
        match self.call(&MANAGER, "GetJob", &Body::default().number(number)) {
            Err(error) if error.says("NoSuchJob") => Ok(false),
            answer => answer.map(|_| true),
        }
    }

    fn is_readable_within(&self, time: Duration) -> Result<bool, BusError> {
        let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO);
        match poll(
            &mut [PollFd::new(self.stream.as_fd(), PollFlags::POLLIN)],
            timeout,
        ) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(source) => Err(failed("wait for systemd")(source.into())),
        }
    }

    /// systemd's own socket tells everything that happens to any unit.
    fn remember(&mut self, message: Message) {
        if message.kind == SIGNAL && message.member == "JobRemoved" {
            self.signals.push_back(message);
        }
    }

    fn call(&mut self, target: &Target, member: &str, body: &Body) -> Result<Message, BusError> {
        self.serial += 1;
        let bytes = call(self.serial, target, member, body);
        self.stream
            .write_all(&bytes)
            .map_err(failed("write to systemd"))?;
        loop {
            let message = self.receive()?;
            match message.kind {
                METHOD_RETURN if message.reply_to == Some(self.serial) => return Ok(message),
                ERROR if message.reply_to == Some(self.serial) => {
                    let text = message.text().unwrap_or_default().into();
                    return Err(BusError::Refused {
                        name: message.error,
                        text,
                    });
                }
                _ => self.remember(message),
            }
        }
    }

    fn receive(&mut self) -> Result<Message, BusError> {
        let mut preamble = [0; PREAMBLE];
        self.stream
            .read_exact(&mut preamble)
            .map_err(failed("read from systemd"))?;
        let mut bytes = preamble.to_vec();
        bytes.resize(PREAMBLE + Message::rest(&preamble)?, 0);
        self.stream
            .read_exact(&mut bytes[PREAMBLE..])
            .map_err(failed("read from systemd"))?;
        Message::parse(&bytes)
    }

    /// The socket's credentials say who we are; the text only has to agree.
    fn authenticate(mut stream: UnixStream) -> Result<Self, BusError> {
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(failed("configure the connection to systemd"))?;
        let uid = nix::unistd::geteuid().to_string();
        let hexadecimal: String = uid.bytes().map(|digit| format!("{digit:02x}")).collect();
        let request = format!("\0AUTH EXTERNAL {hexadecimal}\r\n");
        stream
            .write_all(request.as_bytes())
            .map_err(failed("write to systemd"))?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n") {
            let mut byte = [0];
            stream
                .read_exact(&mut byte)
                .map_err(failed("read from systemd"))?;
            answer.push(byte[0]);
        }
        if !answer.starts_with(b"OK") {
            return Err(BusError::Protocol("authentication refused"));
        }
        stream
            .write_all(b"BEGIN\r\n")
            .map_err(failed("write to systemd"))?;
        await_reading(&stream)?;
        Ok(Self {
            stream,
            serial: 0,
            signals: VecDeque::new(),
        })
    }
}

/// BEGIN is not answered, and systemd (seen with 252) overlooks a message that it reads together with BEGIN: so none is
/// sent before that has been read.
fn await_reading(stream: &UnixStream) -> Result<(), BusError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut unread: libc::c_int = 0;
        // SAFETY: the request writes one C int.
        Errno::result(unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut unread) })
            .map_err(|source| failed("inspect the connection to systemd")(source.into()))?;
        if unread == 0 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(BusError::Protocol("it does not read"));
        }
        thread::sleep(Duration::from_micros(200));
    }
}

fn failed(action: &'static str) -> impl Fn(io::Error) -> BusError {
    move |source| BusError::Io { action, source }
}
