//! Deliberately wrong services: each fault is found, by the case that is about it.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sevorix_verdict::conformance::check;
use sevorix_verdict::{Error, MAX_ANSWER};

/// What is wrong with a service that takes everything for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing else.
    Lenient,
    OtherAction,
    OtherId,
    /// As readers of JSON do that know one kind of number.
    RoundedId,
    OtherJury,
    Twice,
    Silent,
    TooLong,
    UnknownField,
    IgnoresWhatIsCancelled,
    HangsUp,
    OtherVersion,
    NoHello,
}

struct Service {
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Service {
    fn with(fault: Fault) -> Self {
        let folder = tempfile::tempdir().expect("tempdir");
        let socket = folder.path().join("slm.sock");
        let listener = UnixListener::bind(&socket).expect("bound");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // whoever hangs up ends the talk
                std::thread::spawn(move || talk(stream, fault));
            }
        });
        Self {
            socket,
            _folder: folder,
        }
    }

    /// The cases that found something.
    fn wrong(&self, patience: Duration) -> Vec<&'static str> {
        let report = check(&self.socket, patience).expect("connected");
        let wrong = report.cases.iter().filter(|case| case.wrong.is_some());
        let names: Vec<_> = wrong.map(|case| case.name).collect();
        assert_eq!(report.conforms(), names.is_empty());
        names
    }
}

fn talk(mut stream: UnixStream, fault: Fault) -> std::io::Result<()> {
    loop {
        let mut header = [0; 4];
        stream.read_exact(&mut header)?;
        let mut content = vec![0; usize::try_from(u32::from_be_bytes(header)).expect("64 bits")];
        stream.read_exact(&mut content)?;
        // the last of two keys counts, as in most readers
        let message = serde_json::from_slice::<Map<String, Value>>(&content).unwrap_or_default();
        for reply in replies(&message, fault) {
            let content = reply.to_string();
            let length = u32::try_from(content.len()).expect("short");
            stream.write_all(&length.to_be_bytes())?;
            stream.write_all(content.as_bytes())?;
        }
        if fault == Fault::HangsUp && !message.contains_key("hello") {
            return Ok(());
        }
    }
}

fn replies(message: &Map<String, Value>, fault: Fault) -> Vec<Value> {
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    if message.contains_key("hello") {
        let version = if fault == Fault::OtherVersion { 2 } else { 1 };
        let hello = json!({"version": version, "jury": digest("a"), "max_inflight": 4, "features": ["cancel"]});
        return if fault == Fault::NoHello {
            vec![]
        } else {
            vec![json!({"hello": hello})]
        };
    }
    let (Some(id), Some(action)) = (message.get("id"), message.get("action")) else {
        return vec![];
    };
    let answer =
        json!({"id": id, "verdict": "deny", "action": action, "jury": digest("a"), "code": "no"});
    let with = |key: &str, value: Value| {
        let mut answer = answer.clone();
        answer[key] = value;
        vec![answer]
    };
    match fault {
        Fault::OtherAction => with("action", json!(digest("b"))),
        Fault::OtherId => with("id", json!(77)),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "that is the fault"
        )]
        Fault::RoundedId => with("id", json!(id.as_f64().unwrap_or_default() as u64)),
        Fault::OtherJury => with("jury", json!(digest("b"))),
        Fault::Twice => vec![answer.clone(), answer],
        Fault::TooLong => with("why", json!("a".repeat(MAX_ANSWER))),
        Fault::UnknownField => with("sure", json!(true)),
        Fault::Silent => vec![],
        Fault::IgnoresWhatIsCancelled if id == 1 => vec![],
        _ => vec![answer],
    }
}

#[test]
fn a_service_that_believes_anything_is_found_by_each_hostile_case() {
    let wrong = Service::with(Fault::Lenient).wrong(Duration::from_millis(250));
    for case in [
        "an unknown version ends the connection",
        "another protocol ends the connection",
        "an ask before hello ends the connection",
        "a second hello ends the connection",
        "a length of zero ends the connection",
        "a length above 64 KiB ends the connection",
        "what is no JSON ends the connection",
        "what is no object ends the connection",
        "what is not UTF-8 ends the connection",
        "an unknown field ends the connection",
        "an unknown field further in ends the connection",
        "a missing field ends the connection",
        "an unknown word ends the connection",
        "a key given twice ends the connection",
        "a key given twice further in ends the connection",
        "an id that was used ends the connection",
    ] {
        assert!(wrong.contains(&case), "{case}: {wrong:?}");
    }
}

#[test]
fn each_fault_is_found() {
    for (fault, case) in [
        (Fault::OtherAction, "an ask is answered"),
        (Fault::OtherId, "an ask is answered"),
        (
            Fault::RoundedId,
            "answers name their ask, however large its id",
        ),
        (Fault::OtherJury, "an ask is answered"),
        (Fault::Twice, "each ask is answered once"),
        (Fault::Silent, "an ask is answered"),
        (Fault::TooLong, "an ask is answered"),
        (Fault::UnknownField, "an ask is answered"),
        (
            Fault::IgnoresWhatIsCancelled,
            "a cancelled ask is answered once",
        ),
        (Fault::HangsUp, "two frames may come at once"),
        (Fault::OtherVersion, "hello is answered with hello"),
        (Fault::NoHello, "hello is answered with hello"),
    ] {
        let wrong = Service::with(fault).wrong(Duration::from_millis(100));
        assert!(wrong.contains(&case), "{fault:?}: {wrong:?}");
    }
}

#[test]
fn where_nobody_listens_nothing_can_be_told() {
    let folder = tempfile::tempdir().expect("tempdir");
    let error = check(&folder.path().join("none"), Duration::from_secs(1)).expect_err("absent");
    assert!(matches!(error, Error::Socket { .. }), "{error}");
}
