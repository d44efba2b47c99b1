//! Files in the making, and being alone in a directory: what is done under locks.
//!
//! Invariant: a file in the making has one maker. An attempt that was given up may still be at
//! work when the next one comes; that one waits for it, and finds what it left, or what it made.

use super::{Directory, Found};
use crate::error::{PluginErrorKind, PluginResult as Result};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;

/// A file in the making that nobody else works on.
#[derive(Debug)]
pub struct Held {
    directory: Directory,
    name: String,
    /// The file, empty at first.
    pub file: File,
    published: bool,
}

impl Directory {
    /// Begins a file under a name for the making, or takes over what a crash left there; waits for
    /// whoever still works on it.
    ///
    /// # Errors
    /// `PermissionDenied` for a link; what the file system says.
    pub fn hold(&self, name: &str) -> Result<Held> {
        loop {
            let file = self.open_or_make(name)?;
            lock(&file).map_err(|error| self.failed("lock", name, error))?;
            // Its holder before us may have removed it, or given it its final name.
            if self.is_named(&file, name)? {
                file.set_len(0).map_err(|error| self.failed("empty", name, error))?;
                let (directory, name) = (self.try_clone()?, name.to_owned());
                return Ok(Held { directory, name, file, published: false });
            }
        }
    }

    /// Removes a file in the making, once nobody works on it any more.
    ///
    /// # Errors
    /// `PermissionDenied` for a link; what the file system says.
    pub fn discard(&self, name: &str) -> Result<()> {
        // Looked at first: opening makes it.
        while self.look(name)?.is_some() {
            drop(self.hold(name)?);
        }
        Ok(())
    }

    /// Removes a file in the making that nobody works on; whether that is so.
    ///
    /// # Errors
    /// `PermissionDenied` for a link; what the file system says.
    pub fn discard_left_over(&self, name: &str) -> Result<bool> {
        let file = match self.open_to_write(name) {
            Err(error) if error.kind() == PluginErrorKind::NotFound => return Ok(false),
            opened => opened?,
        };
        let tried = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
        let held = is_held(tried).map_err(|error| self.failed("lock", name, error))?;
        if held || !self.is_named(&file, name)? {
            return Ok(false);
        }
        self.unlink(name)
    }

    fn is_named(&self, file: &File, name: &str) -> Result<bool> {
        let held = rustix::fs::fstat(file).map_err(|error| self.failed("look at", name, error))?;
        Ok(self.look(name)?.is_some_and(|found| found.inode == Found::of(&held).inode))
    }

    /// Alone in the directory, as far as everybody else asks for it too, until the guard goes.
    ///
    /// # Errors
    /// What the file system says.
    pub fn alone(&self) -> Result<Alone<'_>> {
        lock(self.as_file()).map_err(|error| self.failed("lock", "", error))?;
        Ok(Alone(self.as_file()))
    }
}

/// See [`Directory::alone`].
#[derive(Debug)]
pub struct Alone<'a>(&'a File);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // It goes with the descriptor at the latest.
        rustix::fs::flock(self.0, FlockOperation::Unlock).ok();
    }
}

impl Held {
    /// The name while it is made.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the file durable, so that [`publish`](Self::publish) finds next to nothing to flush.
    ///
    /// # Errors
    /// What the file system says.
    pub fn flush(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| self.directory.failed("flush", &self.name, error))
    }

    /// Makes the file durable, then gives it its name, if it is still wanted when all is flushed:
    /// from this instant it is there, whole.
    ///
    /// # Errors
    /// That of `is_wanted`; what the file system says. Then nothing has the name.
    pub fn publish(mut self, name: &str, is_wanted: impl FnOnce() -> Result<()>) -> Result<File> {
        self.flush()?;
        is_wanted()?;
        self.directory.rename(&self.name, name)?;
        self.published = true;
        self.directory.sync()?;
        self.file.try_clone().map_err(|error| self.directory.failed("open", name, error))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is removed with the object, or when the store is attached.
            self.directory.unlink(&self.name).ok();
        }
    }
}

/// Whether somebody else has a lock that was tried. Where there are no locks that cannot be told,
/// and what may be at work is let be.
fn is_held(tried: rustix::io::Result<()>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK | Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Waits for a lock on an open file, which goes with its last descriptor. File systems without
/// locks are left to their single user.
///
/// # Errors
/// What the file system says.
pub fn lock(file: impl AsFd) -> io::Result<()> {
    loop {
        match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            Err(error) if io::Error::from(error).kind() == ErrorKind::Unsupported => return Ok(()),
            Err(Errno::NOLCK | Errno::BADF | Errno::NOSYS) => return Ok(()),
            outcome => return Ok(outcome?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lock_of_somebody_is_held() {
        assert!(!is_held(Ok(())).unwrap());
        assert!(is_held(Err(Errno::WOULDBLOCK)).unwrap());
        // On a file system without locks nobody can tell.
        assert!(is_held(Err(Errno::OPNOTSUPP)).unwrap());
        for error in [Errno::IO, Errno::STALE, Errno::BADF] {
            assert_eq!(is_held(Err(error)).unwrap_err().raw_os_error(), Some(error.raw_os_error()));
        }
    }
}
