//! One connection of a client: frames in, judgements out.
//!
//! What is no message ends the connection, and with it whatever was asked on it. Every ask gets one answer, also one that
//! is cancelled, comes in excess or takes too long: a client never has to guess what an ask without answer means.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::Reader;
use super::server::{Judge, Limits, Ruling};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::frames::MAX_ASK;
use crate::message::*;
use crate::text::Label;

/// One connection, from the hello to its end.
pub(super) async fn converse<J: Judge>(stream: UnixStream, judge: Arc<J>, limits: Limits) {
    let known = stream
        .peer_cred()
        .is_ok_and(|peer| limits.clients.knows(peer.uid()));
    if !known {
        return;
    }
    let (reading, mut writing) = stream.into_split();
    let mut reader = Reader::new(reading, MAX_ASK);
    let Ok(Ok(())) = timeout(limits.patience, greeted(&mut reader)).await else {
        return;
    };
    let hello = ServiceHello {
        version: VERSION,
        jury: judge.jury(),
        max_inflight: limits.inflight,
        features: vec![Label::new(CANCEL).expect("a name")],
    };
    let Ok(hello) = FromService::Hello(hello).encode() else {
        return;
    };
    if writing.write_all(&hello).await.is_err() {
        return;
    }
    let (answers, queue) = mpsc::channel(usize::from(limits.inflight) + AT_ONCE);
    let write = tokio::spawn(write(queue, writing)).abort_handle();
    let _ended_with_us = AbortOnDrop(write);
    Conversation::new(judge, answers, limits)
        .run(&mut reader)
        .await;
}

/// The client speaks our version.
async fn greeted(reader: &mut Reader<OwnedReadHalf>) -> Result<()> {
    let content = reader.next().await?.ok_or(Error::Ended(None))?;
    match ToService::decode(&content)? {
        ToService::Hello(hello) if hello.versions.contains(&VERSION) => Ok(()),
        ToService::Hello(hello) => Err(Error::Version {
            version: hello.versions[0],
        }),
        ToService::Ask(_) | ToService::Cancel(_) => Err(Error::NoHello),
    }
}

async fn write(mut queue: mpsc::Receiver<Vec<u8>>, mut writing: OwnedWriteHalf) {
    while let Some(frame) = queue.recv().await {
        if writing.write_all(&frame).await.is_err() {
            return;
        }
    }
}

struct Conversation<J> {
    judge: Arc<J>,
    answers: mpsc::Sender<Vec<u8>>,
    limits: Limits,
    last: Option<u64>,
    judging: Arc<Mutex<HashMap<u64, (Digest, AbortHandle)>>>,
}

impl<J: Judge> Conversation<J> {
    fn new(judge: Arc<J>, answers: mpsc::Sender<Vec<u8>>, limits: Limits) -> Self {
        Self {
            judge,
            answers,
            limits,
            last: None,
            judging: Arc::default(),
        }
    }

    /// Until the client ends, or says what is no message here.
    async fn run(mut self, reader: &mut Reader<OwnedReadHalf>) {
        while let Ok(Some(content)) = patient(reader, self.limits.patience).await {
            let taken = match ToService::decode(&content) {
                Ok(ToService::Ask(ask)) => self.take(*ask).await,
                Ok(ToService::Cancel(id)) => self.cancel(id).await,
                Ok(ToService::Hello(_)) | Err(_) => return,
            };
            if taken.is_none() {
                return;
            }
        }
    }

    /// `None` ends the connection: the id was used before, or nobody reads the answers.
    async fn take(&mut self, ask: Ask) -> Option<()> {
        if self.last.is_some_and(|last| ask.id <= last) {
            return None;
        }
        self.last = Some(ask.id);
        let (id, action, jury) = (ask.id, ask.action, self.judge.jury());
        if rows(&self.judging).len() >= usize::from(self.limits.inflight) {
            return self
                .say(encoded(id, action, jury, Ruling::deny("overload"), None))
                .await;
        }
        // the answer's place is kept from now on: a client that asks and does not read is not listened to
        let place = self.answers.clone().reserve_owned().await.ok()?;
        let (judge, judging) = (self.judge.clone(), self.judging.clone());
        // the row is there before the judging can end
        let mut rows_now = rows(&self.judging);
        let task = tokio::spawn(async move {
            let begun = Instant::now();
            let patience = Duration::from_millis(ask.deadline_ms.into());
            let ruling = timeout(patience, judge.judge(&ask)).await;
            let ruling = ruling.unwrap_or_else(|_| Ruling::deny("timeout"));
            let frame = encoded(id, action, jury, ruling, Some(begun.elapsed()));
            // whoever takes the row out answers, so that there is one answer
            if rows(&judging).remove(&id).is_some() {
                place.send(frame);
            }
        });
        rows_now.insert(id, (action, task.abort_handle()));
        Some(())
    }

    async fn cancel(&mut self, id: u64) -> Option<()> {
        let Some((action, task)) = rows(&self.judging).remove(&id) else {
            return Some(()); // answered already
        };
        task.abort();
        let jury = self.judge.jury();
        self.say(encoded(id, action, jury, Ruling::deny("cancelled"), None))
            .await
    }

    async fn say(&self, frame: Vec<u8>) -> Option<()> {
        self.answers.send(frame).await.ok()
    }
}

impl<J> Drop for Conversation<J> {
    fn drop(&mut self) {
        for (_, (_, task)) in rows(&self.judging).drain() {
            task.abort();
        }
    }
}

/// A client may be silent between frames, but not within one.
async fn patient(
    reader: &mut Reader<OwnedReadHalf>,
    patience: Duration,
) -> Result<Option<Vec<u8>>> {
    if !reader.frames.is_amid() {
        reader
            .stream
            .readable()
            .await
            .map_err(|error| Error::Ended(Some(error)))?;
    }
    timeout(patience, reader.next())
        .await
        .unwrap_or(Err(Error::Ended(None)))
}

type Judging = Mutex<HashMap<u64, (Digest, AbortHandle)>>;

fn rows(judging: &Judging) -> MutexGuard<'_, HashMap<u64, (Digest, AbortHandle)>> {
    judging.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer that is too long for a frame becomes a denial without its reasons.
fn encoded(
    id: u64,
    action: Digest,
    jury: Digest,
    ruling: Ruling,
    took: Option<Duration>,
) -> Vec<u8> {
    let answer = |ruling: Ruling| {
        FromService::Answer(Answer {
            id,
            verdict: ruling.verdict,
            action,
            jury,
            code: ruling.code,
            cache: ruling.cache,
            jurors: ruling.jurors,
            why: ruling.why,
            us: took.and_then(|took| u64::try_from(took.as_micros()).ok()),
        })
    };
    answer(ruling).encode().unwrap_or_else(|_| {
        let short = answer(Ruling::deny("oversized")).encode();
        short.expect("a denial without reasons fits")
    })
}

#[derive(Debug)]
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Denials that need no judging, beside the answers that do.
const AT_ONCE: usize = 16;
