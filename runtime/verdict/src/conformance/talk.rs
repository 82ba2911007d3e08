//! One connection to the service under test, with nothing between us and the bytes.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::Bench;
use crate::frames::{Frames, MAX_ANSWER};
use crate::message::*;
use crate::tainted::Tainted;
use crate::text::Label;

pub(super) type Seen<T = ()> = Result<T, String>;

pub(super) struct Talk {
    stream: UnixStream,
    frames: Frames,
    patience: Duration,
    pub(super) hello: Option<ServiceHello>,
}

/// What came from the service.
pub(super) enum Heard {
    Message(FromService),
    End,
}

/// A question of nobody's, under this id.
pub(super) fn ask(id: u64) -> Ask {
    let question = Question::canary();
    Ask {
        id,
        deadline_ms: 2_000,
        action: question.digest(),
        extra_jurors: 0,
        question,
    }
}

/// The same with an argument in its place.
pub(super) fn ask_about(id: u64, argument: impl Into<Vec<u8>>) -> Ask {
    let mut ask = ask(id);
    ask.question.tainted.argv = vec![Tainted::from_bytes(argument)];
    ask.action = ask.question.digest();
    ask
}

/// As a frame.
pub(super) fn encoded(ask: &Ask) -> Seen<Vec<u8>> {
    let message = ToService::Ask(Box::new(ask.clone()));
    message.encode().map_err(|error| error.to_string())
}

/// Any content as a frame.
pub(super) fn framed(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), content].concat()
}

impl Talk {
    pub(super) fn silent(bench: &Bench<'_>) -> Seen<Self> {
        let failed = |error: std::io::Error| format!("the connection was refused: {error}");
        let stream = UnixStream::connect(bench.socket).map_err(failed)?;
        stream
            .set_read_timeout(Some(bench.patience))
            .map_err(failed)?;
        stream
            .set_write_timeout(Some(bench.patience))
            .map_err(failed)?;
        Ok(Self {
            stream,
            frames: Frames::new(MAX_ANSWER),
            patience: bench.patience,
            hello: None,
        })
    }

    /// After both hellos.
    pub(super) fn greeted(bench: &Bench<'_>) -> Seen<Self> {
        let mut talk = Self::silent(bench)?;
        let boot = Label::new("conformance").map_err(|error| error.to_string())?;
        let hello = ToService::Hello(ClientHello::new(boot)).encode();
        talk.send(&hello.map_err(|error| error.to_string())?)?;
        match talk.hear()? {
            Heard::Message(FromService::Hello(hello)) if hello.version == VERSION => {
                talk.hello = Some(hello)
            }
            Heard::Message(FromService::Hello(hello)) => {
                return Err(format!(
                    "it speaks version {}, which was not offered",
                    hello.version
                ));
            }
            Heard::Message(FromService::Answer(_)) => {
                return Err("it answered before its hello".into());
            }
            Heard::End => return Err("it ended the connection instead of saying hello".into()),
        }
        Ok(talk)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Seen {
        let written = self.stream.write_all(bytes);
        written.map_err(|error| format!("it does not read what is sent: {error}"))
    }

    pub(super) fn put(&mut self, ask: &Ask) -> Seen {
        self.send(&encoded(ask)?)
    }

    pub(super) fn hear(&mut self) -> Seen<Heard> {
        let begun = Instant::now();
        let mut piece = [0; 4096];
        loop {
            if let Some(content) = self.frames.take().map_err(|error| error.to_string())? {
                let message = FromService::decode(&content).map_err(|error| error.to_string())?;
                return Ok(Heard::Message(message));
            }
            if begun.elapsed() > self.patience {
                return Err(self.impatience());
            }
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(Heard::End),
                Ok(count) => self.frames.push(&piece[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Heard::End),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(self.impatience()),
            }
        }
    }

    fn impatience(&self) -> String {
        format!("it said nothing for {} ms", self.patience.as_millis())
    }

    /// Any answer, by whatever jury said hello.
    fn any_answer(&mut self) -> Seen<Answer> {
        let answer = match self.hear()? {
            Heard::Message(FromService::Answer(answer)) => answer,
            Heard::Message(FromService::Hello(_)) => return Err("it said hello twice".into()),
            Heard::End => return Err("it ended the connection instead of answering".into()),
        };
        match &self.hello {
            Some(hello) if hello.jury != answer.jury => {
                Err("the answer names another jury than the hello".into())
            }
            _ => Ok(answer),
        }
    }

    /// The answer to the only ask.
    pub(super) fn answer(&mut self, ask: &Ask) -> Seen<Answer> {
        let answer = self.any_answer()?;
        match () {
            () if answer.id != ask.id => {
                Err(format!("ask {} got an answer to {}", ask.id, answer.id))
            }
            () if answer.action != ask.action => {
                Err("the answer names another action than the ask".into())
            }
            () => Ok(answer),
        }
    }

    /// One answer to each, in any order.
    pub(super) fn answers(&mut self, asks: &[Ask]) -> Seen {
        let mut owed: Vec<&Ask> = asks.iter().collect();
        while !owed.is_empty() {
            let answer = self.any_answer()?;
            let Some(place) = owed.iter().position(|ask| ask.id == answer.id) else {
                return Err(format!(
                    "an answer to {}, which was answered or never asked",
                    answer.id
                ));
            };
            if owed.swap_remove(place).action != answer.action {
                return Err("the answer names another action than the ask".into());
            }
        }
        Ok(())
    }

    /// Nothing more is said, and the connection ends.
    pub(super) fn ends(&mut self) -> Seen {
        match self.hear() {
            Ok(Heard::End) => Ok(()),
            Ok(Heard::Message(_)) => Err("it answered instead of ending the connection".into()),
            Err(_) => Err("it did not end the connection".into()),
        }
    }
}
