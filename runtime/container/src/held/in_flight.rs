//! What a worker has received and not answered, where its holder finds it when the worker is dead.
//!
//! The kernel hands a waiting call out once; if its receiver dies, nobody is told of it again and the thread waits for
//! ever. So the kernel writes each call right into memory that both processes share: there is no moment at which a call
//! is received and not noted.

use std::cell::UnsafeCell;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;

use super::{Listener, Notice};
use crate::Result;
use crate::notify::shared_memory;

/// The table. One process at a time uses it: the worker, and after its death the holder.
#[derive(Debug, Clone, Copy)]
pub struct InFlight(&'static [Slot; SLOTS]);

/// Received calls at a time: more than a router holds, so that it can say no to those beyond.
const SLOTS: usize = 512;

#[repr(C)]
struct Slot {
    /// The listener's number, plus one; 0: the slot is free.
    listener: AtomicU32,
    notice: UnsafeCell<libc::seccomp_notif>,
}

// SAFETY: `notice` is touched only by the one process that uses the table, which has one thread (`fork` sees to it).
unsafe impl Sync for Slot {}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Slot").field(&self.listener).finish()
    }
}

/// A call that was received, and its place in the table.
#[derive(Debug)]
pub struct Received {
    pub notice: Notice,
    slot: usize,
}

impl InFlight {
    /// Shared with every child that is forked from now on.
    pub fn map() -> Result<Self> {
        let memory = shared_memory(size_of::<[Slot; SLOTS]>())?;
        // SAFETY: zeroed memory of this size is a table of free slots, page-aligned and never unmapped.
        Ok(Self(unsafe { memory.cast().as_ref() }))
    }

    /// `None`: who waited has been killed meanwhile, or there is no free slot (`has_room`).
    pub fn receive(&self, number: u32, listener: &Listener) -> nix::Result<Option<Received>> {
        let is_free = |slot: &Slot| slot.listener.load(Ordering::Relaxed) == 0;
        let Some(place) = self.0.iter().position(is_free) else {
            return Ok(None);
        };
        let slot = &self.0[place];
        let notif = slot.notice.get();
        // SAFETY: the slot is free, so nobody else looks at it; zero is a value of the type, and the kernel insists on it.
        unsafe { notif.write_bytes(0, 1) };
        slot.listener.store(number + 1, Ordering::Release);
        // SAFETY: the kernel writes one notification to where there is room for one.
        let result =
            unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, notif) };
        match Errno::result(result) {
            Ok(_) => {
                // SAFETY: nobody but us has the slot.
                let notice = Notice::from(unsafe { &*notif });
                Ok(Some(Received {
                    notice,
                    slot: place,
                }))
            }
            Err(errno) => {
                slot.listener.store(0, Ordering::Release);
                match errno {
                    Errno::ENOENT | Errno::EINTR => Ok(None),
                    errno => Err(errno),
                }
            }
        }
    }

    pub fn has_room(&self) -> bool {
        let is_free = |slot: &Slot| slot.listener.load(Ordering::Relaxed) == 0;
        self.0.iter().any(is_free)
    }

    /// It has been answered.
    pub fn done(&self, received: &Received) {
        self.0[received.slot].listener.store(0, Ordering::Release);
    }

    /// For the holder, when the worker is dead: takes out what that left, each with its listener's number.
    pub fn take_abandoned(&self) -> Vec<(u32, Notice)> {
        let taken = self.0.iter().filter_map(|slot| {
            let number = slot.listener.swap(0, Ordering::Acquire).checked_sub(1)?;
            // SAFETY: who wrote it is dead.
            let notice = Notice::from(unsafe { &*slot.notice.get() });
            // it died before the kernel gave it anything
            (notice.tid != 0).then_some((number, notice))
        });
        taken.collect()
    }
}
