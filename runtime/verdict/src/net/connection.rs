//! One connection to a service: many asks in flight, answers in any order.
//!
//! A service owes each ask exactly one answer. An answer to what nobody waits for any more is late and changes nothing;
//! an answer to what was never asked, or was answered already, ends the connection, because who says such things can't
//! be believed about the rest.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::Reader;
use crate::error::{Error, Result};
use crate::frames::MAX_ANSWER;
use crate::message::*;
use crate::text::Label;
use crate::trust::Trust;
use crate::words::Reason;

#[derive(Debug)]
pub struct Connection {
    pub hello: ServiceHello,
    table: Arc<Table>,
    slots: Arc<Semaphore>,
    tasks: [AbortHandle; 2],
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    pub reason: Reason,
    /// The service may have seen the ask. What it never saw may be asked again elsewhere.
    pub sent: bool,
}

type Reply = Result<Answer, Reason>;

#[derive(Debug)]
struct Table {
    rows: Mutex<Rows>,
    slots: Arc<Semaphore>,
    capacity: usize,
    cancels: bool,
}

#[derive(Debug)]
struct Rows {
    last: u64,
    waiting: HashMap<u64, Row>,
    frames: mpsc::UnboundedSender<Vec<u8>>,
    closed: Option<Reason>,
}

/// An ask that the service owes an answer; nobody waits for it when there is no sender.
#[derive(Debug)]
struct Row {
    sender: Option<oneshot::Sender<Reply>>,
    _slot: OwnedSemaphorePermit,
}

impl Connection {
    /// Connects and says hello. `wire` is how many asks we want in flight.
    pub async fn open(path: &Path, trust: Trust, boot: Label, wire: usize) -> Result<Self> {
        trust.check(path)?;
        let stream = UnixStream::connect(path)
            .await
            .map_err(|source| Error::Socket {
                action: "connect to",
                path: path.into(),
                source,
            })?;
        trust.check_peer(path, &stream)?;
        let (reading, mut writing) = stream.into_split();
        let greeting = ToService::Hello(ClientHello::new(boot)).encode()?;
        writing
            .write_all(&greeting)
            .await
            .map_err(|error| Error::Ended(Some(error)))?;
        let mut reader = Reader::new(reading, MAX_ANSWER);
        let hello = hello(&mut reader).await?;
        Ok(Self::start(hello, reader, writing, wire))
    }

    fn start(
        hello: ServiceHello,
        reader: Reader<OwnedReadHalf>,
        writing: OwnedWriteHalf,
        wire: usize,
    ) -> Self {
        let capacity = wire.min(hello.max_inflight.into());
        let slots = Arc::new(Semaphore::new(capacity));
        let (frames, queue) = mpsc::unbounded_channel();
        let table = Arc::new(Table {
            rows: Mutex::new(Rows {
                last: 0,
                waiting: HashMap::new(),
                frames,
                closed: None,
            }),
            slots: slots.clone(),
            capacity,
            cancels: hello.has(CANCEL),
        });
        let read = tokio::spawn(read(table.clone(), reader)).abort_handle();
        let write = tokio::spawn(write(table.clone(), queue, writing)).abort_handle();
        Self {
            hello,
            table,
            slots,
            tasks: [read, write],
        }
    }

    pub fn is_closed(&self) -> bool {
        self.table.rows().closed.is_some()
    }

    /// Puts one question. Dropping it tells the service that the answer is not needed any more.
    pub async fn ask(
        &self,
        question: &Question,
        extra_jurors: u8,
        deadline: Instant,
    ) -> Result<(Ask, Answer), Loss> {
        let unsent = |reason| Loss {
            reason,
            sent: false,
        };
        let slot = match timeout_at(deadline, self.slots.clone().acquire_owned()).await {
            Ok(Ok(slot)) => slot,
            Ok(Err(_closed)) => return Err(unsent(Reason::Disconnected)),
            Err(_late) => {
                return Err(Loss {
                    reason: Reason::Timeout,
                    sent: true,
                });
            }
        };
        let ask = Ask {
            id: 0,
            deadline_ms: until(deadline),
            action: question.digest(),
            extra_jurors,
            question: question.clone(),
        };
        let (ask, answer) = self.table.enter(ask, slot)?;
        let _given_up = GiveUp {
            table: &self.table,
            id: ask.id,
        };
        let reply = match timeout_at(deadline, answer).await {
            Ok(reply) => reply.unwrap_or(Err(Reason::Disconnected)),
            Err(_late) => Err(Reason::Timeout),
        };
        match reply {
            Ok(answer) => Ok((ask, answer)),
            Err(reason) => Err(Loss { reason, sent: true }),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// The service's first frame.
async fn hello(reader: &mut Reader<OwnedReadHalf>) -> Result<ServiceHello> {
    let content = reader.next().await?.ok_or(Error::Ended(None))?;
    match FromService::decode(&content)? {
        FromService::Hello(hello) if hello.version == VERSION => Ok(hello),
        FromService::Hello(hello) => Err(Error::Version {
            version: hello.version,
        }),
        FromService::Answer(_) => Err(Error::NoHello),
    }
}

async fn read(table: Arc<Table>, mut reader: Reader<OwnedReadHalf>) {
    loop {
        let reason = match reader.next().await.and_then(|content| {
            content
                .map(|content| FromService::decode(&content))
                .transpose()
        }) {
            Ok(Some(FromService::Answer(answer))) => match table.deliver(answer) {
                Ok(()) => continue,
                Err(reason) => reason,
            },
            Ok(Some(FromService::Hello(_))) => Reason::Malformed,
            Ok(None) => Reason::Disconnected,
            Err(error) => error.reason(),
        };
        return table.close(reason);
    }
}

async fn write(
    table: Arc<Table>,
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    mut writing: OwnedWriteHalf,
) {
    while let Some(frame) = queue.recv().await {
        if writing.write_all(&frame).await.is_err() {
            return table.close(Reason::Disconnected);
        }
    }
}

impl Table {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        // a panic elsewhere leaves rows that are whole
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the ask its id and sends it, both under one lock: ids increase on the wire.
    fn enter(
        &self,
        mut ask: Ask,
        slot: OwnedSemaphorePermit,
    ) -> Result<(Ask, oneshot::Receiver<Reply>), Loss> {
        let unsent = |reason| Loss {
            reason,
            sent: false,
        };
        let mut rows = self.rows();
        if rows.closed.is_some() {
            return Err(unsent(Reason::Disconnected));
        }
        ask.id = rows.last + 1;
        let message = ToService::Ask(Box::new(ask));
        // an ask that is too long is too long for every service
        let frame = message.encode().map_err(|error| Loss {
            reason: error.reason(),
            sent: true,
        })?;
        let ToService::Ask(ask) = message else {
            return Err(unsent(Reason::Malformed));
        };
        rows.frames
            .send(frame)
            .map_err(|_| unsent(Reason::Disconnected))?;
        rows.last = ask.id;
        let (sender, answer) = oneshot::channel();
        rows.waiting.insert(
            ask.id,
            Row {
                sender: Some(sender),
                _slot: slot,
            },
        );
        Ok((*ask, answer))
    }

    fn deliver(&self, answer: Answer) -> Result<(), Reason> {
        let row = self
            .rows()
            .waiting
            .remove(&answer.id)
            .ok_or(Reason::UnknownId)?;
        if let Some(sender) = row.sender {
            // nobody waits: the answer is late, which is a denial already
            let _ = sender.send(Ok(answer));
        }
        Ok(())
    }

    fn give_up(&self, id: u64) {
        let mut rows = self.rows();
        let Some(row) = rows.waiting.get_mut(&id) else {
            return;
        };
        row.sender = None;
        if self.cancels
            && let Ok(cancel) = ToService::Cancel(id).encode()
        {
            // a connection that is closed has forgotten the ask anyway
            let _ = rows.frames.send(cancel);
        }
        let owed = rows
            .waiting
            .values()
            .filter(|row| row.sender.is_none())
            .count();
        drop(rows);
        // it owes as much as it may, and gives nothing: a new connection is the only way on
        if owed >= self.capacity {
            self.close(Reason::Timeout);
        }
    }

    /// Whoever waits is denied with `reason`.
    fn close(&self, reason: Reason) {
        let mut rows = self.rows();
        rows.closed.get_or_insert(reason);
        self.slots.close();
        for (_, row) in rows.waiting.drain() {
            if let Some(sender) = row.sender {
                let _ = sender.send(Err(reason));
            }
        }
    }
}

/// Whoever stops waiting, for whatever reason, says so.
struct GiveUp<'a> {
    table: &'a Table,
    id: u64,
}

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        self.table.give_up(self.id);
    }
}

/// What is left, in whole milliseconds that the service can use up.
fn until(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = left.clamp(
        Duration::from_millis(1),
        Duration::from_millis(MAX_DEADLINE_MS.into()),
    );
    u32::try_from(left.as_millis()).unwrap_or(MAX_DEADLINE_MS)
}
