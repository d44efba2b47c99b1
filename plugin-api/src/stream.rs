//! The bytes of an object on their way: readers, writers, chunks, checkpoints.
//!
//! The host moves bytes, a driver gives and takes them. Chunks carry their offset, so holes stay
//! holes; a writer hands out checkpoint tokens, so a transfer goes on after a crash.

use crate::error::{PluginError, PluginResult};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The size of a chunk on the data path, in bytes. Larger ones leave the processor's caches.
pub const CHUNK_BYTES: usize = 1 << 20;

/// A piece of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// Bytes at an offset.
    Data {
        /// From the start of the object.
        offset: u64,
        /// At most [`CHUNK_BYTES`] is usual; never empty.
        bytes: Bytes,
    },
    /// Zeros that take no space.
    Hole {
        /// From the start of the object.
        offset: u64,
        /// How many.
        length: u64,
    },
}

impl Chunk {
    /// Where it begins.
    pub const fn offset(&self) -> u64 {
        match self {
            Self::Data { offset, .. } | Self::Hole { offset, .. } => *offset,
        }
    }

    /// How many bytes of the object it covers.
    pub const fn length(&self) -> u64 {
        match self {
            Self::Data { bytes, .. } => bytes.len() as u64,
            Self::Hole { length, .. } => *length,
        }
    }

    /// Checks that it lies behind what was written of an object, and within it, both in bytes;
    /// where it ends. For writers, before they take it.
    ///
    /// # Errors
    /// `InvalidArgument` with the place of the chunk, and that of the writer.
    pub fn check_place(&self, written: u64, size_bytes: u64) -> PluginResult<u64> {
        let (begin, end) = (self.offset(), self.offset().saturating_add(self.length()));
        if begin >= written && end <= size_bytes {
            return Ok(end);
        }
        Err(PluginError::invalid_argument(format!(
            "a chunk from {begin} to {end} is out of its place: {written} of {size_bytes} bytes are \
             written"
        )))
    }
}

/// Where a write can go on after a crash: opaque to the host, which keeps it durably.
///
/// It may travel to another process and come back days later; it holds no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointToken {
    /// The first byte that is not yet durable: the write goes on here.
    pub offset: u64,
    /// What the driver needs to find its place (an upload id, part tags).
    #[serde(with = "crate::abi::bytes_as_bytes")]
    pub state: Bytes,
}

impl CheckpointToken {
    /// A token that goes on at an offset.
    pub fn new(offset: u64, state: impl Into<Bytes>) -> Self {
        Self { offset, state: state.into() }
    }
}

impl fmt::Debug for CheckpointToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointToken(at {}, {} bytes)", self.offset, self.state.len())
    }
}

/// The bytes of an object, in order.
///
/// Implemented by drivers, read by the host. Runs on the plugin's runtime, a few chunks ahead of
/// the host. Dropping it ends the transfer.
#[async_trait]
pub trait DataReader: Send + 'static {
    /// The next chunk, or `None` at the end.
    ///
    /// # Behavior
    /// - Chunks come in order and without gaps or overlaps, from the offset asked for to the end
    ///   (case `streams::reader_is_gapless`).
    /// - No chunk is empty (case `streams::reader_is_gapless`).
    /// - After `None` or an error it is not called again.
    ///
    /// # Errors
    /// `Unavailable`, `Timeout` (the host opens again at the last offset), `Corrupt`, `NotFound`
    /// when the object vanished.
    async fn next(&mut self) -> PluginResult<Option<Chunk>>;
}

/// A place to write the bytes of an object.
///
/// Implemented by drivers, written by the host. Runs on the plugin's runtime. Dropping it without
/// [`finish`](Self::finish) leaves what the last checkpoint token promises, and nothing else that
/// a later [`delete_async`](crate::DataStoreDriver::delete_async) would not remove.
#[async_trait]
pub trait DataWriter: Send + 'static {
    /// Takes a chunk. Chunks come in order; the object has zeros where none came.
    ///
    /// Returns a token each time more of the object became durable, at the driver's pace.
    ///
    /// # Errors
    /// `CapacityExceeded`, `Unavailable`, `Timeout`, `InvalidArgument` for a chunk beyond the
    /// declared size or before the last one.
    async fn write(&mut self, chunk: Chunk) -> PluginResult<Option<CheckpointToken>>;

    /// Makes everything durable and the object complete.
    ///
    /// # Behavior
    /// - Once this returned, the object survives a crash of everything
    ///   (case `streams::bytes_come_back`).
    ///
    /// # Errors
    /// As [`write`](Self::write); `Corrupt` when the back end saw other bytes than were sent.
    async fn finish(&mut self) -> PluginResult<WriteResult>;

    /// Throws away what was written, tokens included.
    ///
    /// # Errors
    /// `Unavailable`: the host deletes the object later.
    async fn abort(&mut self) -> PluginResult<()>;
}

/// What a finished write left behind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WriteResult {
    /// Where the object lies, if that differs from the path the object was created with.
    pub path: Option<String>,
    /// Virtual size in bytes.
    pub size_bytes: u64,
    /// Space used, in bytes.
    pub physical_size_bytes: u64,
    /// The digest of all bytes, `{ALGORITHM}hex`, where the driver computed one as they came and
    /// recorded it with the object: that which [`describe`](crate::DataStoreDriver::describe) tells
    /// from now on.
    pub digest: Option<String>,
}

impl WriteResult {
    /// A finished object.
    pub fn new(size_bytes: u64, physical_size_bytes: u64) -> Self {
        Self { path: None, size_bytes, physical_size_bytes, digest: None }
    }
}

/// A writer, and where it begins.
#[non_exhaustive]
pub struct OpenedWriter {
    /// The first byte it wants: 0, or the offset of the token it resumed from.
    pub offset: u64,
    /// The writer.
    pub writer: Box<dyn DataWriter>,
}

impl OpenedWriter {
    /// A writer that begins at an offset.
    pub fn new(offset: u64, writer: impl DataWriter) -> Self {
        Self { offset, writer: Box::new(writer) }
    }

    pub(crate) fn boxed(offset: u64, writer: Box<dyn DataWriter>) -> Self {
        Self { offset, writer }
    }
}

impl fmt::Debug for OpenedWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedWriter(at {})", self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_lies_behind_what_was_written_and_within_the_object() {
        let chunk = |offset, length| Chunk::Hole { offset, length };
        assert_eq!(chunk(3, 4).check_place(3, 7), Ok(7));
        assert_eq!(chunk(5, 2).check_place(3, 7), Ok(7));
        for (offset, length) in [(2, 1), (3, 5), (u64::MAX, 1)] {
            let refused = chunk(offset, length).check_place(3, 7).unwrap_err().to_string();
            assert!(refused.contains("3 of 7 bytes are written"), "{refused}");
        }
    }
}
