//! The hash of a place, as the programs compute it (`hash.h`).

use super::skeleton::types;

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const LITERAL: u32 = 1;
const EXTENSION: u32 = 2;

/// Of one boot: nobody who does not read the kernel's memory can look for collisions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hasher {
    pub secret: u64,
}

impl Hasher {
    pub fn root(self) -> u64 {
        mix(self.secret, 1)
    }

    pub fn child(self, parent: u64, component: &[u8]) -> u64 {
        mix(parent ^ self.secret, hash_name(component, LITERAL))
    }

    /// The key of a name rule.
    pub fn literal(self, name: &[u8]) -> u64 {
        mix(self.secret, hash_name(name, LITERAL))
    }

    pub fn extension(self, extension: &[u8]) -> u64 {
        mix(self.secret, hash_name(extension, EXTENSION))
    }
}

fn mix(state: u64, word: u64) -> u64 {
    let state = (state ^ word).wrapping_mul(FACTOR);
    state ^ (state >> 32)
}

fn hash_name(name: &[u8], kind: u32) -> u64 {
    let start = name.len() as u64 + (u64::from(kind) << 32);
    words(name).fold(start, mix)
}

fn words(name: &[u8]) -> impl Iterator<Item = u64> {
    name.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_ne_bytes(word)
    })
}

pub(super) fn literal_name(name: &[u8]) -> types::name {
    named(name, LITERAL)
}

pub(super) fn extension_name(name: &[u8]) -> types::name {
    named(name, EXTENSION)
}

/// Longer than a component can be: no object has it, and it is cut so that it never compares equal.
fn named(name: &[u8], kind: u32) -> types::name {
    let mut all = types::name {
        kind,
        length: u32::try_from(name.len()).unwrap_or(u32::MAX),
        ..Default::default()
    };
    for (place, word) in all.words.iter_mut().zip(words(name)) {
        *place = word;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_the_length_and_the_secret_count() {
        let hasher = Hasher { secret: 7 };
        let other = Hasher { secret: 8 };
        let all = [
            hasher.literal(b"pem"),
            hasher.extension(b"pem"),
            hasher.literal(b"pem\0"),
            other.literal(b"pem"),
            hasher.child(hasher.root(), b"pem"),
            hasher.child(hasher.child(hasher.root(), b"pem"), b"pem"),
            hasher.root(),
        ];
        let different: std::collections::BTreeSet<u64> = all.into_iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn a_name_is_filled_up_with_zeros() {
        let name = literal_name(b"123456789");
        assert_eq!(name.words[0], u64::from_ne_bytes(*b"12345678"));
        assert_eq!(name.words[1], u64::from_ne_bytes(*b"9\0\0\0\0\0\0\0"));
        assert_eq!((name.length, name.words[2]), (9, 0));
    }
}
