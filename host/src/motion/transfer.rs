//! The host's own copy: what one driver reads, another one writes.
//!
//! A copy that broke off begins anew: what the destination had is overwritten, so the same step may
//! run any number of times.

use super::digest::Digest;
use super::end::End;
use super::receive::{ChunkStream, KeepNone, Sink};
use async_trait::async_trait;
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
/// # Errors
/// Those of either end's streams; `Corrupt` where the source gives other than these bytes;
/// `Cancelled`.
pub async fn transfer(
    call: &CallContext,
    source: &End<'_>,
    destination: &End<'_>,
    size_bytes: u64,
) -> PluginResult<Transferred> {
    let reader = source.reader(call, size_bytes).await?;
    let sink = Sink::open(call, destination, size_bytes, None).await?;
    let received = sink.fill(call, &mut Read { source, reader }, &mut KeepNone).await?;
    let digest = received.digest.ok_or_else(|| PluginError::internal("a copy began midway"))?;
    Ok(Transferred { digest, written: received.written })
}

/// The chunks that a driver reads.
struct Read<'a> {
    source: &'a End<'a>,
    reader: Box<dyn DataReader>,
}

#[async_trait]
impl ChunkStream for Read<'_> {
    async fn next_chunk(&mut self, call: &CallContext) -> PluginResult<Option<Chunk>> {
        self.source.next(call, self.reader.as_mut()).await
    }
}
