//! Chunks of any source onto an object of a store, with tokens to go on after a crash.
//!
//! What it is not: the source; a copy gives its reader, a download its bytes, an image what it
//! unpacks to.

use super::byte_stream::ByteStream;
use super::digest::Hasher;
use super::digest_state::DigestState;
use super::end::End;
use super::holes::chunks;
use super::random::split;
use async_trait::async_trait;
use std::collections::VecDeque;
use std::fmt;
use storage_plugin_api::digest::Digest;
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

/// Where a transfer goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// Where the writer does.
    pub token: CheckpointToken,
    /// The digest of what came before, at the token's offset or shortly before it. Without it the
    /// digest of the whole is known only once all of it was read back.
    pub digest: Option<DigestState>,
}

impl From<CheckpointToken> for Resume {
    fn from(token: CheckpointToken) -> Self {
        Self { token, digest: None }
    }
}

/// Keeps durably where a transfer goes on.
#[async_trait]
pub trait KeepToken: Send {
    /// Keeps it; what was kept before counts no more.
    ///
    /// # Errors
    /// It could not be kept.
    async fn keep(&mut self, resume: Resume) -> PluginResult<()>;
}

/// Keeps none: what broke off begins anew.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeepNone;

#[async_trait]
impl KeepToken for KeepNone {
    async fn keep(&mut self, _: Resume) -> PluginResult<()> {
        Ok(())
    }
}

/// What was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The digest of all bytes; `None` where the first of them came in an earlier attempt whose
    /// digest was not kept.
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
    hasher: Hasher,
}

impl<'a> Sink<'a> {
    /// Opens an object, created before, for so many bytes. It goes on where it broke off; a token
    /// that the driver knows no more makes it begin anew.
    ///
    /// # Errors
    /// Those of the driver.
    pub async fn open(
        call: &CallContext,
        end: &'a End<'a>,
        size_bytes: u64,
        resume: Option<Resume>,
    ) -> PluginResult<Self> {
        call.report_progress(0, Some(size_bytes));
        let mut ask = OpenWriterRequest::new(end.object.clone(), size_bytes);
        // The furthest that a writer may begin at, by what it was asked last.
        let mut most = resume.as_ref().map_or(0, |one| one.token.offset).min(size_bytes);
        let is_resumed = resume.is_some();
        let (token, digest) = resume.map(|one| (one.token, one.digest)).unzip();
        ask.resume = token;
        let opened = end.driver.open_writer(call, end.store, ask);
        let opened = match end.guarded(call, opened).await {
            Err(error) if is_resumed && is_forgotten(error.kind()) => {
                log::warn!("a write that broke off begins anew: {error}");
                most = 0;
                let ask = OpenWriterRequest::new(end.object.clone(), size_bytes);
                end.guarded(call, end.driver.open_writer(call, end.store, ask)).await?
            }
            opened => opened?,
        };
        if opened.offset > most {
            return Err(PluginError::corrupt(format!(
                "a writer of {size_bytes} bytes wants to begin at {}, and was asked to begin at \
                 {most}",
                opened.offset
            )));
        }
        let offset = opened.offset;
        let hasher = match digest.flatten() {
            Some(state) if state.offset() <= offset => Hasher::resume(&state),
            _ => Hasher::begin_at(offset),
        };
        Ok(Self { end, writer: opened.writer, offset, size_bytes, hasher })
    }

    /// For a source that can only be read from its beginning: what is there already is read once
    /// more, for the digest, and not written again.
    #[must_use]
    pub fn rereading(self) -> Self {
        Self { hasher: Hasher::default(), ..self }
    }

    /// For a source that has nothing before the byte where writing goes on.
    #[must_use]
    pub fn without_digest(self) -> Self {
        Self { hasher: Hasher::begin_at(self.offset), ..self }
    }

    /// The first byte of the source that it wants: where it goes on to write, or shortly before.
    pub fn from(&self) -> u64 {
        self.hasher.at()
    }

    /// Whether it will know the digest of all bytes.
    pub fn is_whole(&self) -> bool {
        self.hasher.is_whole()
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
        let mut hasher = self.hasher;
        call.report_progress(hasher.at(), total);
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
            if let Some(chunk) = unwritten(chunk, self.offset) {
                self.end.spend(call, &chunk).await?;
                if let Some(token) = self.end.guarded(call, self.writer.write(chunk)).await? {
                    let digest = hasher.state_at(token.offset);
                    keep.keep(Resume { token, digest }).await?;
                }
            }
            call.report_progress(hasher.at(), total);
        }
        let is_whole = hasher.is_whole();
        let digest = hasher.finish(self.size_bytes)?;
        let written = self.end.guarded(call, self.writer.finish()).await?;
        Ok(Received { digest: is_whole.then_some(digest), written })
    }
}

impl fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("end", &self.end).field("offset", &self.offset).finish()
    }
}

/// What of a chunk lies at an offset or behind it.
fn unwritten(chunk: Chunk, offset: u64) -> Option<Chunk> {
    match offset.saturating_sub(chunk.offset()) {
        0 => Some(chunk),
        written => split(chunk, written).1,
    }
}

/// Whether a driver says by this that it knows a token no more.
const fn is_forgotten(kind: PluginErrorKind) -> bool {
    use PluginErrorKind::{Conflict, Corrupt, InvalidArgument, NotFound, Unsupported};
    matches!(kind, InvalidArgument | NotFound | Unsupported | Conflict | Corrupt)
}
