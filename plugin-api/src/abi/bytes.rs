//! Bytes that cross without being copied.
//!
//! The side that made them frees them: the release function travels along.

use abi_stable::StableAbi;
use bytes::Bytes;
use std::ptr;

/// Shared, immutable bytes with the function that frees them.
#[repr(C)]
#[derive(StableAbi)]
pub struct FfiBytes {
    start: *const u8,
    length: usize,
    owner: *mut u8,
    release: extern "C" fn(*mut u8),
}

// SAFETY: the bytes are immutable, and the owner is a `Bytes`, which is Send and Sync; `release`
// only drops it.
unsafe impl Send for FfiBytes {}
// SAFETY: as above; no method writes.
unsafe impl Sync for FfiBytes {}

extern "C" fn release_bytes(owner: *mut u8) {
    if !owner.is_null() {
        // SAFETY: `owner` is what `Box::into_raw` gave in `From<Bytes>`, of this library, and
        // only `Drop` or `Into<Bytes>` hand it here, once. Dropping a `Bytes` may run a foreign
        // owner's drop, which is `FfiBytes::drop`: no vendor code, so nothing here panics.
        drop(unsafe { Box::from_raw(owner.cast::<Bytes>()) });
    }
}

impl FfiBytes {
    /// No bytes, no allocation.
    pub const fn empty() -> Self {
        Self { start: ptr::null(), length: 0, owner: ptr::null_mut(), release: release_bytes }
    }
}

impl AsRef<[u8]> for FfiBytes {
    fn as_ref(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: start and length come from a `Bytes` that `owner` keeps alive as long as self.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl From<Bytes> for FfiBytes {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::empty();
        }
        let (start, length) = (bytes.as_ptr(), bytes.len());
        // The buffer of a `Bytes` does not move when its handle is boxed.
        Self { start, length, owner: Box::into_raw(Box::new(bytes)).cast(), release: release_bytes }
    }
}

impl From<FfiBytes> for Bytes {
    fn from(bytes: FfiBytes) -> Self {
        if bytes.length == 0 {
            return Bytes::new();
        }
        Bytes::from_owner(bytes)
    }
}

impl Drop for FfiBytes {
    fn drop(&mut self) {
        (self.release)(self.owner);
    }
}
