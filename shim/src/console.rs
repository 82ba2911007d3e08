//! The terminal of a payload in the foreground: ours in raw mode on one side, the container's pty on the other.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{OutputFlags, SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::isatty;

use crate::error::{Context, Error, Result};
use crate::socket;

/// A process that nobody waits for has a terminal if, and only if, somebody takes it.
pub fn check_detached(terminal: bool, socket: Option<&Path>) -> Result<()> {
    let refuse = |text: &str| Err(Error::Invalid(text.into()));
    match (terminal, socket) {
        (true, None) => {
            refuse("cannot allocate tty if sevorix will detach without setting console socket")
        }
        (false, Some(_)) => refuse(NOT_DETACHED),
        _ => Ok(()),
    }
}

const NOT_DETACHED: &str = "cannot use console socket if sevorix will not detach or allocate tty";

/// Our end of the socket over which the container sends its pty.
#[derive(Debug)]
pub struct Waiting(UnixStream);

impl Waiting {
    /// And the end that is handed to the container.
    pub fn new() -> Result<(Self, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair().during(|| "open a socket pair".into())?;
        Ok((Self(ours), theirs.into()))
    }

    /// For a process in the foreground, whose terminal nobody but us can take.
    pub fn if_wanted(terminal: bool, socket: Option<&Path>) -> Result<Option<(Self, OwnedFd)>> {
        if socket.is_some() {
            return Err(Error::Invalid(NOT_DETACHED.into()));
        }
        terminal.then(Self::new).transpose()
    }

    /// To be called when the process has been made: it has sent its pty by then.
    pub fn open(self) -> Result<Console> {
        let missing = || Error::Impossible {
            what: "showing the terminal",
            reason: "the container has not sent it",
        };
        let pty = socket::receive(&self.0)?.ok_or_else(missing)?;
        let set_up = || "set up the terminal".to_string();
        fcntl(&pty, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).during(set_up)?;
        // our own terminal still makes a new line of a line feed; made twice it would show in redirected output
        let mut settings = tcgetattr(&pty).during(set_up)?;
        settings.output_flags.remove(OutputFlags::ONLCR);
        tcsetattr(&pty, SetArg::TCSANOW, &settings).during(set_up)?;
        let console = Console {
            pty,
            host: HostTerminal::take()?,
            typed: Flow::default(),
            shown: Flow::default(),
        };
        console.follow_size();
        Ok(console)
    }
}

/// What is typed goes to the container, what it writes is shown.
#[derive(Debug)]
pub struct Console {
    pty: OwnedFd,
    host: Option<HostTerminal>,
    typed: Flow,
    shown: Flow,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stream {
    Input,
    Output,
    Pty,
}

impl Console {
    /// Gives the container's terminal the size of ours.
    pub fn follow_size(&self) {
        let Some(host) = &self.host else { return };
        let mut size = libc::winsize {
            ws_row: 0,
            ws_col: 0,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: TIOCGWINSZ writes one winsize and TIOCSWINSZ reads one; it lives until both have returned.
        unsafe {
            if libc::ioctl(host.stream.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) == 0 {
                libc::ioctl(self.pty.as_raw_fd(), libc::TIOCSWINSZ, &raw const size);
            }
        }
    }

    /// What there is to wait for. A stream of which nothing is wanted is left out: poll would report its hang-up
    /// again and again.
    pub fn interests(&self) -> Vec<(Stream, PollFd<'_>)> {
        let to_pty = if self.typed.is_empty() {
            PollFlags::empty()
        } else {
            PollFlags::POLLOUT
        };
        let from_pty = if self.shown.has_room() {
            PollFlags::POLLIN
        } else {
            PollFlags::empty()
        };
        let input = if self.typed.has_room() {
            PollFlags::POLLIN
        } else {
            PollFlags::empty()
        };
        let output = if self.shown.is_empty() {
            PollFlags::empty()
        } else {
            PollFlags::POLLOUT
        };
        let all = [
            (Stream::Input, STDIN, input),
            (Stream::Output, STDOUT, output),
            (Stream::Pty, self.pty.as_fd(), to_pty | from_pty),
        ];
        let wanted = all.into_iter().filter(|(_, _, events)| !events.is_empty());
        wanted
            .map(|(stream, fd, events)| (stream, PollFd::new(fd, events)))
            .collect()
    }

    /// Moves what can be moved without waiting.
    pub fn serve(&mut self, ready: Stream) {
        match ready {
            Stream::Input => self.typed.fill(STDIN),
            Stream::Output => self.shown.empty(STDOUT),
            Stream::Pty => {
                self.shown.fill(self.pty.as_fd());
                self.typed.empty(self.pty.as_fd());
            }
        }
    }

    /// Shows what the payload had written when it ended. Other processes may hold the terminal open for ever: what
    /// they have not written yet is not waited for.
    pub fn drain(&mut self) {
        loop {
            while !self.shown.is_empty() {
                let _ = poll(
                    &mut [PollFd::new(STDOUT, PollFlags::POLLOUT)],
                    PollTimeout::NONE,
                );
                self.shown.empty(STDOUT);
            }
            self.shown.fill(self.pty.as_fd());
            if self.shown.is_empty() {
                return;
            }
        }
    }
}

/// Bytes on their way in one direction.
#[derive(Debug, Default)]
struct Flow {
    bytes: Vec<u8>,
    ended: bool,
}

/// As much as a pipe that is ready for output takes without blocking.
const ROOM: usize = 4096;

impl Flow {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn has_room(&self) -> bool {
        self.bytes.is_empty() && !self.ended
    }

    fn fill(&mut self, from: BorrowedFd<'_>) {
        if !self.has_room() {
            return;
        }
        let mut bytes = [0; ROOM];
        match nix::unistd::read(from, &mut bytes) {
            Ok(count @ 1..) => self.bytes.extend_from_slice(&bytes[..count]),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            // a pty whose other side has been closed by everybody says EIO
            Ok(0) | Err(_) => self.ended = true,
        }
    }

    fn empty(&mut self, to: BorrowedFd<'_>) {
        if self.is_empty() {
            return;
        }
        match nix::unistd::write(to, &self.bytes) {
            Ok(count) => drop(self.bytes.drain(..count)),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            // nobody takes it any more, and whoever writes must not be held up for that
            Err(_) => self.bytes.clear(),
        }
    }
}

/// The terminal we were started from, raw until this is dropped: keys must reach the container as they are.
#[derive(Debug)]
struct HostTerminal {
    stream: BorrowedFd<'static>,
    before: Termios,
}

impl HostTerminal {
    /// None when our streams are no terminal.
    fn take() -> Result<Option<Self>> {
        let Some(stream) = [STDIN, STDOUT, STDERR]
            .into_iter()
            .find(|stream| isatty(stream).unwrap_or(false))
        else {
            return Ok(None);
        };
        let set_up = || "set the terminal to raw mode".to_string();
        let before = tcgetattr(stream).during(set_up)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        raw.output_flags.insert(OutputFlags::OPOST);
        tcsetattr(stream, SetArg::TCSANOW, &raw).during(set_up)?;
        Ok(Some(Self { stream, before }))
    }
}

impl Drop for HostTerminal {
    fn drop(&mut self) {
        // refused only when the terminal is gone
        let _ = tcsetattr(self.stream, SetArg::TCSANOW, &self.before);
    }
}

// SAFETY: Rust's start-up code opens /dev/null for a standard stream that is closed, and nothing here closes one.
const STDIN: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(libc::STDIN_FILENO) };
// SAFETY: as above.
const STDOUT: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(libc::STDOUT_FILENO) };
// SAFETY: as above.
const STDERR: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(libc::STDERR_FILENO) };
