//! Whether a guest's emulator has an image open: it keeps locks on its bytes while it does.
//!
//! What it is not: a way to keep one from opening it a moment later. It catches who forgot to stop
//! an instance, before an image is copied that changes under the copy, or replaced below a guest
//! that would go on writing to the one before.
//!
//! The question is a lock that goes at once. An emulator that opens the image in between finds it
//! taken, and its instance does not start; at the next try it does. There is a question that takes
//! nothing (`F_GETLK`), but no safe way to ask it: the locks of emulators belong to no process,
//! which rustix takes for impossible. `/proc/locks` knows none of other machines.

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use std::fs::File;

/// Whether another process has a lock on some byte of a file, which is open for writing. Where a
/// file system keeps no locks, nobody can tell.
pub(crate) fn is_open_elsewhere(file: &File) -> bool {
    // The lock that this may get goes at once: it is no guard, only a question.
    match fcntl_lock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::AGAIN | Errno::ACCESS) => true,
        Ok(()) => {
            // It goes with the descriptor at the latest.
            fcntl_lock(file, FlockOperation::Unlock).ok();
            false
        }
        Err(_) => false,
    }
}
