//! The last steps inside the container before the payload's first instruction, for init and `exec` alike.
//!
//! libcontainer calls `validate` when namespaces, mounts and the user are in place, and `exec` once `start` has come.
//! What it gets wrong or leaves out in between is done here, from the caller's own process object; that the same code
//! serves both kinds of process is what makes an exec'ed process as fenced as init. Filters of later layers are loaded
//! in `fence`, after the caller's.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::ffi::{CString, NulError};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use caps::{CapSet, CapsHashSet};
use libcontainer::capabilities::{CapabilityExt, drop_privileges};
use libcontainer::oci_spec::runtime::{Capability, LinuxCapabilities, Process, Spec};
use libcontainer::syscall::syscall::create_syscall;
use libcontainer::workload::{
    Executor, ExecutorError, ExecutorSetEnvsError, ExecutorValidationError,
};
use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::unistd::{Gid, setgroups};

use crate::error::errno_text;
use crate::finish::Finish;
use crate::floor::Fence;
use crate::lookup::find_executable;
use crate::notify::{Courier, Handover};
use crate::prepare;
use crate::report::{Report, Reporter};
use crate::seccomp::Filter;
use crate::user::home_of;

/// One payload and the fences it is to run behind.
#[derive(Debug, Clone)]
pub struct Payload {
    pub process: Process,
    pub capabilities: LinuxCapabilities,
    /// what the floor closes for every process under a policy
    pub floor: Option<Fence>,
    pub filter: Option<Filter>,
    /// who receives the descriptor of a filter that notifies
    pub handover: Option<Handover>,
    /// what is left to do about the mounts; only init has any
    pub finish: Option<Finish>,
    pub reporter: Reporter,
    /// found by `validate`, used by `exec`
    pub program: RefCell<Option<PathBuf>>,
}

type Step<T = ()> = Result<T, String>;

impl Payload {
    /// One that finds its mounts complete.
    pub fn new(
        process: Process,
        filter: Option<Filter>,
        floor: Option<Fence>,
        courier: Option<&(Courier, Handover)>,
        report: Option<&Report>,
    ) -> crate::Result<Self> {
        Ok(Self {
            capabilities: prepare::capabilities(&process),
            process,
            floor,
            filter,
            handover: courier.map(|(_, handover)| handover.clone()),
            finish: None,
            reporter: Report::reporter_of(report),
            program: RefCell::default(),
        })
    }
}

impl Executor for Payload {
    fn validate(&self, _: &Spec) -> Result<(), ExecutorValidationError> {
        self.prepare().map_err(|reason| {
            self.reporter.fail(&reason);
            ExecutorValidationError::ArgValidationError(reason)
        })
    }

    /// The payload's environment is handed to execve as it is, in its order; ours need not change.
    fn setup_envs(&self, _: HashMap<String, String>) -> Result<(), ExecutorSetEnvsError> {
        Ok(())
    }

    fn exec(&self, _: &Spec) -> Result<(), ExecutorError> {
        let Err(reason) = self.replace_ourselves();
        self.reporter.fail(&reason);
        // whoever started us may be gone: the container's own output is where its user looks
        eprintln!("{reason}");
        std::process::exit(1)
    }
}

impl Payload {
    fn prepare(&self) -> Step {
        let _ = nix::sys::prctl::set_name(c"sevorix:init");
        if let Some(finish) = &self.finish {
            finish.run()?;
        }
        self.own_terminal();
        self.set_groups()?;
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(
            self.process.user().umask().unwrap_or(0o022),
        ));
        self.enter_working_directory()?;
        self.lower_effective()?;
        let arguments = self.process.args().as_deref().unwrap_or_default();
        let name = arguments.first().ok_or("args must not be empty")?;
        *self.program.borrow_mut() = Some(find_executable(name, self.variable("PATH"))?);
        self.hold_calls()?;
        // a listener may answer any call from here on, so it must be the one that accepts before `create` returns
        if self.handover.is_some() {
            self.fence()
        } else {
            Ok(())
        }
    }

    /// While whoever takes the filter's descriptor to the monitor still waits for it, which is before `start`.
    fn hold_calls(&self) -> Step {
        let Some(floor) = self.floor.as_ref().filter(|floor| floor.holds()) else {
            return Ok(());
        };
        self.raise_effective()?;
        floor.load()?;
        self.lower_effective()
    }

    /// Filter and capabilities, in the one order that works for each of the two ways to be allowed to load a filter.
    fn fence(&self) -> Step {
        if self.is_fenced() {
            return Ok(());
        }
        let unprivileged = self.process.no_new_privileges() == Some(true);
        if unprivileged {
            self.drop_capabilities()?;
            self.load_filter()
        } else {
            self.raise_effective()?;
            self.load_filter()?;
            self.drop_capabilities()
        }
    }

    /// A notifying filter is loaded by `prepare` already.
    fn is_fenced(&self) -> bool {
        self.handover.as_ref().is_some_and(Handover::is_done)
    }

    /// The floor's first: the caller's may refuse to load another.
    fn load_filter(&self) -> Step {
        let failed = |errno| format!("load seccomp filter: {}", errno_text(errno));
        if let Some(floor) = self.floor.as_ref().filter(|floor| !floor.is_loaded()) {
            floor.load()?;
        }
        let Some(filter) = &self.filter else {
            return Ok(());
        };
        match &self.handover {
            Some(handover) => handover.load(filter),
            None => filter.load().map(drop).map_err(failed),
        }
    }

    /// Everything is made ready first: between the filter and execve no system call may be needed that a tight
    /// profile does not allow.
    fn replace_ourselves(&self) -> Step<Infallible> {
        let program = self.program.borrow();
        let program = program.as_deref().ok_or("exec before validate")?;
        let name = program.display();
        let holds_nul =
            |_: NulError| format!("exec {name}: an argument or variable holds a NUL byte");
        let strings = |list: Option<&Vec<String>>| -> Result<Vec<CString>, NulError> {
            list.into_iter()
                .flatten()
                .map(|text| CString::new(text.as_str()))
                .collect()
        };
        let path = CString::new(program.as_os_str().as_bytes()).map_err(holds_nul)?;
        let arguments = strings(self.process.args().as_ref()).map_err(holds_nul)?;
        let mut environment = self.environment().map_err(holds_nul)?;
        if self.variable("HOME").is_none_or(str::is_empty) {
            let home = format!("HOME={}", home_of(self.process.user().uid()));
            environment.retain(|variable| variable.as_bytes() != b"HOME=");
            environment.push(CString::new(home).map_err(holds_nul)?);
        }
        default_signals();
        self.fence()?;
        nix::unistd::execve(&path, &arguments, &environment)
            .map_err(|errno| format!("exec {name}: {}", errno_text(errno)))
    }

    /// Of a name that is given twice the last value counts, in the first one's place: C's getenv finds the first.
    fn environment(&self) -> Result<Vec<CString>, NulError> {
        let name = |variable: &str| variable.split('=').next().unwrap_or_default().to_string();
        let mut variables: Vec<&str> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for variable in self.process.env().iter().flatten() {
            match places.get(&name(variable)) {
                Some(place) => variables[*place] = variable,
                None => {
                    places.insert(name(variable), variables.len());
                    variables.push(variable);
                }
            }
        }
        variables.into_iter().map(CString::new).collect()
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let variables = self.process.env().iter().flatten();
        // the last one wins, as it does for getenv in what Go programs make of their environment
        variables
            .rev()
            .find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='))
    }

    /// Standard streams that are the caller's own pipes or our terminal become the payload's user's.
    fn own_terminal(&self) {
        for fd in [
            std::io::stdin().as_fd(),
            std::io::stdout().as_fd(),
            std::io::stderr().as_fd(),
        ] {
            let Ok(stat) = nix::sys::stat::fstat(fd) else {
                continue;
            };
            let is_null = stat.st_rdev == nix::sys::stat::makedev(1, 3);
            if stat.st_uid != self.process.user().uid() && !is_null {
                // refused for streams of an unmapped owner or a read-only file system: they stay as they are
                let _ = nix::unistd::fchown(fd, Some(self.process.user().uid().into()), None);
            }
        }
        if let Some(size) = self
            .process
            .console_size()
            .filter(|_| self.process.terminal() == Some(true))
        {
            let cells = |count: u64| u16::try_from(count).unwrap_or(u16::MAX);
            let size = libc::winsize {
                ws_row: cells(size.height()),
                ws_col: cells(size.width()),
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            // SAFETY: TIOCSWINSZ reads one winsize, which lives until the call returns.
            unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCSWINSZ, &raw const size) };
        }
    }

    /// Also when there are none: the caller's own groups must not come along.
    fn set_groups(&self) -> Step {
        let groups: Vec<Gid> = self
            .process
            .user()
            .additional_gids()
            .iter()
            .flatten()
            .map(|gid| Gid::from_raw(*gid))
            .collect();
        match setgroups(&groups) {
            // an unprivileged user namespace can't change groups, and so has none to drop
            Err(Errno::EPERM) if groups.is_empty() => Ok(()),
            other => {
                other.map_err(|errno| format!("set supplementary groups: {}", errno_text(errno)))
            }
        }
    }

    fn enter_working_directory(&self) -> Step {
        let folder = self.process.cwd();
        if folder.as_os_str().is_empty() {
            return Ok(());
        }
        let fail = |reason: String| {
            format!(
                "chdir to cwd ({:?}) set in config.json failed: {reason}",
                folder.display().to_string()
            )
        };
        nix::unistd::chdir(folder).map_err(|errno| fail(errno_text(errno)))?;
        // a folder of the host, reached through a leaked descriptor, has no name in here
        match nix::unistd::getcwd() {
            Ok(path) if path.is_absolute() => Ok(()),
            _ => Err(fail(
                "current working directory is outside of container mount namespace root".into(),
            )),
        }
    }

    /// The lookup must see what the payload may do, while the permitted set still holds what loading a filter takes.
    fn lower_effective(&self) -> Step {
        let permitted = caps::read(None, CapSet::Permitted).map_err(|error| error.to_string())?;
        let wanted = as_set(self.capabilities.effective().as_ref());
        set_effective(&wanted.intersection(&permitted).copied().collect())
    }

    fn raise_effective(&self) -> Step {
        set_effective(&caps::read(None, CapSet::Permitted).map_err(|error| error.to_string())?)
    }

    fn drop_capabilities(&self) -> Step {
        self.raise_effective()?;
        drop_privileges(&self.capabilities, create_syscall().as_ref())
            .map_err(|error| format!("unable to apply caps: {error}"))
    }
}

/// Rust ignores SIGPIPE, a foreground runtime blocks what it forwards, and whoever started it may ignore more (a shell
/// does for what it runs in the background); execve would hand it all on.
fn default_signals() {
    const HIGHEST: i32 = 64;
    for number in 1..=HIGHEST {
        // SAFETY: the default disposition runs no code of ours; numbers that can't be changed are refused.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    let _ = SigSet::empty().thread_set_mask();
}

fn as_set(list: Option<&std::collections::HashSet<Capability>>) -> CapsHashSet {
    list.into_iter()
        .flatten()
        .map(|capability| capability.to_cap())
        .collect()
}

fn set_effective(set: &CapsHashSet) -> Step {
    caps::set(None, CapSet::Effective, set)
        .map_err(|error| format!("set effective capabilities: {error}"))
}
