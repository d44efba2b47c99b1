//! Bytes that cross without being copied.
//!
//! The side that made them frees them: the release function travels along.

use abi_stable::StableAbi;
use bytes::Bytes;
use std::ptr;

/// Immutable bytes with the function that frees them.
#[repr(C)]
#[derive(StableAbi)]
pub struct FfiBytes {
    start: *const u8,
    length: usize,
    owner: *mut u8,
    release: extern "C" fn(owner: *mut u8, start: *const u8, length: usize),
}

// SAFETY: the bytes are immutable, and what owns them (a `Vec`, a `Bytes`) is Send
// and Sync; `release` only drops it.
unsafe impl Send for FfiBytes {}
// SAFETY: as above; no method writes.
unsafe impl Sync for FfiBytes {}

extern "C" fn release_nothing(_: *mut u8, _: *const u8, _: usize) {}

/// The owner of a `Vec` is its capacity: nothing has to be allocated to hand one over.
extern "C" fn release_vec(capacity: *mut u8, start: *const u8, length: usize) {
    // SAFETY: these are the three parts of a `Vec<u8>` of this library, taken apart in
    // `From<Vec<u8>>` and put together once, here.
    drop(unsafe { Vec::from_raw_parts(start.cast_mut(), length, capacity.addr()) });
}

extern "C" fn release_bytes(owner: *mut u8, _: *const u8, _: usize) {
    // SAFETY: `owner` is what `Box::into_raw` gave in `From<Bytes>`, of this library, and comes
    // here once. Dropping a `Bytes` may run a foreign owner's drop, which is `FfiBytes::drop`: no
    // vendor code, so nothing here panics.
    drop(unsafe { Box::from_raw(owner.cast::<Bytes>()) });
}

impl FfiBytes {
    /// No bytes, no allocation.
    pub const fn empty() -> Self {
        Self { start: ptr::null(), length: 0, owner: ptr::null_mut(), release: release_nothing }
    }

    /// Bytes of this library's own image, which is never unloaded.
    pub const fn constant(bytes: &'static [u8]) -> Self {
        let (start, length) = (bytes.as_ptr(), bytes.len());
        Self { start, length, owner: ptr::null_mut(), release: release_nothing }
    }
}

impl AsRef<[u8]> for FfiBytes {
    fn as_ref(&self) -> &[u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: start and length are those of bytes that `owner` keeps alive as long as self.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl From<Vec<u8>> for FfiBytes {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return Self::empty();
        }
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Self {
            start: bytes.as_mut_ptr(),
            length: bytes.len(),
            owner: ptr::without_provenance_mut(bytes.capacity()),
            release: release_vec,
        }
    }
}

impl From<Bytes> for FfiBytes {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::empty();
        }
        let (start, length) = (bytes.as_ptr(), bytes.len());
        // The buffer of a `Bytes` does not move when its handle is boxed.
        let owner = Box::into_raw(Box::new(bytes)).cast();
        Self { start, length, owner, release: release_bytes }
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
        (self.release)(self.owner, self.start, self.length);
    }
}
