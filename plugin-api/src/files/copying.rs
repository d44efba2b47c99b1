//! Copies of files: by sharing blocks where the file system can, by the kernel or byte by byte
//! where it cannot.
//!
//! Sharing takes the same time and space whatever the size, and is one point in time even while
//! somebody writes to the source. A copy is neither, keeps holes, reports progress and ends soon
//! after its call was given up. What the kernel copies need not come to this machine: a server of
//! NFS 4.2 copies by itself.

use super::next_data;
use crate::context::CallContext;
use crate::error::{PluginError, PluginResult as Result};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Between two waits for the disk: without them the last one could take longer than a call may be
/// silent.
const FLUSH_BYTES: u64 = 64 << 20;

/// The buffer where the kernel does not copy by itself.
const BUFFER_BYTES: usize = 1 << 20;

/// A copy of a file into another, empty one. The paths are what errors name.
#[derive(Debug, Clone, Copy)]
pub struct Copying<'a> {
    from: (&'a File, &'a Path),
    to: (&'a File, &'a Path),
    size: u64,
}

impl<'a> Copying<'a> {
    /// Of so many bytes from the start of a file.
    pub fn new(from: (&'a File, &'a Path), to: (&'a File, &'a Path), size: u64) -> Self {
        Self { from, to, size }
    }

    /// Makes the copy by sharing all blocks; whether the file system can. Not yet durable.
    ///
    /// # Errors
    /// What copying would fail with as well: a full disk, a quota, a disk that is broken.
    pub fn share(&self) -> Result<bool> {
        match share(self.from.0, self.to.0) {
            Ok(()) => Ok(true),
            Err(error) if is_final(error) => Err(self.failed(&error.into())),
            Err(_) => Ok(false),
        }
    }

    /// Makes the copy from the data of the source; by the kernel if that is wanted, and possible
    /// between the two. After each piece of so many bytes it asks `paced` with what is copied by
    /// then, and looks whether the call was given up. Not yet durable.
    ///
    /// # Errors
    /// `Cancelled`; `Conflict` when the source became smaller; what the file system says.
    pub fn copy(
        &self,
        call: &CallContext,
        mut by_kernel: bool,
        piece_bytes: u64,
        mut paced: impl FnMut(u64),
    ) -> Result<()> {
        let (to, failed) = (self.to.0, |error| self.failed(&error));
        let (mut at, mut copied, mut unflushed) = (0, 0, 0);
        while let Some(run) = next_data(self.from.0, self.from.1, at, self.size)? {
            at = run.start;
            while at < run.end {
                if call.is_cancelled() {
                    return Err(PluginError::cancelled("the copy was given up"));
                }
                let piece = at..run.end.min(at + piece_bytes);
                self.copy_piece(piece.clone(), &mut by_kernel).map_err(failed)?;
                at = piece.end;
                copied += piece.end - piece.start;
                unflushed += piece.end - piece.start;
                if unflushed >= FLUSH_BYTES {
                    to.sync_data().map_err(failed)?;
                    unflushed = 0;
                }
                call.report_progress(at, Some(self.size));
                paced(copied);
            }
        }
        to.set_len(self.size).map_err(failed)
    }

    fn copy_piece(&self, piece: Range<u64>, by_kernel: &mut bool) -> io::Result<()> {
        let (from, to) = (self.from.0, self.to.0);
        let mut at = piece.start;
        while *by_kernel && at < piece.end {
            match copy_by_kernel(from, to, at, piece.end - at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(copied) => at += copied,
                Err(Errno::INTR) => {}
                Err(error) if is_final(error) => return Err(error.into()),
                // What the kernel cannot do between these two it cannot do for the rest either.
                Err(_) => *by_kernel = false,
            }
        }
        let mut buffer = Vec::new();
        while at < piece.end {
            let length = (piece.end - at).min(BUFFER_BYTES as u64);
            buffer.resize(length as usize, 0);
            from.read_exact_at(&mut buffer, at)?;
            to.write_all_at(&buffer, at)?;
            at += length;
        }
        Ok(())
    }

    fn failed(&self, error: &io::Error) -> PluginError {
        let (from, to) = (self.from.1, self.to.1);
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return PluginError::conflict(format!("{from:?} became smaller while it was copied"));
        }
        PluginError::from_io(format!("cannot copy {from:?} to {to:?}"), error)
    }
}

#[cfg(target_os = "linux")]
fn share(from: &File, to: &File) -> rustix::io::Result<()> {
    rustix::fs::ioctl_ficlone(to, from)
}

#[cfg(not(target_os = "linux"))]
fn share(_: &File, _: &File) -> rustix::io::Result<()> {
    Err(Errno::OPNOTSUPP)
}

/// Whether copying in another way would fail as well.
fn is_final(error: Errno) -> bool {
    [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::ROFS].contains(&error)
}

#[cfg(target_os = "linux")]
fn copy_by_kernel(from: &File, to: &File, at: u64, length: u64) -> rustix::io::Result<u64> {
    let (mut read_at, mut write_at) = (at, at);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let copied =
        rustix::fs::copy_file_range(from, Some(&mut read_at), to, Some(&mut write_at), length)?;
    Ok(copied as u64)
}

#[cfg(not(target_os = "linux"))]
fn copy_by_kernel(_: &File, _: &File, _: u64, _: u64) -> rustix::io::Result<u64> {
    Err(Errno::NOSYS)
}
