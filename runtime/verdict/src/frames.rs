//! Frames: four bytes of length, big-endian, and so many bytes of JSON.

use serde::Serialize;

use crate::error::Error;

/// The longest content a client sends.
pub const MAX_ASK: usize = 64 * 1024;
/// The longest content a service sends.
pub const MAX_ANSWER: usize = 16 * 1024;

/// A message as one frame.
pub fn frame(message: &impl Serialize, limit: usize) -> Result<Vec<u8>, Error> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, message).map_err(Error::Malformed)?;
    let length = frame.len() - HEADER;
    match u32::try_from(length) {
        Ok(header) if length <= limit => frame[..HEADER].copy_from_slice(&header.to_be_bytes()),
        _ => return Err(Error::Oversized { length, limit }),
    }
    Ok(frame)
}

/// Takes bytes as they come and gives out the contents of whole frames.
///
/// It never holds more than one frame and what was pushed last, and makes no room for a length that was only announced.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    limit: usize,
}

impl Frames {
    pub fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
        }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next content, when all of it is there. After an error there is no next one: nobody knows where it would begin.
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let Some(header) = self.bytes.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*header)).unwrap_or(usize::MAX);
        if length == 0 || length > self.limit {
            let limit = self.limit;
            return Err(Error::Oversized { length, limit });
        }
        if self.bytes.len() < HEADER + length {
            return Ok(None);
        }
        let rest = self.bytes.split_off(HEADER + length);
        let frame = std::mem::replace(&mut self.bytes, rest);
        Ok(Some(frame[HEADER..].to_vec()))
    }

    /// Whether a frame has begun and not ended.
    pub fn is_amid(&self) -> bool {
        !self.bytes.is_empty()
    }
}

const HEADER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_nothing_or_of_too_much_ends_it() {
        for length in [0_u32, 11, u32::MAX] {
            let mut frames = Frames::new(10);
            frames.push(&length.to_be_bytes());
            assert!(frames.take().is_err(), "{length}");
            frames.push(b"0123456789");
            assert!(frames.take().is_err(), "{length}");
        }
    }

    #[test]
    fn a_message_as_long_as_the_limit_is_sent_and_a_longer_one_is_not() {
        let text = |length: usize| "a".repeat(length - 2);
        let whole = frame(&text(10), 10).expect("fits");
        let mut frames = Frames::new(10);
        frames.push(&whole);
        assert_eq!(frames.take().expect("valid").as_deref(), Some(&whole[4..]));
        assert!(!frames.is_amid());
        assert!(matches!(
            frame(&text(11), 10),
            Err(Error::Oversized {
                length: 11,
                limit: 10
            })
        ));
    }
}
