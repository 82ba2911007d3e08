//! Unary gRPC calls over a UNIX socket.
//!
//! A call is one HTTP/2 stream: the request is a message behind five bytes of framing, the reply is the same, and the
//! outcome is in the trailers. That is all of gRPC that CRI's unary calls use.

use std::path::Path;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use tokio::net::UnixStream;

use crate::error::{Code, Error, Result};

/// A request message, which method takes it, and what that method answers.
pub trait Call: prost::Message {
    const METHOD: &'static str;
    type Reply: prost::Message + Default;
}

#[derive(Debug)]
pub struct Client {
    server_pid: Option<i32>,
    requests: SendRequest<Bytes>,
    call_timeout: Duration,
}

impl Client {
    pub async fn connect(socket: &Path, call_timeout: Duration) -> Result<Self> {
        let refused = |source| Error::Connect {
            socket: socket.to_owned(),
            source,
        };
        let stream = UnixStream::connect(socket).await.map_err(refused)?;
        let server_pid = stream.peer_cred().map_err(refused)?.pid();
        let (requests, connection) =
            h2::client::handshake(stream)
                .await
                .map_err(|source| Error::Transport {
                    method: "handshake",
                    source,
                })?;
        // Its failure is seen, with the reason, by every call that is under way.
        tokio::spawn(connection);
        Ok(Self {
            server_pid,
            requests,
            call_timeout,
        })
    }

    /// The process that listens on the socket; unknown from inside another PID namespace.
    pub fn server_pid(&self) -> Option<i32> {
        self.server_pid
    }

    pub async fn call<C: Call>(&self, request: C) -> Result<C::Reply> {
        let exchange = self.exchange(C::METHOD, frame(&request));
        let reply = tokio::time::timeout(self.call_timeout, exchange)
            .await
            .map_err(|_| Error::Deadline {
                method: C::METHOD,
                seconds: self.call_timeout.as_secs(),
            })??;
        unframe(&reply).map_err(|reason| Error::Reply {
            method: C::METHOD,
            reason,
        })
    }

    async fn exchange(&self, method: &'static str, message: Bytes) -> Result<Vec<u8>> {
        let broken = |source| Error::Transport { method, source };
        let mut requests = self.requests.clone().ready().await.map_err(broken)?;
        let (response, mut upload) = requests.send_request(head(method), false).map_err(broken)?;
        upload.send_data(message, true).map_err(broken)?;

        let (head, mut body) = response.await.map_err(broken)?.into_parts();
        if head.status != StatusCode::OK {
            let reason = format!("HTTP status {}", head.status);
            return Err(Error::Reply { method, reason });
        }
        let mut reply = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk.map_err(broken)?;
            body.flow_control()
                .release_capacity(chunk.len())
                .map_err(broken)?;
            reply.extend_from_slice(&chunk);
        }
        // A call that fails at once has its status in the only headers there are.
        let trailers = body.trailers().await.map_err(broken)?;
        outcome(method, trailers.as_ref().unwrap_or(&head.headers))?;
        Ok(reply)
    }
}

fn head(method: &str) -> Request<()> {
    Request::builder()
        .method(Method::POST)
        .version(Version::HTTP_2)
        .uri(format!(
            "http://localhost/runtime.v1.RuntimeService/{method}"
        ))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .expect("method names are plain letters")
}

fn outcome(method: &'static str, trailers: &HeaderMap) -> Result<()> {
    let text = |name| trailers.get(name).and_then(|value| value.to_str().ok());
    match text("grpc-status").and_then(|status| status.parse().ok()) {
        Some(0) => Ok(()),
        Some(code) => Err(Error::Refused {
            method,
            code: Code(code),
            message: percent_decoded(text("grpc-message").unwrap_or_default()),
        }),
        None => Err(Error::Reply {
            method,
            reason: "it has no gRPC status".to_owned(),
        }),
    }
}

/// gRPC sends messages as printable ASCII, all else as %XX.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// One byte that says "not compressed", four bytes of length, the message.
fn frame(message: &impl prost::Message) -> Bytes {
    let length = message.encoded_len();
    let mut framed = BytesMut::with_capacity(FRAME_HEAD + length);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(length).expect("a request is far below 4 GiB"));
    message
        .encode(&mut framed)
        .expect("the buffer grows as needed");
    framed.freeze()
}

fn unframe<M: prost::Message + Default>(framed: &[u8]) -> Result<M, String> {
    let (head, message) = framed
        .split_first_chunk::<FRAME_HEAD>()
        .ok_or_else(|| format!("{} bytes are no message", framed.len()))?;
    let [compressed, length @ ..] = *head;
    if compressed != 0 {
        return Err("it is compressed, which was not asked for".to_owned());
    }
    let length = u32::from_be_bytes(length);
    if usize::try_from(length) != Ok(message.len()) {
        return Err(format!(
            "{} bytes came, {length} were announced",
            message.len()
        ));
    }
    M::decode(message).map_err(|error| error.to_string())
}

const FRAME_HEAD: usize = 5;

#[cfg(test)]
mod tests;
