//! The name of an image: equal content, equal name, on every machine.

use sha2::{Digest, Sha256};

use super::{Answer, Answers, Image};
use crate::model::{Action, NamePattern};
use crate::values::Protocol;

impl Image {
    /// As short as the kernel's tables have it.
    pub fn policy_id(&self) -> u64 {
        policy_id_of(&self.digest())
    }

    /// SHA-256 over every field, each list and each string with its length before it. Without instructions for it a
    /// processor takes some 25 for each byte, and every start of a container waits for it: so the bytes are few.
    pub fn digest(&self) -> [u8; 32] {
        let mut writer = Writer(Sha256::new());
        writer.bytes(b"sevorix policy image 3");
        self.write(&mut writer);
        writer.0.finalize().into()
    }

    fn write(&self, writer: &mut Writer) {
        writer.list(&self.rules, |writer, rule| {
            writer.bytes(rule.as_str().as_bytes())
        });
        let mut previous: &[Box<[u8]>] = &[];
        writer.list(&self.paths, |writer, node| {
            let shared = shared(previous, &node.path);
            previous = &node.path;
            writer.length(shared);
            writer.list(&node.path[shared..], |writer, component| {
                writer.bytes(component);
            });
            writer.answers(&node.own);
            writer.answers(&node.child);
            writer.answers(&node.below);
            node.words.iter().for_each(|set| writer.number(*set));
            writer.byte(node.guards.into());
        });
        writer.list(&self.names, |writer, node| {
            let (kind, text) = match &node.pattern {
                NamePattern::Literal(name) => (0, name),
                NamePattern::Extension(extension) => (1, extension),
            };
            writer.byte(kind);
            writer.bytes(text);
            writer.answers(&node.answers);
        });
        writer.list(&self.nets, |writer, node| {
            writer.bytes(&node.net.network().octets());
            writer.byte(node.net.prefix_len());
            writer.number(node.set);
        });
        writer.list(&self.port_sets, |writer, set| {
            writer.list(&set.0, |writer, ports| {
                writer.number(ports.first);
                writer.number(ports.last);
                writer.byte(match ports.protocol {
                    Protocol::Tcp => 6,
                    Protocol::Udp => 17,
                });
                writer.answer(ports.answer);
            });
        });
        writer.list(&self.word_sets, |writer, set| {
            writer.list(&set.rules, |writer, rule| {
                writer.list(&rule.globs, |writer, glob| writer.bytes(glob.as_bytes()));
                writer.answer(rule.answer);
            });
            writer.answer(set.too_long);
            writer.number(set.carried);
        });
        writer.answers(&self.defaults);
        [self.net_default, self.written, self.jit]
            .into_iter()
            .for_each(|answer| writer.answer(answer));
        writer.bytes(self.listen.as_str().as_bytes());
        writer.bytes(self.unix.as_str().as_bytes());
        writer.byte(self.audit.into());
    }
}

/// The first eight bytes of [`Image::digest`].
pub fn policy_id_of(digest: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// How many components two paths begin with alike.
fn shared(one: &[Box<[u8]>], other: &[Box<[u8]>]) -> usize {
    let pairs = one.iter().zip(other);
    pairs.take_while(|(one, other)| one == other).count()
}

struct Writer(Sha256);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.update([byte]);
    }

    fn number(&mut self, number: u16) {
        self.0.update(number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.update(bytes);
    }

    fn length(&mut self, length: usize) {
        let length = u32::try_from(length).expect("no policy has four billion of anything");
        self.0.update(length.to_be_bytes());
    }

    fn list<'a, T>(&mut self, items: &'a [T], mut write: impl FnMut(&mut Self, &'a T)) {
        self.length(items.len());
        items.iter().for_each(|item| write(self, item));
    }

    fn answers(&mut self, answers: &Answers) {
        answers
            .each()
            .into_iter()
            .for_each(|answer| self.answer(answer));
    }

    fn answer(&mut self, answer: Answer) {
        let action = match answer.action {
            Action::Allow => 0,
            Action::Ask => 1,
            Action::Deny => 2,
            Action::Kill => 3,
        };
        self.byte(action << 1 | u8::from(answer.audit));
        self.number(answer.rule);
    }
}
