//! Which answers a service owes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::connection::Loss;
use crate::message::*;
use crate::words::Reason;

pub(super) type Reply = Result<Answer, Reason>;

/// The asks of one connection.
#[derive(Debug)]
pub(super) struct Table {
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

impl Table {
    pub(super) fn new(
        slots: Arc<Semaphore>,
        capacity: usize,
        cancels: bool,
        frames: mpsc::UnboundedSender<Vec<u8>>,
    ) -> Self {
        Self {
            rows: Mutex::new(Rows {
                last: 0,
                waiting: HashMap::new(),
                frames,
                closed: None,
            }),
            slots,
            capacity,
            cancels,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.rows().closed.is_some()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // a panic elsewhere leaves rows that are whole
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the ask its id and sends it, both under one lock: ids increase on the wire.
    pub(super) fn enter(
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

    pub(super) fn deliver(&self, answer: Answer) -> Result<(), Reason> {
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
    pub(super) fn close(&self, reason: Reason) {
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
pub(super) struct GiveUp<'a> {
    pub(super) table: &'a Table,
    pub(super) id: u64,
}

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        self.table.give_up(self.id);
    }
}
