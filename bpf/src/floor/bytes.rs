//! The values of maps as bytes, and back.

use super::skeleton::types;

/// A type of `abi.h`.
///
/// # Safety
/// It is `repr(C)`, without padding, and any bytes make a value of it.
pub(super) unsafe trait Abi: Copy {}

// SAFETY: generated from `abi.h`, whose structs are filled up with named fields and hold integers only.
unsafe impl Abi for types::agent {}
// SAFETY: as above.
unsafe impl Abi for types::container {}
// SAFETY: as above.
unsafe impl Abi for types::counters {}
// SAFETY: as above.
unsafe impl Abi for types::event {}
// SAFETY: as above.
unsafe impl Abi for types::asked_line {}
// SAFETY: as above.
unsafe impl Abi for types::gate {}
// SAFETY: as above.
unsafe impl Abi for types::grant {}
// SAFETY: as above.
unsafe impl Abi for types::mount_key {}
// SAFETY: as above.
unsafe impl Abi for types::mount_node {}
// SAFETY: as above.
unsafe impl Abi for types::name_node {}
// SAFETY: as above.
unsafe impl Abi for types::path_node {}
// SAFETY: as above.
unsafe impl Abi for types::policy {}
// SAFETY: as above.
unsafe impl Abi for types::word_set {}
// SAFETY: as above.
unsafe impl Abi for super::Boot {}
// SAFETY: integers.
unsafe impl Abi for u32 {}
// SAFETY: integers.
unsafe impl Abi for u64 {}

pub(super) fn bytes<T: Abi>(value: &T) -> &[u8] {
    // SAFETY: the trait promises that every byte is initialised; the slice borrows the value.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// `None` for fewer bytes than the type has.
pub(super) fn value<T: Abi>(bytes: &[u8]) -> Option<T> {
    if bytes.len() < size_of::<T>() {
        return None;
    }
    // SAFETY: there are enough bytes, any of them make a value, and the read asks for no alignment.
    Some(unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) })
}
