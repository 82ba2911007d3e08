//! The monitor of a container, seen from the verbs: started by `create`, gone with `delete`.
//!
//! It is our own binary again, as a daemon in a cgroup of its own. The cgroup bears the name of the `create` that makes
//! the container, which is known before there is a monitor, so whatever dies when, `delete` finds what there is to end.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{ForkResult, fork, setsid};
use sevorix_bpf::floor::Container;
use sevorix_policy::{Annotations, Folders, Policy, Request};

use crate::error::Context;
use crate::floor::{Decided, Fence, Place, Plan, beginning};
use crate::notify::Courier;
use crate::state::{State, StateDir};
use crate::{Error, Result, Runtime};

/// What a monitor works for.
#[derive(Debug)]
pub struct Watched {
    dir: StateDir,
    id: String,
    /// as it was when the monitor was started
    pub state: State,
    pub policy: Policy,
    /// of the compiled policy
    pub digest: [u8; 32],
    /// where the verdict service listens
    pub verdict_socket: PathBuf,
}

impl Watched {
    /// Reads the policy again, from the same files. It must have come to the same.
    pub fn load(runtime: &Runtime, id: &str) -> Result<Self> {
        let dir = StateDir::locate(&runtime.root, id)?;
        let state = dir.load(id)?;
        let config = dir.load_config()?;
        let spec = serde_json::from_slice(&config)
            .map_err(std::io::Error::from)
            .on("read config.json of", dir.path())?;
        let annotations = Annotations::of_config(&config)?;
        let request = Request::parse(annotations.iter(), runtime.node_policy.as_deref())?;
        let folders = Folders::default();
        let plan = Plan::of(&request, &spec, &folders)?;
        let changed = || Error::Monitor {
            reason: "the policy's files have changed meanwhile".into(),
        };
        let plan = plan.ok_or_else(changed)?;
        if state.digest.as_ref() != Some(plan.digest()) {
            return Err(changed());
        }
        Ok(Self {
            id: id.into(),
            state,
            digest: *plan.digest(),
            policy: plan.policy().clone(),
            verdict_socket: folders.config()?.verdict_socket(),
            dir,
        })
    }

    /// As it is by now.
    pub fn state(&self) -> Result<State> {
        self.dir.load(&self.id)
    }

    /// Where it takes in the descriptors of filters.
    pub fn listen(&self) -> Result<UnixListener> {
        let path = socket(&self.dir);
        let (_folder, short) = shortened(&path)?;
        let listener = UnixListener::bind(short).on("listen on", &path)?;
        listener.set_nonblocking(true).on("listen on", &path)?;
        Ok(listener)
    }

    /// Where operators reach this monitor. A dead worker's is in the way of the next one's.
    pub fn listen_to_operators(&self) -> Result<UnixListener> {
        let folder = Path::new(OPERATORS);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .on("create", folder)?;
        let path = operator_socket(&self.state);
        let _ = fs::remove_file(&path);
        let socket = UnixListener::bind(&path).on("listen on", &path)?;
        socket.set_nonblocking(true).on("listen on", &path)?;
        Ok(socket)
    }

    /// Since when the container can have written files, after 1970. The floor was told the same.
    pub fn began(&self) -> Duration {
        let init = self.state().ok().and_then(|state| state.init);
        let layer = init.and_then(|init| {
            let mountinfo = sevorix_bpf::floor::mountinfo_of(init.pid).ok()?;
            beginning::of_root(init.pid(), &mountinfo)
        });
        let made = || humantime::parse_rfc3339(&self.state.created).ok();
        let began = layer.or_else(made);
        began
            .and_then(|began| began.duration_since(SystemTime::UNIX_EPOCH).ok())
            .unwrap_or_default()
    }

    /// Its place in the tables of this release.
    pub fn place(&self) -> Result<Option<Container>> {
        let place = self.state()?.floor;
        let place = place.filter(Place::is_of_this_release);
        Ok(place.map(|place| place.container()))
    }

    pub fn tell(&self, decision: &Decided) {
        if let Ok(State {
            floor: Some(place), ..
        }) = self.state()
        {
            place.tell(decision);
        }
    }
}

/// As many descriptors as root may have: every action that is held takes a few.
fn lift_limit() -> Result<()> {
    let doing = || "raise the limit of open files".into();
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).during(doing)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).during(doing)
}

/// Goes on in a process that belongs to nobody's session and holds nothing that whoever started us has open.
pub fn become_daemon() -> Result<()> {
    // SAFETY: closes what this process has inherited and knows nothing of; it has opened nothing itself yet.
    let closed = unsafe { libc::close_range(3, u32::MAX, 0) };
    nix::errno::Errno::result(closed).during(|| "close what was inherited".into())?;
    lift_limit()?;
    // SAFETY: this process has one thread, so the child may go on in any code.
    match unsafe { fork() }.during(|| "fork".into())? {
        ForkResult::Parent { .. } => std::process::exit(0),
        ForkResult::Child => {
            setsid().during(|| "make a session".into())?;
            std::env::set_current_dir("/").on("enter", Path::new("/"))
        }
    }
}

/// What a monitor says when it takes in descriptors; anything else is why it does not.
pub const READY: &str = "ready";
const FOLDER: &str = "sevorix-monitors";
/// For the kernel to be done with killed processes.
const DEATH: Duration = Duration::from_secs(5);

/// Returns when it is ready.
pub(crate) fn start(runtime: &Runtime, state: &State) -> Result<()> {
    let failed = |reason: String| Error::Monitor { reason };
    let mut command = Command::new("/proc/self/exe");
    command.arg("--root").arg(&runtime.root);
    if let Some(policy) = &runtime.node_policy {
        command.arg("--policy").arg(policy);
    }
    command.arg("monitor").arg(&state.id).env_clear();
    // a test's folder of policies
    let configuration = std::env::var_os("SEVORIX_CONFIG");
    command.envs(configuration.map(|value| ("SEVORIX_CONFIG", value)));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command
        .spawn()
        .during(|| "start the container's monitor".into())?;
    let mut told = String::new();
    let output = child.stdout.take().map(BufReader::new);
    let read = output.map(|mut output| output.read_line(&mut told));
    // it goes on in a child of its own
    let _ = child.wait();
    match (read, told.trim_end()) {
        (_, READY) => Ok(()),
        (Some(Err(error)), _) => Err(failed(error.to_string())),
        (_, "") => Err(failed("it ended without a word".into())),
        (_, reason) => Err(failed(reason.into())),
    }
}

/// Ends it, if there is one. What it held has no process behind it any more.
pub(crate) fn end(state: &State) -> Result<()> {
    let Ok(folder) = cgroup(state) else {
        return Ok(());
    };
    if !folder.exists() {
        return Ok(());
    }
    let _ = fs::remove_file(operator_socket(state));
    let deadline = Instant::now() + DEATH;
    loop {
        // it may be on its way into the cgroup
        fs::write(folder.join("cgroup.kill"), "1").on("kill the monitor in", &folder)?;
        match fs::remove_dir(&folder) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).on("remove", &folder);
            }
            _ => break,
        }
        if Instant::now() > deadline {
            return Err(Error::Monitor {
                reason: "it does not end".into(),
            });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // the last one takes the folder of all of them with it
    let _ = folder.parent().map(fs::remove_dir);
    Ok(())
}

/// Puts this process, a monitor, where the container's limits and the end of its engine do not reach it.
pub fn enter_cgroup(state: &State) -> Result<()> {
    let folder = cgroup(state)?;
    let deadline = Instant::now() + DEATH;
    let enter = || {
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("cgroup.procs"), "0")
    };
    loop {
        match enter() {
            // the last monitor before us took the folder of all with it
            Err(error)
                if error.raw_os_error() == Some(libc::ENOENT) && Instant::now() < deadline => {}
            other => return other.on("enter the cgroup", &folder),
        }
    }
}

fn cgroup(state: &State) -> Result<PathBuf> {
    let hierarchy = sevorix_bpf::floor::cgroup_hierarchy()?;
    Ok(hierarchy.join(FOLDER).join(name(state)))
}

/// No other container's monitor has the same.
fn name(state: &State) -> String {
    let creator = state.creator;
    format!("{}-{}", creator.pid, creator.start_time)
}

/// Where operators reach a monitor.
const OPERATORS: &str = "/run/sevorix-floor/operators";

fn operator_socket(state: &State) -> PathBuf {
    Path::new(OPERATORS).join(format!("{}.sock", name(state)))
}

/// Of all the monitors that there are, and of some that have gone.
pub fn operator_sockets() -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(OPERATORS) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.on("list", Path::new(OPERATORS))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths
        .collect::<std::io::Result<_>>()
        .on("list", Path::new(OPERATORS))
}

/// A socket's address has room for 107 bytes; the folders of engines with their long ids are longer. The path is good
/// as long as the folder is open.
pub(crate) fn shortened(socket: &Path) -> Result<(File, PathBuf)> {
    let folder = socket.parent().unwrap_or(socket);
    let open = File::open(folder).on("open", folder)?;
    let name = socket.file_name().unwrap_or_default();
    let short = Path::new("/proc/self/fd").join(open.as_raw_fd().to_string());
    Ok((open, short.join(name)))
}

/// Somebody to take the descriptor of a filter that holds calls to the monitor.
pub(crate) fn courier(fence: Option<&mut Fence>, dir: &StateDir) -> Result<Option<Courier>> {
    let courier = fence.map(|fence| fence.courier(&socket(dir)));
    courier.transpose().map(Option::flatten)
}

/// Where a monitor takes in the descriptors of filters.
fn socket(dir: &StateDir) -> PathBuf {
    dir.path().join("monitor.sock")
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_socket_in_a_folder_with_a_long_name_is_bound_and_found() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("a".repeat(200));
        fs::create_dir(&folder).expect("made");
        let socket = folder.join("monitor.sock");
        assert!(UnixListener::bind(&socket).is_err(), "it is too long");
        let (_folder, short) = shortened(&socket).expect("open");
        let listener = UnixListener::bind(&short).expect("bound");
        assert!(socket.exists());
        UnixStream::connect(&short).expect("connected");
        listener.accept().expect("accepted");
    }
}
