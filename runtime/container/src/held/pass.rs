//! Descriptors on their way from one process to another.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

/// Passes a descriptor on, with a number that it goes by. Never waits.
pub fn pass(channel: &impl AsFd, number: u32, descriptor: &impl AsFd) -> nix::Result<()> {
    let rights = [descriptor.as_fd().as_raw_fd()];
    let number = number.to_ne_bytes();
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    sendmsg::<()>(
        channel.as_fd().as_raw_fd(),
        &[IoSlice::new(&number)],
        &[ControlMessage::ScmRights(&rights)],
        flags,
        None,
    )
    .map(drop)
}

/// The next message's first four bytes and its descriptor. `None`: the other side has ended. Never waits: `EAGAIN`.
pub fn receive(channel: &impl AsFd) -> nix::Result<Option<(u32, OwnedFd)>> {
    let mut number = [0; 4];
    let mut parts = [IoSliceMut::new(&mut number)];
    let mut space = nix::cmsg_space!([i32; 1]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let channel = channel.as_fd().as_raw_fd();
    let message = recvmsg::<()>(channel, &mut parts, Some(&mut space), flags)?;
    if message.bytes == 0 {
        return Ok(None);
    }
    let descriptor = message.cmsgs()?.find_map(|item| match item {
        ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
        _ => None,
    });
    let descriptor = descriptor.ok_or(Errno::EBADMSG)?;
    // SAFETY: the kernel has just put it into our table; nobody else knows it.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
    Ok(Some((u32::from_ne_bytes(number), descriptor)))
}
