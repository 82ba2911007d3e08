//! The cases, in the order in which they are told.

use super::Bench;
use super::talk::{Heard, Seen, Talk, ask, ask_about, encoded, framed};
use crate::frames::MAX_ASK;
use crate::message::{CANCEL, ToService};
use crate::words::Op;

type Case = fn(&Bench<'_>) -> Seen;

pub(super) const ALL: &[(&str, Case)] = &[
    ("hello is answered with hello", |bench| {
        Talk::greeted(bench).map(drop)
    }),
    ("an ask is answered", an_ask),
    ("answers name their ask, however large its id", large_ids),
    ("a frame may come in pieces", pieces),
    ("two frames may come at once", two_at_once),
    ("every kind of action is answered", every_op),
    ("arguments may be no text", no_text),
    ("an ask may have 64 KiB", large_ask),
    ("an ask for more jurors is answered", more_jurors),
    ("each ask is answered once", once_each),
    ("asks in excess are answered, too", excess),
    ("a cancelled ask is answered once", cancelled),
    ("a cancel of nothing changes nothing", cancel_of_nothing),
    ("an unknown version ends the connection", |bench| {
        instead_of_hello(
            bench,
            br#"{"hello":{"proto":"sevorix.verdict","versions":[65535],"boot":"x"}}"#,
        )
    }),
    ("another protocol ends the connection", |bench| {
        instead_of_hello(
            bench,
            br#"{"hello":{"proto":"other.verdict","versions":[1],"boot":"x"}}"#,
        )
    }),
    ("an ask before hello ends the connection", ask_before_hello),
    ("a second hello ends the connection", |bench| {
        hostile(
            bench,
            &framed(br#"{"hello":{"proto":"sevorix.verdict","versions":[1],"boot":"x"}}"#),
        )
    }),
    ("a length of zero ends the connection", |bench| {
        hostile(bench, &[0; 4])
    }),
    ("a length above 64 KiB ends the connection", above_the_limit),
    ("what is no JSON ends the connection", |bench| {
        hostile(bench, &framed(b"allow"))
    }),
    ("what is no object ends the connection", |bench| {
        hostile(bench, &framed(b"[1]"))
    }),
    ("what is not UTF-8 ends the connection", |bench| {
        hostile(bench, &framed(b"{\"cancel\":1,\"\xff\":1}"))
    }),
    ("an unknown field ends the connection", |bench| {
        spoiled(bench, r#"{"id":"#, r#"{"sure":true,"id":"#)
    }),
    ("an unknown field further in ends the connection", |bench| {
        spoiled(bench, r#""facts":{"#, r#""facts":{"sure":true,"#)
    }),
    ("a missing field ends the connection", |bench| {
        spoiled(bench, r#""risk":"low","#, "")
    }),
    ("an unknown word ends the connection", |bench| {
        spoiled(bench, r#""op":"exec""#, r#""op":"fly""#)
    }),
    ("a key given twice ends the connection", |bench| {
        spoiled(bench, r#"{"id":"#, r#"{"risk":"low","id":"#)
    }),
    (
        "a key given twice further in ends the connection",
        |bench| spoiled(bench, r#""facts":{"#, r#""facts":{"gate":"lock","#),
    ),
    ("an id that was used ends the connection", used_id),
    ("a client that leaves amid a frame does no harm", leaves),
    ("it still answers after all that", an_ask),
];

fn an_ask(bench: &Bench<'_>) -> Seen {
    answered(bench, &ask(1))
}

/// Asked and answered on a connection of its own.
fn answered(bench: &Bench<'_>, ask: &crate::message::Ask) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    talk.put(ask)?;
    talk.answer(ask).map(drop)
}

/// Numbers above 2^53 are where readers of JSON begin to round.
fn large_ids(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    for id in [0, 1 << 32, (1 << 53) + 1, u64::MAX - 1, u64::MAX] {
        talk.put(&ask(id))?;
        talk.answer(&ask(id))?;
    }
    Ok(())
}

fn pieces(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    for piece in encoded(&ask(1))?.chunks(7) {
        talk.send(piece)?;
    }
    talk.answer(&ask(1)).map(drop)
}

fn two_at_once(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    let asks = [ask(1), ask(2)];
    talk.send(&[encoded(&asks[0])?, encoded(&asks[1])?].concat())?;
    talk.answers(&asks)
}

fn every_op(bench: &Bench<'_>) -> Seen {
    Op::ALL.iter().try_for_each(|op| {
        let mut ask = ask(1);
        ask.question.op = *op;
        ask.action = ask.question.digest();
        answered(bench, &ask).map_err(|wrong| format!("{op}: {wrong}"))
    })
}

fn no_text(bench: &Bench<'_>) -> Seen {
    answered(bench, &ask_about(1, b"\xff\xfe\0"))
}

fn large_ask(bench: &Bench<'_>) -> Seen {
    let around = encoded(&ask_about(1, ""))?.len() - 4;
    let ask = ask_about(1, "a".repeat(MAX_ASK - around));
    answered(bench, &ask)
}

fn more_jurors(bench: &Bench<'_>) -> Seen {
    let mut more = ask(1);
    more.extra_jurors = 1;
    answered(bench, &more)
}

fn once_each(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    for id in 1..=20 {
        talk.put(&ask(id))?;
        talk.answers(&[ask(id)])?;
    }
    Ok(())
}

fn excess(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    let most = talk
        .hello
        .as_ref()
        .map_or(1, |hello| u64::from(hello.max_inflight))
        .min(MOST_AT_ONCE);
    let asks: Vec<_> = (1..=most + 8).map(ask).collect();
    for ask in &asks {
        talk.put(ask)?;
    }
    talk.answers(&asks)
}

/// It may answer before it reads the cancel; it may not answer twice, nor never.
fn cancelled(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    if !talk.hello.as_ref().is_some_and(|hello| hello.has(CANCEL)) {
        return Ok(());
    }
    talk.send(&[encoded(&ask(1))?, cancel(1)?, encoded(&ask(2))?].concat())?;
    talk.answers(&[ask(1), ask(2)])?;
    talk.put(&ask(3))?;
    talk.answers(&[ask(3)])
}

fn cancel_of_nothing(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    talk.send(&cancel(99)?)?;
    talk.put(&ask(100))?;
    talk.answer(&ask(100)).map(drop)
}

fn cancel(id: u64) -> Seen<Vec<u8>> {
    ToService::Cancel(id)
        .encode()
        .map_err(|error| error.to_string())
}

fn instead_of_hello(bench: &Bench<'_>, content: &[u8]) -> Seen {
    let mut talk = Talk::silent(bench)?;
    talk.send(&framed(content))?;
    talk.ends()
}

fn ask_before_hello(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::silent(bench)?;
    talk.put(&ask(1))?;
    talk.ends()
}

/// Sends it after a proper hello; the connection has to end without an answer.
fn hostile(bench: &Bench<'_>, bytes: &[u8]) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    talk.send(bytes)?;
    talk.ends()
}

fn above_the_limit(bench: &Bench<'_>) -> Seen {
    let length = u32::try_from(MAX_ASK + 1).unwrap_or(u32::MAX);
    hostile(bench, &length.to_be_bytes())
}

/// An ask with one thing changed.
fn spoiled(bench: &Bench<'_>, from: &str, to: &str) -> Seen {
    let whole = encoded(&ask(1))?;
    let content = String::from_utf8_lossy(&whole[4..]).replacen(from, to, 1);
    hostile(bench, &framed(content.as_bytes()))
}

fn used_id(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    talk.put(&ask(5))?;
    talk.answer(&ask(5))?;
    talk.put(&ask(5))?;
    talk.ends()
}

fn leaves(bench: &Bench<'_>) -> Seen {
    let mut talk = Talk::greeted(bench)?;
    talk.put(&ask(1))?;
    match talk.hear()? {
        Heard::Message(_) => {}
        Heard::End => return Err("it ended the connection instead of answering".into()),
    }
    talk.send(&encoded(&ask(2))?[..20])?;
    drop(talk);
    an_ask(bench)
}

/// What a service promises beyond this is not tried out.
const MOST_AT_ONCE: u64 = 100;
