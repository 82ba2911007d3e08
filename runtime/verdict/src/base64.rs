//! Base64 with padding, for bytes that are no text. Each sequence of bytes has one way to be written.

pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() {
                '='
            } else {
                letter.into()
            });
        }
    }
    text
}

/// `None` for anything that [`encode`] does not write.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (quads, rest) = text.as_bytes().as_chunks::<4>();
    let mut bytes = Vec::with_capacity(quads.len() * 3);
    for quad in quads {
        let padding = quad
            .iter()
            .rev()
            .take_while(|letter| **letter == b'=')
            .count();
        let mut word = 0;
        for letter in &quad[..4 - padding] {
            word = word << 6 | value(*letter)?;
        }
        word <<= 6 * padding;
        let [_, first, second, third] = word.to_be_bytes();
        bytes.extend(&[first, second, third][..3_usize.checked_sub(padding)?]);
    }
    // padding before the end and bits beyond it are other ways to write the same
    (rest.is_empty() && encode(&bytes) == text).then_some(bytes)
}

fn value(letter: u8) -> Option<u32> {
    let place = ALPHABET.iter().position(|known| *known == letter)?;
    u32::try_from(place).ok()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_texts() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"\xff", "/w=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
    }

    #[test]
    fn another_way_to_write_it_is_refused() {
        for wrong in [
            "/x==", "/w=", "/w", "Zm8=Zm8=", "====", "=w==", "Zm 9", "Zm9v\n", "é===", "Zg==Zg==",
        ] {
            assert_eq!(decode(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        #[test]
        fn what_is_read_is_written_so(text in "[A-Za-b/+=]{0,12}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
