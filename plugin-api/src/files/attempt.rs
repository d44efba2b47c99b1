//! Which attempt a half-made file is of: a random id that is kept with the file, as an extended
//! attribute.
//!
//! The number of a file does not tell: the next file may get that of one that was removed. A copy
//! of a file has no attempt, and a file that was finished has none any more, so a token that is
//! older than either is refused. Invariant: where no attempt is kept, no token is given.

use super::Directory;
use bytes::Bytes;
use rustix::fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use uuid::Uuid;

/// The attribute.
const NAME: &str = "user.storage-host.attempt";

/// What the system says of a file without it.
#[cfg(target_vendor = "apple")]
const ABSENT: Errno = Errno::NOATTR;
#[cfg(not(target_vendor = "apple"))]
const ABSENT: Errno = Errno::NODATA;

/// A uuid as text.
const LENGTH: usize = 36;

/// Begins an attempt at a file; `None` where the file system keeps no attributes.
pub(super) fn begin(file: &File) -> io::Result<Option<Bytes>> {
    let attempt = Uuid::new_v4().to_string();
    match fsetxattr(file, NAME, attempt.as_bytes(), XattrFlags::empty()) {
        Ok(()) => state(file, &attempt).map(Some),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The attempt that is under way at a file, if one is.
pub(super) fn of(file: &File) -> io::Result<Option<Bytes>> {
    let mut attempt = [0; LENGTH];
    match fgetxattr(file, NAME, &mut attempt) {
        Ok(LENGTH) => state(file, &String::from_utf8_lossy(&attempt)).map(Some),
        // Nobody of us writes another length.
        Ok(_) | Err(ABSENT | Errno::RANGE | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The attempt at a file has ended: its tokens are of no use any more.
pub(super) fn end(file: &File) -> io::Result<()> {
    match fremovexattr(file, NAME) {
        Ok(()) | Err(ABSENT | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What a token holds. With the number of the file: some systems copy attributes with the bytes.
fn state(file: &File, attempt: &str) -> io::Result<Bytes> {
    Ok(format!("{attempt}-{}", file.metadata()?.ino()).into())
}

impl Directory {
    /// Whether a [`FileWriter`](super::FileWriter) gives tokens in here: the file system keeps
    /// extended attributes.
    pub fn gives_tokens(&self) -> bool {
        !matches!(
            fgetxattr(self.as_file(), NAME, &mut [0; LENGTH]),
            Err(Errno::OPNOTSUPP | Errno::NOSYS)
        )
    }
}
