//! The host's own copy: what one driver reads, another one writes.
//!
//! A copy that broke off goes on where the writer's last token says, with the digest of what came
//! before, so nothing is moved twice; without a token what the destination had is overwritten. The
//! same step may run any number of times.

use super::end::End;
use super::receive::{ChunkStream, KeepToken, Resume, Sink};
use async_trait::async_trait;
use storage_plugin_api::digest::Digest;
use storage_plugin_api::{CallContext, Chunk, DataReader, PluginError, PluginResult, WriteResult};

/// What a transfer left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transferred {
    /// The digest of the bytes that passed.
    pub digest: Digest,
    /// What the writer says of the destination.
    pub written: WriteResult,
}

/// Copies the first `size_bytes` of an object onto another one, which was created before and is at
/// least as large. Holes stay holes. Progress is reported in bytes of the object.
///
/// `resume` is what an earlier attempt kept, of the same bytes: whoever gives it knows that they
/// did not change.
///
/// # Errors
/// Those of either end's streams; `Corrupt` where the source gives other than these bytes;
/// `Cancelled`.
pub async fn transfer(
    call: &CallContext,
    source: &End<'_>,
    destination: &End<'_>,
    size_bytes: u64,
    resume: Option<Resume>,
    keep: &mut dyn KeepToken,
) -> PluginResult<Transferred> {
    let mut sink = Sink::open(call, destination, size_bytes, resume).await?;
    if !sink.is_whole() {
        // A copy is held against its source, so what was not summed up is moved again.
        sink = Sink::open(call, destination, size_bytes, None).await?;
    }
    let from = sink.from();
    let reader = match from < size_bytes {
        true => Some(source.reader_at(call, from, size_bytes - from).await?),
        false => None,
    };
    let received = sink.fill(call, &mut Read { source, reader }, keep).await?;
    let digest = received.digest.ok_or_else(|| PluginError::internal("a copy began midway"))?;
    Ok(Transferred { digest, written: received.written })
}

/// The chunks that a driver reads.
struct Read<'a> {
    source: &'a End<'a>,
    /// `None` where all was read before.
    reader: Option<Box<dyn DataReader>>,
}

#[async_trait]
impl ChunkStream for Read<'_> {
    async fn next_chunk(&mut self, call: &CallContext) -> PluginResult<Option<Chunk>> {
        match &mut self.reader {
            Some(reader) => self.source.next(call, reader.as_mut()).await,
            None => Ok(None),
        }
    }
}
