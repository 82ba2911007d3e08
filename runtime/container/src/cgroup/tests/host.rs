use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::Pid;
use oci_spec::runtime::LinuxResources;

use crate::cgroup::{Cgroup, Driver, Kill, folder};

/// A cgroup that goes with everything inside when the test ends, however it ends.
pub(super) struct TestCgroup {
    pub cgroup: Cgroup,
}

impl TestCgroup {
    /// None, with a word on why, where these tests can't run.
    pub fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if let Err(reason) = enter_view() {
            eprintln!("skipped: {reason}");
            return None;
        }
        let name = format!(
            "sevorix-test-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        // below a parent that does not exist either
        let path = Path::new("/").join(&name).join("container");
        Some(Self {
            cgroup: Cgroup::locate(Some(&path), &name, Driver::Cgroupfs).unwrap(),
        })
    }

    pub fn systemd(cgroups_path: &str) -> Self {
        Self {
            cgroup: Cgroup::locate(Some(Path::new(cgroups_path)), "test", Driver::Systemd).unwrap(),
        }
    }

    pub fn created(resources: serde_json::Value) -> Option<Self> {
        let this = Self::new()?;
        this.cgroup
            .create(Some(&parse(resources)))
            .map(drop)
            .unwrap();
        Some(this)
    }

    /// With limits, for which the host's controllers must be in the hierarchy: with v1 beside it they are not in v2's,
    /// and kernels can be built without memory and cpuset on v1.
    pub fn limited(resources: serde_json::Value) -> Option<Self> {
        let this = Self::new()?;
        if !this.has_controllers() {
            eprintln!("skipped: the hierarchy has not all controllers here");
            return None;
        }
        this.cgroup
            .create(Some(&parse(resources)))
            .map(drop)
            .unwrap();
        Some(this)
    }

    pub fn limited_unified(resources: serde_json::Value) -> Option<Self> {
        if !Self::new()?.cgroup.is_unified() {
            eprintln!("skipped: this is about cgroup v2");
            return None;
        }
        Self::limited(resources)
    }

    pub fn has_controllers(&self) -> bool {
        let given =
            std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
        ["cpu", "cpuset", "memory", "pids"].iter().all(|name| {
            if self.cgroup.is_unified() {
                given.contains(name)
            } else {
                self.cgroup.legacy_folder(name).is_some()
            }
        })
    }

    /// The main folder: where its processes and limits are looked for.
    pub fn folder(&self) -> &Path {
        if self.cgroup.is_unified() {
            self.cgroup.unified_folder().unwrap()
        } else {
            self.cgroup.legacy_folder("pids").unwrap()
        }
    }

    pub fn read(&self, file: &str) -> String {
        let controller = file.split('.').next().unwrap();
        let folder = if self.cgroup.is_unified() {
            self.folder()
        } else {
            self.cgroup.legacy_folder(controller).unwrap()
        };
        folder::read_file(&folder.join(file))
            .unwrap()
            .trim()
            .to_owned()
    }

    /// Starts a shell script inside, from its first instruction on.
    pub fn run(&self, script: &str) -> Inhabitant {
        let folders = self
            .cgroup
            .folders()
            .map(Path::to_path_buf)
            .collect::<Vec<_>>();
        Inhabitant::start(&folders, script)
    }

    pub fn run_below(&self, name: &str, script: &str) -> Inhabitant {
        let folders: Vec<_> = self
            .cgroup
            .folders()
            .map(|folder| folder.join(name))
            .collect();
        for folder in &folders {
            std::fs::create_dir(folder).unwrap();
            for file in ["cpuset.cpus", "cpuset.mems"] {
                // a v1 cpuset takes processes only once it has both
                let inherited = folder::read_if_present(&folder.with_file_name(file)).unwrap();
                if let Some(inherited) =
                    inherited.filter(|_| !self.cgroup.is_unified() && folder.join(file).exists())
                {
                    folder::set(folder, file, inherited.trim()).unwrap();
                }
            }
        }
        Inhabitant::start(&folders, script)
    }
}

impl Drop for TestCgroup {
    fn drop(&mut self) {
        // a test that fails while frozen must not leave a cgroup that can't be emptied
        let _ = self.cgroup.thaw();
        let removed = self.cgroup.remove(Kill::Yes);
        for folder in self.cgroup.folders() {
            let _ = std::fs::remove_dir(folder.parent().unwrap());
        }
        if !std::thread::panicking() {
            removed.unwrap();
        }
    }
}

/// A shell in a cgroup; killed when dropped.
pub(super) struct Inhabitant(Child);

impl Inhabitant {
    pub fn start(folders: &[PathBuf], script: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("read go; {script}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for folder in folders {
            folder::set(folder, "cgroup.procs", &child.id().to_string()).unwrap();
        }
        child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
        Self(child)
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).unwrap())
    }

    pub fn succeeds(mut self) -> bool {
        self.0.wait().unwrap().success()
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    pub fn signal_that_ended_it(&mut self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt;
        self.0.wait().unwrap().signal()
    }
}

impl Drop for Inhabitant {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn parse(resources: serde_json::Value) -> LinuxResources {
    serde_json::from_value(resources).unwrap()
}

/// Polls, since a process gets where it is going in its own time.
pub(super) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !condition() {
        assert!(
            std::time::Instant::now() < deadline,
            "{what} did not happen"
        );
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

pub(super) fn takes_this_host() -> bool {
    std::env::var_os("SEVORIX_TEST_THIS_HOST").is_some_and(|value| value == "1")
}

fn enter_view() -> Result<(), String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("this takes root".into());
    }
    if takes_this_host()
        || super::super::hierarchy::Hierarchies::detect().is_ok_and(|found| found.is_unified())
    {
        return Ok(());
    }
    let step = |what: &'static str| move |error: nix::Error| format!("{what}: {error}");
    unshare(CloneFlags::CLONE_NEWNS).map_err(step("no mount namespace"))?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(step("mounts stay shared"))?;
    umount2("/sys/fs/cgroup", MntFlags::MNT_DETACH).map_err(step("the v1 view stays"))?;
    mount(
        Some("cgroup2"),
        "/sys/fs/cgroup",
        Some("cgroup2"),
        MsFlags::empty(),
        none,
    )
    .map_err(step("no v2 view"))
}
