//! The service's side: who judges, and who is let in.

use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::conversation::converse;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::message::*;
use crate::tainted::Tainted;
use crate::text::Code;
use crate::trust::Trust;
use crate::words::Decided;

/// Who judges.
pub trait Judge: Send + Sync + 'static {
    /// Of everything the judgements depend on.
    fn jury(&self) -> Digest;
    fn judge(&self, ask: &Ask) -> impl Future<Output = Ruling> + Send;
}

/// A judgement, before it becomes the answer to an ask.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    pub verdict: Decided,
    pub code: Code,
    pub cache: Option<Cache>,
    pub jurors: Vec<JurorVote>,
    pub why: Option<Tainted<String>>,
}

/// What a service takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connections: usize,
    /// On one connection.
    pub inflight: u16,
    /// For a hello, and for the rest of a frame that has begun.
    pub patience: Duration,
    /// Who may ask, beside root.
    pub clients: Trust,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            inflight: 64,
            patience: Duration::from_secs(5),
            clients: Trust::default(),
        }
    }
}

impl Ruling {
    /// A denial without votes.
    pub fn deny(code: &'static str) -> Self {
        Self {
            verdict: Decided::Deny,
            code: Code::new(code).expect("a code of ours"),
            cache: None,
            jurors: Vec::new(),
            why: None,
        }
    }
}

/// Listens at `path`, for its owner and group. A socket that nobody listens on any more is replaced.
pub fn bind(path: &Path) -> Result<UnixListener> {
    let failed = |action| {
        move |source| Error::Socket {
            action,
            path: path.into(),
            source,
        }
    };
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => return Err(Error::InUse { path: path.into() }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed("remove"))?;
        }
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed("listen on"))?;
    let access = std::fs::Permissions::from_mode(0o660);
    std::fs::set_permissions(path, access).map_err(failed("set the mode of"))?;
    Ok(listener)
}

/// Answers whoever connects, until it is dropped.
pub async fn serve<J: Judge>(listener: UnixListener, judge: Arc<J>, limits: Limits) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // out of descriptors, mostly: others have to end first
                tokio::time::sleep(AFTER_A_FAILURE).await;
                continue;
            }
        };
        let judge = judge.clone();
        connections.spawn(async move {
            converse(stream, judge, limits).await;
            drop(place);
        });
    }
}

const AFTER_A_FAILURE: Duration = Duration::from_millis(20);
