//! What holds for any bytes: run by proptest here, by a fuzzer in `fuzz/`.

use sevorix_verdict::{Frames, FromService, MAX_ANSWER, MAX_ASK, ToService};

/// What can be read from a client is written so that it is read as the same.
pub fn to_service(content: &[u8]) {
    if let Ok(message) = ToService::decode(content)
        && let Ok(frame) = message.encode()
    {
        assert_eq!(
            ToService::decode(&frame[4..]).expect("we wrote it"),
            message
        );
    }
}

/// What can be read from a service is written so that it is read as the same.
pub fn from_service(content: &[u8]) {
    if let Ok(message) = FromService::decode(content)
        && let Ok(frame) = message.encode()
    {
        assert_eq!(
            FromService::decode(&frame[4..]).expect("we wrote it"),
            message
        );
    }
}

/// However a stream is cut into pieces, the frames are the same. The first byte says how it is cut.
pub fn frames(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else {
        return;
    };
    for limit in [MAX_ANSWER, MAX_ASK] {
        let whole = contents(limit, [stream]);
        let pieces = contents(limit, stream.chunks(usize::from(*cut).max(1)));
        assert_eq!(whole, pieces);
        let total: usize = whole.0.iter().map(Vec::len).sum();
        assert!(total <= stream.len(), "no frame out of nothing");
    }
}

/// The contents, and whether the stream is one of frames to its end.
fn contents<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, bool) {
    let mut frames = Frames::new(limit);
    let mut found = Vec::new();
    for piece in pieces {
        frames.push(piece);
        loop {
            match frames.take() {
                Ok(Some(content)) => found.push(content),
                Ok(None) => break,
                Err(_) => return (found, false),
            }
        }
    }
    (found, true)
}
