//! The protocol by which a held action is put to a verdict service, and the router that puts it.
//!
//! A policy that can't decide says `ask`. The action waits, and a service on a host UNIX socket answers. Anything but a
//! well-formed `allow` to this very question within its deadline is a denial; [`Reason`] says which. Services are other
//! people's programs, so the protocol has a page (docs/verdict-protocol.md), a schema beside it, and a conformance test.
#![forbid(unsafe_code)]

mod base64;
pub mod conformance;
#[cfg(feature = "net")]
mod desk;
mod digest;
mod error;
mod frames;
mod message;
#[cfg(feature = "net")]
mod net;
#[cfg(feature = "net")]
mod router;
mod strict;
mod tainted;
mod text;
mod trust;
mod words;

#[cfg(feature = "net")]
pub use desk::{Desk, Said, Waiting};
pub use digest::{Digest, NoDigest, Sha256Digits};
pub use error::{Error, Result};
pub use frames::{Frames, MAX_ANSWER, MAX_ASK, frame};
pub use message::*;
#[cfg(feature = "net")]
pub use net::{Endpoint, Given, Judge, Limits, Ruling, bind, serve};
#[cfg(feature = "net")]
pub use router::{By, Decision, Router, Settings, Verdict};
pub use tainted::{Bytes, Tainted};
pub use text::{Code, Label, WrongText};
pub use trust::Trust;
pub use words::*;
