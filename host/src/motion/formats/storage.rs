//! Bytes for imago, which works on a thread of its own: it asks by a channel, and whoever reads the
//! conversion answers.
//!
//! imago's trait declares its methods `unsafe`, because it has callers keep its alignments; nothing
//! here is: there are none. This is the only file of the room with that word.
//!
//! **Invariant:** no path is resolved, nothing is opened, nothing is written.

use bytes::Bytes;
use imago::Storage;
use imago::io_buffers::{IoVector, IoVectorMut};
use imago::storage::drivers::CommonStorageHelper;
use std::fmt;
use std::io;
use tokio::sync::{mpsc, oneshot};

/// A wish for bytes.
pub(super) struct Ask {
    pub(super) offset: u64,
    pub(super) length: usize,
    /// Dropped where they cannot be had.
    pub(super) reply: oneshot::Sender<Bytes>,
}

/// An image's file, as imago sees it.
pub(super) struct AskStorage {
    asks: mpsc::Sender<Ask>,
    size: u64,
    helper: CommonStorageHelper,
}

impl AskStorage {
    pub(super) fn new(asks: mpsc::Sender<Ask>, size: u64) -> Self {
        Self { asks, size, helper: CommonStorageHelper::default() }
    }

    fn read(&self, mut buffer: IoVectorMut<'_>, offset: u64) -> io::Result<()> {
        let gone = || io::Error::other("the image is not read on");
        let length = usize::try_from(buffer.len()).map_err(io::Error::other)?;
        let (reply, answer) = oneshot::channel();
        self.asks.blocking_send(Ask { offset, length, reply }).map_err(|_| gone())?;
        let bytes = answer.blocking_recv().map_err(|_| gone())?;
        if bytes.len() == length {
            buffer.copy_from_slice(&bytes);
            return Ok(());
        }
        // Behind the end of the file are zeros, as the trait has it.
        let mut padded = bytes.to_vec();
        padded.resize(length, 0);
        buffer.copy_from_slice(&padded);
        Ok(())
    }
}

#[expect(unsafe_code, reason = "the trait declares these methods so; nothing in them is")]
impl Storage for AskStorage {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    unsafe fn pure_readv(&self, buffer: IoVectorMut<'_>, offset: u64) -> io::Result<()> {
        self.read(buffer, offset)
    }

    unsafe fn pure_writev(&self, _: IoVector<'_>, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    unsafe fn invalidate_cache(&self) -> io::Result<()> {
        Ok(())
    }

    fn get_storage_helper(&self) -> &CommonStorageHelper {
        &self.helper
    }
}

impl fmt::Debug for AskStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskStorage").field("size", &self.size).finish_non_exhaustive()
    }
}

impl fmt::Display for AskStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the image")
    }
}
