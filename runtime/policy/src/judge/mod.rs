//! The reference decision: what a policy says of one action, and why.
//!
//! The kernel programs are the fast copy of it. Where the two could disagree, this one is right, and
//! tests compare them: here with the compiled image, in the test bed with the kernel.

mod act;
mod decide;
mod judgement;
mod movement;
mod voices;
mod weigh;

pub use act::{Act, Destination, Local};
pub use decide::judge;
pub use judgement::{Beaten, Judgement, Reason, Refusal};

pub(crate) use voices::{Point, Touch, net_of};
pub(crate) use weigh::{Joined, Weighed, join, stricter, weigh};
