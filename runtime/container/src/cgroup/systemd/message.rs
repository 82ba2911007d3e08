//! D-Bus messages, as far as talking to systemd's manager takes them.
//!
//! A full client (zbus) comes with an asynchronous runtime and threads, which a process about to fork can't have, and
//! libcgroups keeps its own to itself. Five calls need one direction of a dozen types and the other of three.

use super::BusError;
use super::wire::{Property, Reader, Writer, length};

pub(super) const METHOD_CALL: u8 = 1;
pub(super) const METHOD_RETURN: u8 = 2;
pub(super) const ERROR: u8 = 3;
pub(super) const SIGNAL: u8 = 4;

/// The fixed part of a message, up to and including the length of its header fields.
pub(super) const PREAMBLE: usize = 16;

/// The arguments of a call.
#[derive(Debug, Default)]
pub(super) struct Body {
    signature: String,
    bytes: Writer,
}

impl Body {
    pub fn text(mut self, text: &str) -> Self {
        self.signature.push('s');
        self.bytes.text(text);
        self
    }

    pub fn number(mut self, number: u32) -> Self {
        self.signature.push('u');
        self.bytes.u32(number);
        self
    }

    pub fn flag(mut self, flag: bool) -> Self {
        self.signature.push('b');
        self.bytes.u32(flag.into());
        self
    }

    pub fn properties(mut self, properties: &[Property]) -> Self {
        self.signature.push_str("a(sv)");
        self.bytes.array(8, |bytes| {
            for (name, value) in properties {
                bytes.align(8);
                bytes.text(name);
                bytes.variant(value);
            }
        });
        self
    }

    /// StartTransientUnit's further units: none.
    pub fn no_auxiliary_units(mut self) -> Self {
        self.signature.push_str("a(sa(sv))");
        self.bytes.array(8, |_| {});
        self
    }
}

/// A method call, ready to be sent.
pub(super) fn call(serial: u32, target: &Target, member: &str, body: &Body) -> Vec<u8> {
    let mut message = Writer::default();
    message.0.extend([b'l', METHOD_CALL, 0, 1]);
    message.u32(length(body.bytes.0.len()));
    message.u32(serial);
    message.array(8, |fields| {
        let mut field = |code: u8, kind: &str, text: &str| {
            fields.align(8);
            fields.0.push(code);
            fields.signature(kind);
            if kind == "g" {
                fields.signature(text)
            } else {
                fields.text(text)
            }
        };
        field(1, "o", target.path);
        field(2, "s", target.interface);
        field(3, "s", member);
        field(6, "s", target.destination);
        if !body.signature.is_empty() {
            field(8, "g", &body.signature);
        }
    });
    message.align(8);
    message.0.extend(&body.bytes.0);
    message.0
}

#[derive(Debug)]
pub(super) struct Target {
    pub destination: &'static str,
    pub path: &'static str,
    pub interface: &'static str,
}

/// A received message.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub kind: u8,
    pub reply_to: Option<u32>,
    pub member: String,
    pub error: String,
    body: Vec<u8>,
}

impl Message {
    /// How much follows the preamble.
    pub fn rest(preamble: &[u8; PREAMBLE]) -> Result<usize, BusError> {
        if preamble[0] != b'l' {
            return Err(BusError::Protocol("big-endian message"));
        }
        let word = |at: usize| {
            Reader {
                bytes: preamble,
                at,
            }
            .u32()
        };
        let (body, fields) = (word(4)?, word(12)?);
        if body.max(fields) > 1 << 24 {
            return Err(BusError::Protocol("oversized message"));
        }
        Ok((fields as usize).next_multiple_of(8) + body as usize)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, BusError> {
        let mut reader = Reader { bytes, at: 12 };
        let mut message = Self {
            kind: bytes[1],
            ..Self::default()
        };
        let end = reader.u32()? as usize + PREAMBLE;
        while reader.at < end {
            reader.align(8);
            let code = reader.byte()?;
            let kind = reader.signature()?;
            match (code, kind) {
                (5, "u") => message.reply_to = Some(reader.u32()?),
                (3, "s") => message.member = reader.text()?.into(),
                (4, "s") => message.error = reader.text()?.into(),
                (_, "s" | "o") => drop(reader.text()?),
                (_, "g") => drop(reader.signature()?),
                (_, "u") => drop(reader.u32()?),
                _ => return Err(BusError::Protocol("unknown header field")),
            }
        }
        reader.align(8);
        message.body = bytes.get(reader.at..).unwrap_or_default().to_vec();
        Ok(message)
    }

    /// The first argument, when it is a string or an object path.
    pub fn text(&self) -> Result<&str, BusError> {
        Reader {
            bytes: &self.body,
            at: 0,
        }
        .text()
    }

    /// The job and its result, of the signal JobRemoved(id, job, unit, result).
    pub fn removed_job(&self) -> Result<(&str, &str), BusError> {
        let mut reader = Reader {
            bytes: &self.body,
            at: 0,
        };
        reader.u32()?;
        let job = reader.text()?;
        reader.text()?;
        Ok((job, reader.text()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Value;
    use super::*;

    const TARGET: Target = Target {
        destination: "a.b",
        path: "/c",
        interface: "d.e",
    };

    /// Written by hand from the D-Bus specification.
    #[test]
    fn a_call_is_laid_out_as_specified() {
        let bytes = call(7, &TARGET, "Stop", &Body::default().text("unit"));
        let expected: &[&[u8]] = &[
            b"l\x01\x00\x01\x09\x00\x00\x00\x07\x00\x00\x00\x47\x00\x00\x00",
            b"\x01\x01o\x00\x02\x00\x00\x00/c\x00\x00\x00\x00\x00\x00",
            b"\x02\x01s\x00\x03\x00\x00\x00d.e\x00\x00\x00\x00\x00",
            b"\x03\x01s\x00\x04\x00\x00\x00Stop\x00\x00\x00\x00",
            b"\x06\x01s\x00\x03\x00\x00\x00a.b\x00\x00\x00\x00\x00",
            b"\x08\x01g\x00\x01s\x00\x00",
            b"\x04\x00\x00\x00unit\x00",
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn properties_are_padded_to_eight() {
        let body =
            Body::default().properties(&[("P", Value::Number(5)), ("Q", Value::Pids(vec![1, 2]))]);
        let expected: &[&[u8]] = &[
            b"\x30\x00\x00\x00\x00\x00\x00\x00",
            b"\x01\x00\x00\x00P\x00\x01t\x00\x00\x00\x00\x00\x00\x00\x00",
            b"\x05\x00\x00\x00\x00\x00\x00\x00",
            b"\x01\x00\x00\x00Q\x00\x02au\x00\x00\x00",
            b"\x08\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00",
        ];
        assert_eq!(body.bytes.0, expected.concat());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = call(7, &TARGET, "JobRemoved", &Body::default().text("/job"));
        let preamble = bytes[..PREAMBLE].try_into().unwrap();
        assert_eq!(Message::rest(&preamble).unwrap() + PREAMBLE, bytes.len());
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(
            (message.kind, message.member.as_str()),
            (METHOD_CALL, "JobRemoved")
        );
        assert_eq!(message.text().unwrap(), "/job");
    }

    #[test]
    fn a_cut_message_is_an_error() {
        let bytes = call(7, &TARGET, "JobRemoved", &Body::default().text("/job"));
        for end in PREAMBLE..bytes.len() {
            let parsed = Message::parse(&bytes[..end]);
            assert!(
                parsed
                    .and_then(|message| message.text().map(String::from))
                    .is_err(),
                "cut at {end}"
            );
        }
    }
}
