//! Both ends of the socket.

mod connection;
mod conversation;
mod endpoint;
mod server;
mod table;

pub use endpoint::{Endpoint, Given};
pub use server::{Judge, Limits, Ruling, bind, serve};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::{Error, Result};
use crate::frames::Frames;

/// The contents of frames, as they arrive.
struct Reader<R> {
    stream: R,
    frames: Frames,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    fn new(stream: R, limit: usize) -> Self {
        Self {
            stream,
            frames: Frames::new(limit),
        }
    }

    /// `None` when the other side has ended between two frames. What was read stays when this is dropped.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut piece = [0; 4096];
        loop {
            if let Some(content) = self.frames.take()? {
                return Ok(Some(content));
            }
            match self.stream.read(&mut piece).await {
                Ok(0) if self.frames.is_amid() => return Err(Error::Ended(None)),
                Ok(0) => return Ok(None),
                Ok(count) => self.frames.push(&piece[..count]),
                Err(error) => return Err(Error::Ended(Some(error))),
            }
        }
    }
}
