//! From the verb to the two processes.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::rc::Rc;

use nix::unistd::dup2_stdout;
use sevorix_container::Runtime;
use sevorix_container::held::InFlight;
use sevorix_container::monitor::{READY, Watched, become_daemon, enter_cgroup};
use sevorix_verdict::{Digest, Endpoint, Label, Router, Settings, Trust};

use crate::error::Context;
use crate::kernel::Kernel;
use crate::{About, Holder, Result, Worker, operators};

/// The verb `monitor`: goes on as a daemon, says on its standard output that it is ready or why it is not, and returns
/// when the container's last process is gone.
pub fn run(runtime: &Runtime, id: &str) -> Result<()> {
    become_daemon()?;
    let prepared = prepare(runtime, id);
    let told = match &prepared {
        Ok(_) => READY.to_owned(),
        Err(error) => error.to_string().replace('\n', " "),
    };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{told}").and_then(|()| out.flush());
    drop(out);
    let null = std::fs::File::open("/dev/null").on("open", Path::new("/dev/null"))?;
    dup2_stdout(null.as_fd()).on("close", Path::new("/dev/stdout"))?;
    prepared?.run()
}

fn prepare(runtime: &Runtime, id: &str) -> Result<Holder<impl Fn(InFlight, OwnedFd) -> i32>> {
    let watched = Watched::load(runtime, id)?;
    enter_cgroup(&watched.state)?;
    let creator = watched.state.creator.open();
    let creator = creator.on("watch the process of", Path::new("create"))?;
    let socket = watched.listen()?;
    let watched = Rc::new(watched);
    Holder::new(socket, creator, move |in_flight, channel| {
        let about = About {
            container: label(&watched.state.id),
            policy: Digest::new(watched.digest),
        };
        let endpoint = Endpoint::new(&watched.verdict_socket, Trust::default(), boot());
        let (policy, watched) = (watched.policy.clone(), watched.clone());
        let operators = watched.listen_to_operators();
        work(channel, operators.ok(), move || {
            let router = Router::new(Settings::from(&policy.verdict), endpoint);
            let kernel = Box::new(Kernel::new(watched));
            Worker::new(policy, about, router, kernel, in_flight)
        })
    })
}

/// Runs a worker until the holder ends it; gives the exit status.
pub fn work(
    channel: OwnedFd,
    operators: Option<UnixListener>,
    worker: impl FnOnce() -> Worker,
) -> i32 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build();
    let ended = runtime.and_then(|runtime| {
        let local = tokio::task::LocalSet::new();
        runtime.block_on(local.run_until(async {
            let worker = Rc::new(worker());
            // without it nobody hears of what waits for a person: silence, which denies
            if let Some(operators) = operators {
                let operators = tokio::net::UnixListener::from_std(operators)?;
                tokio::task::spawn_local(operators::serve(operators, worker.desk.clone()));
            }
            worker.run(channel).await
        }))
    });
    i32::from(ended.is_err())
}

/// An id may be longer than a label; its beginning tells it well enough from others.
fn label(id: &str) -> Label {
    let start = id.get(..id.len().min(128)).unwrap_or_default();
    Label::new(start).expect("the letters of an id are those of labels")
}

/// Tells one run of the machine from the next.
fn boot() -> Label {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Label::new(text.trim()).unwrap_or_else(|_| label("unknown"))
}
