//! A monitor, a payload behind its filter, and a service that answers by what the command line says.

mod service;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IoSlice, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};
use nix::unistd::{Pid, getppid};
use sevorix_container::floor::{Asks, Decided, Fence};
use sevorix_container::{ProcessId, pidfd_open};
use sevorix_monitor::{About, Floor, Holder, Permit, Result, Thread, Worker, work};
use sevorix_policy::{
    Access, Action, ExecRule, FileMatch, FileRule, NetRule, NetTarget, Policy, Program, RuleId,
};
use sevorix_verdict::{Digest, Endpoint, Label, Router, Settings, Trust};

pub use service::Service;

/// How long an answer is waited for.
pub const TIMEOUT: Duration = Duration::from_millis(700);

pub struct Stage {
    folder: tempfile::TempDir,
    service: Option<Service>,
    holder: Child,
    payload: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Stage {
    pub fn new() -> Self {
        let mut stage = Self::without_service();
        stage.start_service();
        stage
    }

    pub fn without_service() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let start = |part: &str| {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args([part.as_ref(), folder.path().as_os_str()]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            command.spawn().expect(part)
        };
        let mut holder = start("holder");
        line(&mut BufReader::new(
            holder.stdout.as_mut().expect("its output"),
        ));
        let mut payload = start("payload");
        let mut from = BufReader::new(payload.stdout.take().expect("its output"));
        assert_eq!(line(&mut from), "ready");
        Self {
            to: payload.stdin.take(),
            service: None,
            holder,
            payload,
            from,
            folder,
        }
    }

    pub fn start_service(&mut self) {
        self.service = Some(Service::start(&self.folder.path().join("slm.sock")));
    }

    pub fn stop_service(&mut self) {
        self.service = None;
    }

    /// How often the service was asked about a command line with this word.
    pub fn asked(&self, word: &str) -> usize {
        self.service
            .as_ref()
            .map_or(0, |service| service.asked(word))
    }

    /// Its exit status, or why it did not run.
    pub fn run(&mut self, command: &str) -> String {
        self.begin(command);
        self.end()
    }

    pub fn begin(&mut self, command: &str) {
        writeln!(self.to.as_mut().expect("a payload"), "{command}").expect("told the payload");
    }

    pub fn end(&mut self) -> String {
        line(&mut self.from)
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("text").into()
    }

    pub fn script(&self, text: &str) -> String {
        let path = self.folder.path().join("script");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        path.to_str().expect("text").into()
    }

    fn told(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("told")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn told_last(&self, kind: &str) -> String {
        let told = self.told();
        told.into_iter()
            .rfind(|line| line.starts_with(kind))
            .unwrap_or_default()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.told()
            .iter()
            .filter(|line| line.starts_with(kind))
            .count()
    }

    pub fn holder(&self) -> i32 {
        self.holder.id().cast_signed()
    }

    pub fn has_worker(&self) -> bool {
        !self.workers().is_empty()
    }

    pub fn worker(&self) -> i32 {
        self.workers()[0]
    }

    fn workers(&self) -> Vec<i32> {
        children(self.holder())
    }

    /// The child that the payload has made, whose exec is held.
    pub fn waiter(&self) -> i32 {
        children(self.payload.id().cast_signed())[0]
    }

    pub fn kill(&self, pid: i32) {
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
    }

    pub fn end_payload(&mut self) {
        self.to = None;
        self.payload.wait().expect("ended");
    }

    /// By itself, with success.
    pub fn holder_ended(&mut self) -> bool {
        self.holder.wait().expect("ended").success()
    }

    /// The case as a whole has a limit of time.
    pub fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            std::thread::yield_now();
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.payload.kill();
        let _ = self.payload.wait();
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn children(parent: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let list = list.unwrap_or_default();
    let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
    pids.filter(|pid| is_alive(*pid)).collect()
}

pub fn is_alive(pid: i32) -> bool {
    ProcessId::of(Pid::from_raw(pid)).is_ok_and(ProcessId::is_alive)
}

fn line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("a line");
    line.trim_end().into()
}

/// The process that is the holder.
pub fn hold(folder: &Path) {
    let socket = UnixListener::bind(folder.join("monitor.sock")).expect("bound");
    socket.set_nonblocking(true).expect("no waiting");
    let creator = pidfd_open(getppid()).expect("who started us");
    let folder = folder.to_owned();
    let holder = Holder::new(socket, creator, move |in_flight, channel: OwnedFd| {
        let (policy, folder) = (policy(), folder.clone());
        work(channel, None, move || {
            let trust = Trust {
                user: Some(nix::unistd::geteuid().as_raw()),
            };
            let label = |text| Label::new(text).expect("a label");
            let endpoint = Endpoint::new(folder.join("slm.sock"), trust, label("boot"));
            let router = Router::new(Settings::from(&policy.verdict), endpoint);
            let about = About {
                container: label("test"),
                policy: Digest::of("test", b"policy"),
            };
            Worker::new(
                policy,
                about,
                router,
                Box::new(Notes::in_folder(&folder)),
                in_flight,
            )
        })
    });
    println!("ready");
    holder.and_then(Holder::run).expect("held");
}

/// The process whose calls are held: runs each line of its input.
pub fn act(folder: &Path) {
    let asks = Asks {
        exec: true,
        network: true,
        files: true,
    };
    nix::sys::prctl::set_no_new_privs().expect("no new privileges");
    let mut fence = Fence::whole(asks);
    let courier = fence
        .courier(&folder.join("monitor.sock"))
        .expect("a courier");
    fence.load().expect("loaded");
    drop(courier);
    println!("ready");
    for line in std::io::stdin().lines() {
        let line = line.expect("a line");
        println!("{}", do_one(&line));
    }
}

/// A call of this process's own, or a program.
fn do_one(line: &str) -> String {
    let mut words = line.split(' ');
    let first = words.next().expect("what to do");
    let done = match first {
        "connect" => TcpStream::connect(words.next().expect("where to")).map(|_| 0),
        "storm" => {
            let count = words.next().and_then(|count| count.parse().ok());
            storm(count.expect("how many"), words.next().expect("where to"))
        }
        "send" => UdpSocket::bind("127.0.0.1:0")
            .and_then(|socket| socket.send_to(b"x", words.next().expect("where to")))
            .map(|_| 0),
        "send-all" => send_all(words).map(|_| 0),
        "read" => File::open(words.next().expect("a file")).map(|_| 0),
        "write" => File::create(words.next().expect("a file")).map(|_| 0),
        program => {
            let mut command = Command::new(program);
            let command = command.args(words).stdout(Stdio::null());
            command.status().map(|status| status.code().unwrap_or(-1))
        }
    };
    match done {
        Ok(status) => status.to_string(),
        Err(error) => format!("{:?}", Errno::from_raw(error.raw_os_error().unwrap_or(0))),
    }
}

/// One call with a message to each.
fn send_all<'a>(to: impl Iterator<Item = &'a str>) -> std::io::Result<usize> {
    let address = |text: &str| Some(SockaddrIn::from_str(text).expect("an address"));
    let to: Vec<Option<SockaddrIn>> = to.map(address).collect();
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let mut headers = MultiHeaders::preallocate(to.len(), None);
    let messages: Vec<[IoSlice; 1]> = to.iter().map(|_| [IoSlice::new(b"x")]).collect();
    let flags = MsgFlags::empty();
    let sent = sendmmsg(socket.as_raw_fd(), &mut headers, &messages, &to, [], flags)?;
    Ok(sent.count())
}

/// So many threads connect at once. What the last one met, which all the others have to have met, too.
fn storm(count: usize, to: &str) -> std::io::Result<i32> {
    let one = || TcpStream::connect(to).map(|_| 0);
    let mut ends = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(one)).collect();
        let ends = threads
            .into_iter()
            .map(|thread| thread.join().expect("it ended"));
        ends.collect::<Vec<_>>()
    });
    let last = ends.pop().expect("some");
    let number =
        |end: &std::io::Result<i32>| end.as_ref().err().and_then(std::io::Error::raw_os_error);
    assert!(
        ends.iter().all(|end| number(end) == number(&last)),
        "{ends:?}"
    );
    last
}

fn policy() -> Policy {
    let mut policy = Policy::new("test".parse().expect("a name"));
    policy.exec.default = Action::Allow;
    policy.net.default = Action::Allow;
    policy.verdict.timeout = TIMEOUT;
    policy.exec.rules = vec![ExecRule::new(
        RuleId::element("exec.rules", 0),
        Program::Path("/usr/bin/printf".parse().expect("a path")),
        Action::Ask,
    )];
    policy.file.default = Action::Allow;
    let name = FileMatch::Name("*.asked".parse().expect("a name"));
    policy.file.rules = vec![FileRule::new(
        RuleId::element("file.rules", 0),
        name,
        Access::ALL,
        Action::Ask,
    )];
    let target = NetTarget::Net("127.0.0.9/32".parse().expect("a network"));
    policy.net.rules = vec![NetRule::new(
        RuleId::element("net.rules", 0),
        Some(target),
        Action::Ask,
    )];
    policy
}

/// What the kernel is told, written down.
struct Notes(RefCell<File>);

impl Notes {
    fn in_folder(folder: &Path) -> Self {
        let path: PathBuf = folder.join("told");
        let file = File::options().append(true).create(true).open(path);
        Self(RefCell::new(file.expect("a file")))
    }

    fn note(&self, text: &str) {
        writeln!(self.0.borrow_mut(), "{text}").expect("noted");
    }
}

impl Floor for Notes {
    fn grant(&self, _: Thread, permit: &Permit<'_>, _: Duration) -> Result<()> {
        match permit {
            Permit::Exec(execution) => self.note(&format!(
                "grant {} {} {}",
                execution.programs.len(),
                execution.line.words().len(),
                execution.line.bytes().escape_ascii()
            )),
            Permit::Reach(goals) => {
                for goal in *goals {
                    let (address, port) = (goal.address.ip, goal.address.port);
                    self.note(&format!("grant {:?} [{address}]:{port}", goal.protocol));
                }
            }
            Permit::File(opening) => self.note(&format!("grant {:?}", opening.what)),
        }
        Ok(())
    }

    fn revoke(&self, _: Thread) {
        self.note("revoke");
    }

    fn tell(&self, told: &Decided) {
        let errno = told.errno.map_or("-".into(), |errno| format!("{errno:?}"));
        let (op, object, rule, reason) = (told.op, &told.object, &told.rule, &told.reason);
        self.note(&format!("tell {op} {object} {errno} {rule} {reason}"));
    }

    fn may_have_written(&self, _: Duration) -> bool {
        false
    }
}
