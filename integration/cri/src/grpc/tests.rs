//! Framing and statuses by their bytes, calls against a server in the same process.

use std::future::{Future, pending};

use h2::server::SendResponse;
use http::Response;
use tokio::net::UnixListener;

use super::*;
use crate::messages::{StopContainerRequest, VersionRequest, VersionResponse};

#[test]
fn a_message_is_framed_by_a_flag_and_its_length() {
    let request = StopContainerRequest {
        container_id: "ab".to_owned(),
        timeout: 10,
    };
    assert_eq!(
        frame(&request)[..],
        *b"\x00\x00\x00\x00\x06\x0a\x02ab\x10\x0a"
    );
}

#[test]
fn a_framed_reply_is_read_back() {
    let reply: VersionResponse = unframe(b"\x00\x00\x00\x00\x04\x22\x02v1").unwrap();
    assert_eq!(reply.runtime_api_version, "v1");
}

#[test]
fn broken_frames_are_refused() {
    for (frame, reason) in [
        (&b"\x00\x00"[..], "2 bytes are no message"),
        (
            b"\x01\x00\x00\x00\x00",
            "it is compressed, which was not asked for",
        ),
        (
            b"\x00\x00\x00\x00\x04\x22",
            "1 bytes came, 4 were announced",
        ),
    ] {
        assert_eq!(unframe::<VersionResponse>(frame).unwrap_err(), reason);
    }
    assert!(unframe::<VersionResponse>(b"\x00\x00\x00\x00\x02\x22\x7f").is_err());
}

#[test]
fn the_status_is_read_from_the_trailers() {
    let trailers = |pairs: &[(&'static str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    value.parse::<http::HeaderValue>().unwrap(),
                )
            })
            .collect::<HeaderMap>()
    };
    assert!(outcome("Version", &trailers(&[("grpc-status", "0")])).is_ok());
    assert!(matches!(
        outcome("Version", &trailers(&[])),
        Err(Error::Reply { .. })
    ));
    let refusal = outcome(
        "StartContainer",
        &trailers(&[
            ("grpc-status", "5"),
            ("grpc-message", "no \"ab\"%0Ahere 100%"),
        ]),
    );
    assert_eq!(
        refusal.unwrap_err().to_string(),
        "StartContainer: no \"ab\"\nhere 100% (not found)"
    );
}

#[test]
fn percent_escapes_hold_utf8_and_broken_ones_stay() {
    assert_eq!(percent_decoded("caf%C3%A9"), "café");
    assert_eq!(percent_decoded("%zz %4"), "%zz %4");
}

/// Makes one call to a server that answers it with `answer`.
fn call<F>(
    answer: impl FnOnce(Request<h2::RecvStream>, SendResponse<Bytes>) -> F + 'static,
) -> Result<VersionResponse>
where
    F: Future<Output = ()> + 'static,
{
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::task::spawn_local(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let (request, respond) = connection.accept().await.unwrap().unwrap();
            tokio::task::spawn_local(answer(request, respond));
            // Only this moves the bytes of the answer.
            while connection.accept().await.is_some() {}
        });
        let client = Client::connect(&socket, Duration::from_secs(1)).await?;
        assert_eq!(client.server_pid(), i32::try_from(std::process::id()).ok());
        client.call(VersionRequest::default()).await
    })
}

fn status(code: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        http::HeaderValue::from_static(code),
    )])
}

#[test]
fn a_call_names_its_method_and_brings_the_reply() {
    let reply = call(|request, mut respond| async move {
        assert_eq!(request.uri().path(), "/runtime.v1.RuntimeService/Version");
        assert_eq!(request.headers()["content-type"], "application/grpc");
        let mut body = respond.send_response(Response::new(()), false).unwrap();
        for piece in [&b"\x00\x00\x00"[..], b"\x00\x04\x22\x02v1"] {
            body.send_data(piece.into(), false).unwrap();
        }
        body.send_trailers(status("0")).unwrap();
    });
    assert_eq!(reply.unwrap().runtime_api_version, "v1");
}

#[test]
fn a_refusal_without_a_body_is_understood() {
    let reply = call(|_, mut respond| async move {
        let mut head = Response::new(());
        *head.headers_mut() = status("12");
        respond.send_response(head, true).unwrap();
    });
    assert!(
        matches!(reply, Err(Error::Refused { code: Code(12), .. })),
        "{reply:?}"
    );
}

#[test]
fn a_reply_cut_short_is_no_reply() {
    let reply = call(|_, mut respond| async move {
        let mut body = respond.send_response(Response::new(()), false).unwrap();
        body.send_data(b"\x00\x00\x00\x00\x04\x22\x02v1"[..].into(), true)
            .unwrap();
    });
    assert!(matches!(reply, Err(Error::Reply { .. })), "{reply:?}");
}

#[test]
fn a_silent_server_is_not_waited_for_without_end() {
    let reply = call(|request, respond| async move {
        let _not_dropped_which_would_reset_the_stream = (request, respond);
        pending().await
    });
    assert!(
        matches!(reply, Err(Error::Deadline { seconds: 1, .. })),
        "{reply:?}"
    );
}
