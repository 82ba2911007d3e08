//! Services on loopback sockets, good and bad, and a clock that stands still.
#![allow(dead_code)] // each test takes what it needs

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sevorix_verdict::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;

/// What a service does with the asks it gets, after a proper hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Allow,
    /// For a minute, twice.
    AllowCached,
    Deny,
    /// Allows only what needs no juror more than usual.
    AllowUsualQuorum,
    /// Says hello and no more.
    Silent,
    /// Takes the connection and says nothing.
    BlackHole,
    HangsUp,
    OtherAction,
    OtherId,
    OtherJury,
    Twice,
    Garbage,
    ZeroLength,
    TooLong,
    UnknownField,
    DuplicateKey,
    OtherVersion,
    AnswersFirst,
    SecondHello,
}

pub struct Service {
    pub path: PathBuf,
    manner: Arc<Mutex<Manner>>,
    seen: Arc<AtomicUsize>,
    asks: Arc<Mutex<Vec<Ask>>>,
    cancels: Arc<AtomicUsize>,
    task: AbortHandle,
    _folder: tempfile::TempDir,
}

impl Service {
    pub fn new(manner: Manner) -> Self {
        let folder = tempfile::tempdir().expect("tempdir");
        let path = folder.path().join("slm.sock");
        let listener = UnixListener::bind(&path).expect("bound");
        let (manner, asks) = (Arc::new(Mutex::new(manner)), Arc::default());
        let (seen, cancels) = (Arc::default(), Arc::default());
        let talk = Talk {
            manner: Arc::clone(&manner),
            seen: Arc::clone(&seen),
            asks: Arc::clone(&asks),
            cancels: Arc::clone(&cancels),
        };
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("accepted");
                tokio::spawn(talk.clone().with(stream));
            }
        });
        Self {
            path,
            manner,
            seen,
            asks,
            cancels,
            task: task.abort_handle(),
            _folder: folder,
        }
    }

    pub fn behave(&self, manner: Manner) {
        *self.manner.lock().expect("no panic") = manner;
    }

    /// How many asks and hellos have come.
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    pub fn asks(&self) -> Vec<Ask> {
        self.asks.lock().expect("no panic").clone()
    }

    pub fn cancels(&self) -> usize {
        self.cancels.load(Ordering::SeqCst)
    }

    /// Nobody listens any more; connections go on.
    pub fn stop_listening(&self) {
        self.task.abort();
    }

    pub fn endpoint(&self) -> Endpoint {
        endpoint(&self.path)
    }
}

/// Trusts the user who runs the tests.
pub fn endpoint(path: &std::path::Path) -> Endpoint {
    let own = tempfile::tempfile().expect("a file of ours");
    let user = own.metadata().expect("metadata").uid();
    Endpoint::new(
        path,
        Trust { user: Some(user) },
        Label::new("boot").expect("a name"),
    )
}

#[derive(Clone)]
struct Talk {
    manner: Arc<Mutex<Manner>>,
    seen: Arc<AtomicUsize>,
    asks: Arc<Mutex<Vec<Ask>>>,
    cancels: Arc<AtomicUsize>,
}

impl Talk {
    fn manner(&self) -> Manner {
        *self.manner.lock().expect("no panic")
    }

    async fn with(self, mut stream: UnixStream) {
        let mut frames = Frames::new(MAX_ASK);
        let mut piece = [0; 4096];
        loop {
            while let Some(content) = frames.take().expect("our client frames well") {
                let message = ToService::decode(&content).expect("our client speaks well");
                self.note(&message);
                for bytes in self.reply(message) {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                if self.manner() == Manner::HangsUp {
                    return;
                }
            }
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(count) => frames.push(&piece[..count]),
            }
        }
    }

    fn note(&self, message: &ToService) {
        match message {
            ToService::Ask(ask) => self.asks.lock().expect("no panic").push((**ask).clone()),
            ToService::Cancel(_) => drop(self.cancels.fetch_add(1, Ordering::SeqCst)),
            ToService::Hello(_) => {}
        }
        self.seen.fetch_add(1, Ordering::SeqCst);
    }

    fn reply(&self, message: ToService) -> Vec<Vec<u8>> {
        let manner = self.manner();
        match (message, manner) {
            (_, Manner::BlackHole) => vec![],
            (ToService::Hello(_), Manner::AnswersFirst) => vec![text(b"{\"cancel\":1}")],
            (ToService::Hello(_), Manner::OtherVersion) => vec![hello(2)],
            (ToService::Hello(_), _) => vec![hello(VERSION)],
            (ToService::Cancel(_), _) | (_, Manner::Silent | Manner::HangsUp) => vec![],
            (ToService::Ask(ask), _) => answers(*ask, manner),
        }
    }
}

fn hello(version: u16) -> Vec<u8> {
    let hello = ServiceHello {
        version,
        jury: jury(),
        max_inflight: 64,
        features: vec![Label::new(CANCEL).expect("a name")],
    };
    FromService::Hello(hello).encode().expect("short")
}

pub fn jury() -> Digest {
    Digest::of("test", b"the only jury")
}

fn answers(ask: Ask, manner: Manner) -> Vec<Vec<u8>> {
    let usual = ask.extra_jurors == 0;
    let allow = Answer {
        id: ask.id,
        verdict: Decided::Allow,
        action: ask.action,
        jury: jury(),
        code: Code::new("test").expect("a code"),
        cache: None,
        jurors: Vec::new(),
        why: None,
        us: None,
    };
    let deny = || Answer {
        verdict: Decided::Deny,
        ..allow.clone()
    };
    let other = Digest::of("test", b"another");
    let one = |answer| vec![FromService::Answer(answer).encode().expect("short")];
    let spoiled = |from: &str, to: &str| {
        let frame = FromService::Answer(allow.clone()).encode().expect("short");
        let content = String::from_utf8(frame[4..].to_vec()).expect("JSON");
        assert!(content.contains(from));
        vec![text(content.replacen(from, to, 1).as_bytes())]
    };
    match manner {
        Manner::Allow => one(allow),
        Manner::AllowCached => one(Answer {
            cache: Some(Cache {
                ttl_ms: 60_000,
                uses: 2,
            }),
            ..allow
        }),
        Manner::AllowUsualQuorum if usual => one(allow),
        Manner::Deny | Manner::AllowUsualQuorum => one(deny()),
        Manner::OtherAction => one(Answer {
            action: other,
            ..allow
        }),
        Manner::OtherId => one(Answer {
            id: ask.id + 1,
            ..allow
        }),
        Manner::OtherJury => one(Answer {
            jury: other,
            ..allow
        }),
        Manner::Twice => [one(deny()), one(allow)].concat(),
        Manner::Garbage => vec![text(b"allow")],
        Manner::ZeroLength => vec![vec![0; 4]],
        Manner::TooLong => vec![
            u32::try_from(MAX_ANSWER + 1)
                .expect("short")
                .to_be_bytes()
                .to_vec(),
        ],
        Manner::UnknownField => spoiled(r#""code""#, r#""sure":true,"code""#),
        Manner::DuplicateKey => spoiled(r#""code""#, r#""verdict":"allow","code""#),
        Manner::SecondHello => vec![hello(VERSION)],
        Manner::Silent
        | Manner::BlackHole
        | Manner::HangsUp
        | Manner::OtherVersion
        | Manner::AnswersFirst => vec![],
    }
}

/// Any content as a frame.
fn text(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("short");
    [&length.to_be_bytes(), content].concat()
}

/// A question about `name`; other names make other questions.
pub fn question(name: &str) -> Question {
    let label = |text: &str| Label::new(text).expect("a name");
    Question {
        op: Op::Exec,
        rule: label("exec.rules[1]"),
        risk: Risk::Low,
        policy: Digest::of("test", b"policy"),
        facts: Facts {
            hook: label("bprm_check_security"),
            container: label("3ad7"),
            uid: 1000,
            exe: None,
            fds: Default::default(),
            ancestors: Vec::new(),
            net: None,
            taint: Vec::new(),
            gate: Gate::Open,
            writable_exe: false,
        },
        tainted: TaintedFacts {
            argv: vec![Tainted::from_bytes(name)],
            argv_total: 1,
            ..TaintedFacts::default()
        },
        intent: None,
        history: Vec::new(),
    }
}

/// Runs a test while the clock moves only by `tokio::time::advance`.
///
/// A paused clock jumps whenever the runtime is idle, and a runtime that waits for sockets looks idle to it; a blocking
/// task that runs keeps it from that. The task ends after a minute of real time, so that a test that hangs ends, too.
pub fn on_a_still_clock(test: impl Future<Output = ()>) {
    let (keep, wait) = std::sync::mpsc::channel::<()>();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        tokio::task::spawn_blocking(move || wait.recv_timeout(Duration::from_secs(60)).is_ok());
        test.await;
        drop(keep);
    });
}

/// Lets the others run until it is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1_000_000 {
        if is_so() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("never: {what}");
}

/// A while for the others. What has not happened after it may still happen: only for what must never.
pub async fn others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
