//! Chunks of any source onto an object of a store, with tokens to go on after a crash.
//!
//! What it is not: the source; a copy gives its reader, a download its bytes, an image what it
//! unpacks to.

use super::byte_stream::ByteStream;
use super::digest::{Digest, Hasher};
use super::end::End;
use super::holes::chunks;
use async_trait::async_trait;
use std::collections::VecDeque;
use std::fmt;
use storage_plugin_api::{
    CallContext, CheckpointToken, Chunk, DataWriter, OpenWriterRequest, PluginError,
    PluginErrorKind, PluginResult, WriteResult,
};

/// Chunks in order, from wherever they come.
#[async_trait]
pub trait ChunkStream: Send {
    /// The next chunk, or `None` at the end.
    ///
    /// # Errors
    /// Those of the source; `Cancelled`.
    async fn next_chunk(&mut self, call: &CallContext) -> PluginResult<Option<Chunk>>;
}

/// Bytes as chunks: zeros become holes.
pub struct Chunked<S> {
    source: S,
    at: u64,
    ready: VecDeque<Chunk>,
}

impl<S> Chunked<S> {
    /// The bytes of a source, the first of which is at an offset.
    pub fn new(source: S, offset: u64) -> Self {
        Self { source, at: offset, ready: VecDeque::new() }
    }

    /// Takes the source back, to ask it what it found.
    pub fn into_source(self) -> S {
        self.source
    }
}

impl<S> fmt::Debug for Chunked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunked").field("at", &self.at).finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: ByteStream> ChunkStream for Chunked<S> {
    async fn next_chunk(&mut self, call: &CallContext) -> PluginResult<Option<Chunk>> {
        if self.ready.is_empty()
            && let Some(bytes) = self.source.next(call).await?
        {
            let at = self.at;
            self.at += bytes.len() as u64;
            self.ready.extend(chunks(at, bytes));
        }
        Ok(self.ready.pop_front())
    }
}

/// Keeps tokens durably.
#[async_trait]
pub trait KeepToken: Send {
    /// Keeps one; the one before counts no more.
    ///
    /// # Errors
    /// It could not be kept.
    async fn keep(&mut self, token: CheckpointToken) -> PluginResult<()>;
}

/// Keeps none: what broke off begins anew.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepNone;

#[async_trait]
impl KeepToken for KeepNone {
    async fn keep(&mut self, _: CheckpointToken) -> PluginResult<()> {
        Ok(())
    }
}

/// What was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The digest of all bytes; `None` where the first of them came in an earlier attempt.
    pub digest: Option<Digest>,
    /// What the writer says of the object.
    pub written: WriteResult,
}

/// An object that is being written.
pub struct Sink<'a> {
    end: &'a End<'a>,
    writer: Box<dyn DataWriter>,
    offset: u64,
    size_bytes: u64,
}

impl<'a> Sink<'a> {
    /// Opens an object, created before, for so many bytes. With a token it goes on where that says;
    /// one that the driver knows no more makes it begin anew.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn open(
        call: &CallContext,
        end: &'a End<'a>,
        size_bytes: u64,
        resume: Option<CheckpointToken>,
    ) -> PluginResult<Self> {
        call.report_progress(0, Some(size_bytes));
        let mut ask = OpenWriterRequest::new(end.object.clone(), size_bytes);
        ask.resume = resume;
        let is_resumed = ask.resume.is_some();
        let opened = end.driver.open_writer(call, end.store, ask);
        let opened = match end.guarded(call, opened).await {
            Err(error) if is_resumed && is_forgotten(error.kind()) => {
                log::warn!("a write that broke off begins anew: {error}");
                let ask = OpenWriterRequest::new(end.object.clone(), size_bytes);
                end.guarded(call, end.driver.open_writer(call, end.store, ask)).await?
            }
            opened => opened?,
        };
        if opened.offset > size_bytes || (!is_resumed && opened.offset != 0) {
            return Err(PluginError::corrupt(format!(
                "a writer of {size_bytes} bytes wants to begin at {}",
                opened.offset
            )));
        }
        Ok(Self { end, writer: opened.writer, offset: opened.offset, size_bytes })
    }

    /// The first byte that it wants.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Writes all that comes, and finishes the object. Progress is reported in bytes of it.
    ///
    /// # Errors
    /// Those of the source and of the writer; `Corrupt` where the source gives other than these
    /// bytes; `Cancelled`.
    pub async fn fill(
        mut self,
        call: &CallContext,
        source: &mut dyn ChunkStream,
        keep: &mut dyn KeepToken,
    ) -> PluginResult<Received> {
        let total = Some(self.size_bytes);
        call.report_progress(self.offset, total);
        let mut hasher = Hasher::begin_at(self.offset);
        while let Some(chunk) = source.next_chunk(call).await? {
            // A chunk that is there at once never waits, so the guard does not look.
            if call.is_cancelled() {
                return Err(PluginError::cancelled(format!(
                    "cancelled after {} of {} bytes",
                    hasher.at(),
                    self.size_bytes
                )));
            }
            hasher.take(call, &chunk).await?;
            if let Some(token) = self.end.guarded(call, self.writer.write(chunk)).await? {
                keep.keep(token).await?;
            }
            call.report_progress(hasher.at(), total);
        }
        let digest = hasher.finish(self.size_bytes)?;
        let written = self.end.guarded(call, self.writer.finish()).await?;
        Ok(Received { digest: (self.offset == 0).then_some(digest), written })
    }
}

impl fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("end", &self.end).field("offset", &self.offset).finish()
    }
}

/// Whether a driver says by this that it knows a token no more.
const fn is_forgotten(kind: PluginErrorKind) -> bool {
    use PluginErrorKind::{Conflict, Corrupt, InvalidArgument, NotFound, Unsupported};
    matches!(kind, InvalidArgument | NotFound | Unsupported | Conflict | Corrupt)
}
