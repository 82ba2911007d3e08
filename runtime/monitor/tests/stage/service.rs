//! A verdict service that does what the command line says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use sevorix_verdict::{
    Ask, Cache, Code, Decided, Digest, Judge, JurorVote, Limits, Question, Ruling, Trust, bind,
    serve,
};
use tokio::sync::oneshot;

pub struct Service {
    asked: Arc<Mutex<HashMap<String, usize>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    pub fn start(socket: &Path) -> Self {
        let asked = Arc::default();
        let words = Words(Arc::clone(&asked));
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let socket = socket.to_owned();
        let thread = std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder
                .enable_io()
                .enable_time()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = bind(&socket).expect("bound");
                ready.send(()).expect("told");
                let limits = Limits {
                    clients: Trust {
                        user: Some(nix::unistd::geteuid().as_raw()),
                    },
                    ..Limits::default()
                };
                // the runtime takes it and its connections along when it ends
                tokio::spawn(serve(listener, Arc::new(words), limits));
                let _ = stopped.await;
            });
        });
        is_ready.recv().expect("it listens");
        Self {
            asked,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn asked(&self, word: &str) -> usize {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(word).copied().unwrap_or(0)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// One word of the question decides.
struct Words(Arc<Mutex<HashMap<String, usize>>>);

impl Judge for Words {
    fn jury(&self) -> Digest {
        Digest::of("test", b"words")
    }

    async fn judge(&self, ask: &Ask) -> Ruling {
        let word = word_of(&ask.question);
        {
            let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *asked.entry(word.clone()).or_default() += 1;
        }
        let again = Cache {
            ttl_ms: 60_000,
            uses: 100,
        };
        let (verdict, cache) = match word.as_str() {
            "allow" | "port-1" | "port-4" => (Decided::Allow, None),
            "allow-again" => (Decided::Allow, Some(again)),
            "never" | "port-3" => std::future::pending().await,
            _ => (Decided::Deny, None),
        };
        Ruling {
            verdict,
            code: Code::new("by-the-word").expect("a code"),
            cache,
            jurors: Vec::<JurorVote>::new(),
            why: None,
        }
    }
}

/// The last argument, the destination's port, or what a file's name begins with.
fn word_of(question: &Question) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    if let Some(net) = &question.facts.net {
        return format!("port-{}", net.port);
    }
    if let Some(word) = question.tainted.argv.last() {
        return text(word.judged().as_ref());
    }
    let path = question.tainted.path.as_ref().expect("a path");
    let path = text(path.judged().as_ref());
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split('.').next().unwrap_or_default().into()
}
