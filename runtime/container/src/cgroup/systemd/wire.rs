//! D-Bus values as bytes: every value is aligned to its size, from the message's start.

use super::BusError;

/// What properties of units are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cgroup) enum Value {
    Bool(bool),
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    Pids(Vec<u32>),
    Pairs(Vec<(String, String)>),
}

pub(in crate::cgroup) type Property = (&'static str, Value);

#[derive(Debug, Default, Clone)]
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    pub fn u32(&mut self, number: u32) {
        self.align(4);
        self.0.extend(number.to_le_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.u32(length(text.len()));
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    pub fn signature(&mut self, signature: &str) {
        self.0
            .push(u8::try_from(signature.len()).expect("signatures are written above"));
        self.0.extend(signature.as_bytes());
        self.0.push(0);
    }

    /// Its length counts from the first element, without the padding before that.
    pub fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        self.u32(0);
        let counted = self.0.len();
        self.align(alignment);
        let start = self.0.len();
        elements(self);
        let size = length(self.0.len() - start);
        self.0[counted - 4..counted].copy_from_slice(&size.to_le_bytes());
    }

    pub fn variant(&mut self, value: &Value) {
        match value {
            Value::Bool(flag) => {
                self.signature("b");
                self.u32((*flag).into());
            }
            Value::Number(number) => {
                self.signature("t");
                self.align(8);
                self.0.extend(number.to_le_bytes());
            }
            Value::Text(text) => {
                self.signature("s");
                self.text(text);
            }
            Value::Bytes(bytes) => {
                self.signature("ay");
                self.array(1, |writer| writer.0.extend(bytes));
            }
            Value::Pids(pids) => {
                self.signature("au");
                self.array(4, |writer| pids.iter().for_each(|pid| writer.u32(*pid)));
            }
            Value::Pairs(pairs) => {
                self.signature("a(ss)");
                self.array(8, |writer| {
                    for (first, second) in pairs {
                        writer.align(8);
                        writer.text(first);
                        writer.text(second);
                    }
                });
            }
        }
    }
}

/// D-Bus allows 128 MiB a message; ours have a few hundred bytes.
pub(super) fn length(length: usize) -> u32 {
    u32::try_from(length).expect("messages are short")
}

pub(super) struct Reader<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Reader<'a> {
    pub fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], BusError> {
        let taken = self
            .at
            .checked_add(count)
            .and_then(|end| self.bytes.get(self.at..end));
        self.at += count;
        taken.ok_or(BusError::Protocol("message too short"))
    }

    pub fn byte(&mut self) -> Result<u8, BusError> {
        Ok(self.take(1)?[0])
    }

    pub fn u32(&mut self) -> Result<u32, BusError> {
        self.align(4);
        let bytes = self
            .take(4)?
            .try_into()
            .map_err(|_| BusError::Protocol("message too short"))?;
        Ok(u32::from_le_bytes(bytes))
    }

    pub fn text(&mut self) -> Result<&'a str, BusError> {
        let length = self.u32()? as usize;
        self.terminated(length)
    }

    pub fn signature(&mut self) -> Result<&'a str, BusError> {
        let length = self.byte()?.into();
        self.terminated(length)
    }

    fn terminated(&mut self, length: usize) -> Result<&'a str, BusError> {
        let text = self.take(length)?;
        self.byte()?;
        std::str::from_utf8(text).map_err(|_| BusError::Protocol("text is not UTF-8"))
    }
}
