//! One connection to a service: many asks in flight, answers in any order.
//!
//! A service owes each ask exactly one answer. An answer to what nobody waits for any more is late and changes nothing;
//! an answer to what was never asked, or was answered already, ends the connection, because who says such things can't
//! be believed about the rest.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::Reader;
use super::table::{GiveUp, Table};
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
        let cancels = hello.has(CANCEL);
        let table = Arc::new(Table::new(slots.clone(), capacity, cancels, frames));
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
        self.table.is_closed()
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

/// What is left, in whole milliseconds that the service can use up.
fn until(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = left.clamp(
        Duration::from_millis(1),
        Duration::from_millis(MAX_DEADLINE_MS.into()),
    );
    u32::try_from(left.as_millis()).unwrap_or(MAX_DEADLINE_MS)
}
