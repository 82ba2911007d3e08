//! The reference decision: what a policy says of one action, and why.

mod voices;
mod weigh;

pub(crate) use voices::{Point, Touch, net_of};
pub(crate) use weigh::{Joined, Weighed, join};
