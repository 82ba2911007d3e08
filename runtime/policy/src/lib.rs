//! What a caller asks of a container, as typed values that refuse what they do not understand.
//!
//! The annotations of a container are written by whoever may start one: a Docker user, the author
//! of a pod. This crate turns them into a [`Request`] or into an [`Error`] that names the key and
//! the next step; nothing after it reads an annotation again. The host's files say what a request
//! may get ([`Folders`], the one place that reads any); what comes of both is a [`Policy`], which
//! [`judge`] decides by and [`compile`] turns into the kernel's tables. The rest is pure: no clock,
//! no process is touched, so that every rule here can be tested as a table.
#![forbid(unsafe_code)]

mod annotations;
mod ceiling;
mod compare;
mod container_kind;
mod error;
mod file;
mod image;
mod judge;
mod keys;
mod model;
mod request;
mod shown;
mod systemd;
mod values;

pub use annotations::Annotations;
pub use ceiling::{Cut, Effective, Granted, Refused, effective};
pub use compare::{Change, Width, compare};
pub use container_kind::ContainerKind;
pub use error::Error;
pub use file::{Config, Folders, InFile, Place, Preset, Unreadable};
pub use image::{
    Answer, Answers, Automaton, Beneath, Decision, Grant, Image, NameNode, NetNode, PathNode,
    PortSet, Ports, Right, States, TooLarge, WordRule, WordSet, compile, policy_id_of,
};
pub use judge::{Act, Beaten, Destination, Judgement, Local, Reason, Refusal, judge};
pub use keys::{Asked, Key, Origin, PREFIX};
pub use model::*;
pub use request::{Host, Request};
pub use shown::Shown;
pub use systemd::SystemdProperties;
pub use values::*;
