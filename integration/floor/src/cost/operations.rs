//! The operations that are counted, as a process does them. Rows go to a file that was opened before: what is counted
//! must not depend on what the process may open.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const OPENS: usize = 1500;
const COLD_OPENS: usize = 300;
const EXECS: usize = 60;
const CONNECTS: u32 = 600;

/// One process's turn.
pub struct Turn<'a> {
    /// who it is
    pub who: &'a str,
    pub root: &'a Path,
    pub rows: &'a File,
}

impl Turn<'_> {
    pub fn all(&self) -> io::Result<()> {
        self.opens()?;
        self.execs()?;
        self.connects()
    }

    pub fn opens(&self) -> io::Result<()> {
        for depth in [5, 10] {
            let path = place(self.root, depth);
            self.open(&format!("open warm {depth}"), &path, false)?;
            self.open(&format!("open cold {depth}"), &path, true)?;
        }
        Ok(())
    }

    /// Cold: after a rename, which ends all that was remembered.
    fn open(&self, what: &str, path: &Path, cold: bool) -> io::Result<()> {
        let plain = self.root.join("free/plain");
        let (one, other) = (plain.join("file"), plain.join("renamed"));
        let path = CString::new(path.as_os_str().as_encoded_bytes())?;
        let mut costs = Vec::new();
        for _ in 0..if cold { COLD_OPENS } else { OPENS } {
            if cold {
                fs::rename(&one, &other)?;
                fs::rename(&other, &one)?;
            }
            let start = Instant::now();
            // SAFETY: a C string, and a descriptor that was just opened.
            let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
            if file < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: our own descriptor, used no more.
            unsafe { libc::close(file) };
            costs.push(start.elapsed().as_nanos());
        }
        self.tell(what, costs)
    }

    fn execs(&self) -> io::Result<()> {
        let program = self.root.join("bin/good");
        let mut costs = Vec::new();
        for _ in 0..EXECS {
            let mut command = Command::new(&program);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            let start = Instant::now();
            command.stderr(Stdio::null()).status()?;
            costs.push(start.elapsed().as_nanos());
        }
        self.tell("exec", costs)
    }

    /// Each time with a socket that has not been anywhere.
    pub fn connects(&self) -> io::Result<()> {
        let home = Ipv4Addr::LOCALHOST;
        self.connect("connect warm", |_| home)?;
        let others = u32::from(Ipv4Addr::new(127, 1, 0, 0));
        self.connect("connect cold", |round| Ipv4Addr::from(others + round))
    }

    fn connect(&self, what: &str, address: impl Fn(u32) -> Ipv4Addr) -> io::Result<()> {
        let mut costs = Vec::new();
        for round in 0..CONNECTS {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            let to = SocketAddrV4::new(address(round), 443);
            let start = Instant::now();
            socket.connect(to)?;
            costs.push(start.elapsed().as_nanos());
        }
        self.tell(what, costs)
    }

    fn tell(&self, what: &str, mut costs: Vec<u128>) -> io::Result<()> {
        costs.sort_unstable();
        let (lowest, median) = (costs[0], costs[costs.len() / 2]);
        let row = format!("{}\t{what}\t{lowest}\t{median}\n", self.who);
        print!("{row}");
        let mut rows = self.rows;
        rows.write_all(row.as_bytes())
    }
}

/// A file so many components below the root of the file system.
pub fn place(root: &Path, depth: usize) -> PathBuf {
    let mut path = root.join("free");
    for level in 4..depth - 1 {
        path.push(format!("folder-{level}"));
    }
    path.join("file")
}
