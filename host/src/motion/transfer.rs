//! The host's own copy: what one driver reads, another one writes.
//!
//! A copy that broke off begins anew: what the destination had is overwritten, so the same step may
//! run any number of times.

use super::digest::{Digest, Hasher};
use super::end::End;
use storage_plugin_api::{CallContext, OpenWriterRequest, PluginError, PluginResult, WriteResult};

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
    call.report_progress(0, Some(size_bytes));
    let mut reader = source.reader(call, size_bytes).await?;
    let ask = OpenWriterRequest::new(destination.object.clone(), size_bytes);
    let opened = destination.driver.open_writer(call, destination.store, ask);
    let mut opened = destination.guarded(call, opened).await?;
    if opened.offset != 0 {
        return Err(PluginError::corrupt(format!(
            "a writer that was given no token wants to begin at {}",
            opened.offset
        )));
    }
    let mut hasher = Hasher::default();
    while let Some(chunk) = source.next(call, reader.as_mut()).await? {
        // A chunk that is there at once never waits, so the guard does not look.
        if call.is_cancelled() {
            return Err(PluginError::cancelled(format!(
                "cancelled after {} of {size_bytes} bytes",
                hasher.at()
            )));
        }
        hasher.take(call, &chunk).await?;
        // The token is not kept: see the head of this file.
        destination.guarded(call, opened.writer.write(chunk)).await?;
        call.report_progress(hasher.at(), Some(size_bytes));
    }
    let digest = hasher.finish(size_bytes)?;
    let written = destination.guarded(call, opened.writer.finish()).await?;
    Ok(Transferred { digest, written })
}
