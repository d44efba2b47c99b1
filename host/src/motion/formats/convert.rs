//! Reads the disk out of an image: raw bytes in order, holes kept.
//!
//! What it is: imago says where the bytes are and decompresses; what lies in the file as it is comes
//! straight from there. What it is not: a copy; whoever reads the chunks writes and digests them.
//!
//! **Invariant:** only an image that was taken is opened, and it is opened so that it can reach
//! nothing but its own bytes.

use super::image::{Image, ToRaw};
use super::pieces::{AHEAD, Piece, find};
use super::storage::Ask;
use crate::motion::holes;
use crate::motion::random::RandomRead;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use storage_plugin_api::{CHUNK_BYTES, CallContext, Chunk, PluginError, PluginResult};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// The disk in an image, chunk by chunk.
pub struct Conversion<'a> {
    source: &'a mut dyn RandomRead,
    disk_bytes: u64,
    pieces: Pieces,
    /// What of the current piece was not taken yet.
    current: Option<Piece>,
    /// The first byte of the disk that is not in `buffer` or before it.
    at: u64,
    /// Data that waits for its mebibyte to be full.
    buffer: BytesMut,
    ready: VecDeque<Chunk>,
}

enum Pieces {
    /// One, which is the disk.
    Whole,
    Found {
        asks: mpsc::Receiver<Ask>,
        pieces: mpsc::Receiver<io::Result<Piece>>,
        thread: JoinHandle<()>,
    },
}

impl<'a> Conversion<'a> {
    /// Reads an image that was taken. Has to be called on a runtime.
    ///
    /// # Errors
    /// `Unsupported`, with the reason, for one that no library reads.
    pub fn new(source: &'a mut dyn RandomRead, image: &Image) -> PluginResult<Self> {
        let disk_bytes = image.virtual_bytes;
        let (pieces, current) = match &image.to_raw {
            ToRaw::AsItIs => (Pieces::Whole, Some(Piece::Stored { at: 0, length: disk_bytes })),
            ToRaw::Converted => {
                let (asker, asks) = mpsc::channel(1);
                let (finder, pieces) = mpsc::channel(AHEAD);
                let file_bytes = source.size_bytes();
                let find = move || find(asker, file_bytes, disk_bytes, &finder);
                let thread = tokio::task::spawn_blocking(find);
                (Pieces::Found { asks, pieces, thread }, None)
            }
            ToRaw::Not(reason) => {
                return Err(PluginError::unsupported(format!(
                    "the {} image cannot become raw: {reason}",
                    image.kind.name()
                )));
            }
        };
        let (buffer, ready) = (BytesMut::new(), VecDeque::new());
        Ok(Self { source, disk_bytes, pieces, current, at: 0, buffer, ready })
    }

    /// The bytes of the disk, holes counted.
    pub fn size_bytes(&self) -> u64 {
        self.disk_bytes
    }

    /// The next chunk of the disk, or `None` at its end.
    ///
    /// # Errors
    /// `Corrupt` for an image that cannot be read to its end; those of its source; `Cancelled`.
    pub async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Chunk>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            if call.is_cancelled() {
                return Err(PluginError::cancelled("cancelled while an image was converted"));
            }
            let piece = match self.current.take() {
                Some(piece) => Some(piece),
                None => self.pieces.next(call, self.source).await?,
            };
            match piece {
                None if self.at < self.disk_bytes => return Err(self.short()),
                None if self.buffer.is_empty() => return Ok(None),
                None => self.flush(),
                Some(Piece::Hole { length }) => {
                    self.flush();
                    self.ready.push_back(Chunk::Hole { offset: self.at, length });
                    self.at += length;
                }
                Some(Piece::Stored { at, length }) => self.stored(call, at, length).await?,
                Some(Piece::Packed { length, bytes }) => {
                    let bytes = self.pieces.wait(call, self.source, bytes).await?;
                    if bytes.len() as u64 != length {
                        return Err(self.short());
                    }
                    self.data(bytes);
                }
            }
        }
    }

    /// Takes bytes of the file up to the next whole mebibyte of the disk.
    async fn stored(&mut self, call: &CallContext, at: u64, length: u64) -> PluginResult<()> {
        let file_bytes = self.source.size_bytes();
        if at >= file_bytes {
            return Err(PluginError::corrupt(format!(
                "the image has the disk's byte {} at byte {at} of a file of {file_bytes}: it is \
                 cut off",
                self.at
            )));
        }
        let room = CHUNK_BYTES as u64 - self.at % CHUNK_BYTES as u64;
        let now = length.min(room);
        if now < length {
            self.current = Some(Piece::Stored { at: at + now, length: length - now });
        }
        let mut bytes = self.source.read_at(call, at, now as usize).await?;
        if (bytes.len() as u64) < now {
            // Its last cluster need not be all there.
            let mut padded = BytesMut::from(bytes.as_ref());
            padded.resize(now as usize, 0);
            bytes = padded.freeze();
        }
        self.data(bytes);
        Ok(())
    }

    /// Small pieces are gathered: each write of a chunk has its price, whatever its size.
    fn data(&mut self, bytes: Bytes) {
        self.at += bytes.len() as u64;
        if self.buffer.is_empty() && bytes.len() == CHUNK_BYTES {
            self.ready.extend(holes::chunks(self.at - bytes.len() as u64, bytes));
            return;
        }
        if self.buffer.is_empty() {
            self.buffer.reserve(CHUNK_BYTES);
        }
        self.buffer.extend_from_slice(&bytes);
        if self.buffer.len() >= CHUNK_BYTES || self.at.is_multiple_of(CHUNK_BYTES as u64) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let bytes = self.buffer.split().freeze();
        self.ready.extend(holes::chunks(self.at - bytes.len() as u64, bytes));
    }

    fn short(&self) -> PluginError {
        PluginError::corrupt(format!(
            "the image cannot be read behind byte {} of its disk of {}",
            self.at, self.disk_bytes
        ))
    }
}

impl Pieces {
    /// The next piece, while the thread is given what it asks for.
    async fn next(
        &mut self,
        call: &CallContext,
        source: &mut dyn RandomRead,
    ) -> PluginResult<Option<Piece>> {
        let Self::Found { asks, pieces, thread } = self else {
            return Ok(None);
        };
        loop {
            tokio::select! {
                biased;
                Some(ask) = asks.recv() => answer(call, source, ask).await?,
                piece = pieces.recv() => match piece {
                    Some(Ok(piece)) => return Ok(Some(piece)),
                    Some(Err(error)) => return Err(unreadable(&error)),
                    None => {
                        thread.await.map_err(|error| unreadable(&error))?;
                        *self = Self::Whole;
                        return Ok(None);
                    }
                },
            }
        }
    }

    /// Bytes that are being decompressed.
    async fn wait(
        &mut self,
        call: &CallContext,
        source: &mut dyn RandomRead,
        mut bytes: oneshot::Receiver<io::Result<Bytes>>,
    ) -> PluginResult<Bytes> {
        loop {
            let Self::Found { asks, .. } = self else {
                return Err(unreadable(&"it is at its end"));
            };
            tokio::select! {
                biased;
                Some(ask) = asks.recv() => answer(call, source, ask).await?,
                unpacked = &mut bytes => {
                    let unpacked = unpacked.map_err(|_| unreadable(&"decompressing it broke off"))?;
                    return unpacked.map_err(|error| unreadable(&error));
                }
            }
        }
    }
}

async fn answer(call: &CallContext, source: &mut dyn RandomRead, ask: Ask) -> PluginResult<()> {
    let bytes = source.read_at(call, ask.offset, ask.length).await?;
    // Whoever went away needs no bytes.
    ask.reply.send(bytes).ok();
    Ok(())
}

fn unreadable(error: &dyn fmt::Display) -> PluginError {
    PluginError::corrupt(format!("the image cannot be read: {error}"))
}

impl fmt::Debug for Conversion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversion")
            .field("at", &self.at)
            .field("disk_bytes", &self.disk_bytes)
            .finish_non_exhaustive()
    }
}
