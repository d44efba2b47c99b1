//! Bytes from anywhere in an object: what a format's headers and tables are read by.
//!
//! What it is: one trait, over an object on a store, a file, and bytes in memory. Drivers give
//! bytes in order; [`ObjectRead`] keeps a few of their readers open, so that reading tables here and
//! data there does not open a reader for each.

use super::digest::check_next;
use super::end::End;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use storage_plugin_api::{CHUNK_BYTES, CallContext, Chunk, DataReader, PluginError, PluginResult};

/// Bytes from anywhere.
#[async_trait]
pub trait RandomRead: Send {
    /// How many there are.
    fn size_bytes(&self) -> u64;

    /// The bytes at an offset: as many as asked for, or all that there are to the end.
    ///
    /// # Errors
    /// Those of whatever holds the bytes; `Cancelled`.
    async fn read_at(
        &mut self,
        call: &CallContext,
        offset: u64,
        length: usize,
    ) -> PluginResult<Bytes>;
}

#[async_trait]
impl RandomRead for Bytes {
    fn size_bytes(&self) -> u64 {
        self.len() as u64
    }

    async fn read_at(
        &mut self,
        _: &CallContext,
        offset: u64,
        length: usize,
    ) -> PluginResult<Bytes> {
        let from = offset.min(self.size_bytes()) as usize;
        Ok(self.slice(from..from.saturating_add(length).min(self.len())))
    }
}

/// A file of this host: the host's own temporary files, never one that a user named.
#[derive(Debug, Clone)]
pub struct FileRead {
    file: Arc<File>,
    size_bytes: u64,
}

impl FileRead {
    /// Reads a file that is open.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(file: File) -> PluginResult<Self> {
        let metadata = file.metadata().map_err(|error| PluginError::from_io("stat", &error))?;
        Ok(Self { file: Arc::new(file), size_bytes: metadata.len() })
    }
}

#[async_trait]
impl RandomRead for FileRead {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    async fn read_at(
        &mut self,
        _: &CallContext,
        offset: u64,
        length: usize,
    ) -> PluginResult<Bytes> {
        let length = (self.size_bytes.saturating_sub(offset)).min(length as u64) as usize;
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = BytesMut::zeroed(length);
            file.read_exact_at(&mut bytes, offset).map(|()| bytes.freeze())
        });
        let read = read.await.map_err(|error| PluginError::internal(error.to_string()))?;
        read.map_err(|error| PluginError::from_io("read", &error))
    }
}

/// How many readers are kept: one for the data, the others for tables.
const STREAMS: usize = 3;
/// How far a reader is read on rather than another one opened.
const READ_ON: u64 = CHUNK_BYTES as u64;

/// An object on a store, read through its driver.
pub struct ObjectRead<'a> {
    end: End<'a>,
    size_bytes: u64,
    /// The one that was used last is the last.
    streams: Vec<Stream>,
}

/// A reader that is open, and what it gave that nobody wanted yet.
struct Stream {
    reader: Box<dyn DataReader>,
    at: u64,
    rest: Option<Chunk>,
}

impl<'a> ObjectRead<'a> {
    /// Reads the first `size_bytes` of an object: all that its file has, not what it is a disk of.
    pub fn new(end: End<'a>, size_bytes: u64) -> Self {
        Self { end, size_bytes, streams: Vec::new() }
    }

    /// A reader that comes past an offset soon, or a new one.
    async fn stream(&mut self, call: &CallContext, offset: u64) -> PluginResult<Stream> {
        let is_near = |stream: &Stream| stream.at <= offset && offset - stream.at <= READ_ON;
        if let Some(position) = self.streams.iter().rposition(is_near) {
            return Ok(self.streams.remove(position));
        }
        if self.streams.len() == STREAMS {
            self.streams.remove(0);
        }
        let reader = self.end.reader_at(call, offset, self.size_bytes - offset).await?;
        Ok(Stream { reader, at: offset, rest: None })
    }
}

#[async_trait]
impl RandomRead for ObjectRead<'_> {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    async fn read_at(
        &mut self,
        call: &CallContext,
        offset: u64,
        length: usize,
    ) -> PluginResult<Bytes> {
        let length = self.size_bytes.saturating_sub(offset).min(length as u64) as usize;
        if length == 0 {
            return Ok(Bytes::new());
        }
        // A reader that failed, or whose call was given up, is not read on.
        let mut stream = self.stream(call, offset).await?;
        let skipped = offset - stream.at;
        stream.skip(&self.end, call, skipped).await?;
        let bytes = stream.take(&self.end, call, length).await?;
        self.streams.push(stream);
        Ok(bytes)
    }
}

impl Stream {
    async fn skip(&mut self, end: &End<'_>, call: &CallContext, length: u64) -> PluginResult<()> {
        let mut left = length;
        while left > 0 {
            let piece = self.piece(end, call, left).await?;
            left -= piece.length();
        }
        Ok(())
    }

    /// So many bytes. One chunk that has them all is handed on as it is.
    async fn take(
        &mut self,
        end: &End<'_>,
        call: &CallContext,
        length: usize,
    ) -> PluginResult<Bytes> {
        let mut gathered = BytesMut::new();
        while gathered.len() < length {
            match self.piece(end, call, (length - gathered.len()) as u64).await? {
                Chunk::Data { bytes, .. } if bytes.len() == length => return Ok(bytes),
                Chunk::Data { bytes, .. } => {
                    gathered.reserve(length - gathered.len());
                    gathered.extend_from_slice(&bytes);
                }
                Chunk::Hole { length: zeros, .. } => {
                    gathered.resize(gathered.len() + zeros as usize, 0);
                }
            }
        }
        Ok(gathered.freeze())
    }

    /// The next piece, at most so long.
    async fn piece(&mut self, end: &End<'_>, call: &CallContext, most: u64) -> PluginResult<Chunk> {
        let chunk = match self.rest.take() {
            Some(chunk) => chunk,
            None => end.next(call, self.reader.as_mut()).await?.ok_or_else(|| {
                PluginError::corrupt(format!(
                    "the object ends at byte {}, before its size",
                    self.at
                ))
            })?,
        };
        check_next(&chunk, self.at)?;
        let (piece, rest) = split(chunk, most);
        self.at += piece.length();
        self.rest = rest;
        Ok(piece)
    }
}

/// A chunk's first bytes, and those behind them.
pub(super) fn split(chunk: Chunk, most: u64) -> (Chunk, Option<Chunk>) {
    if chunk.length() <= most {
        return (chunk, None);
    }
    match chunk {
        Chunk::Data { offset, mut bytes } => {
            let rest = bytes.split_off(most as usize);
            let rest = Chunk::Data { offset: offset + most, bytes: rest };
            (Chunk::Data { offset, bytes }, Some(rest))
        }
        Chunk::Hole { offset, length } => (
            Chunk::Hole { offset, length: most },
            Some(Chunk::Hole { offset: offset + most, length: length - most }),
        ),
    }
}

impl fmt::Debug for ObjectRead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectRead")
            .field("end", &self.end)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}
