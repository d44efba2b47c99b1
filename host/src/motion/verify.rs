//! The check that the bytes of a transfer arrived.

use super::checksum::Checksum;
use super::digest::{Hasher, each_piece};
use super::end::End;
use storage_plugin_api::digest::Digest;
use storage_plugin_api::{CallContext, PluginError, PluginResult};

/// Checks that an object begins with `size_bytes` of a digest: by the digest that its driver
/// recorded, or by reading them back.
///
/// # Errors
/// `Corrupt` where it has other bytes; those of its reader.
pub async fn verify(
    call: &CallContext,
    end: &End<'_>,
    digest: &Digest,
    size_bytes: u64,
    recorded: Option<&str>,
) -> PluginResult<()> {
    if let Some(recorded) = recorded
        && digest.agrees_with(recorded).is_some()
    {
        return digest.expect(&recorded);
    }
    let mut reader = end.reader(call, size_bytes).await?;
    let mut hasher = Hasher::default();
    while let Some(chunk) = end.next(call, reader.as_mut()).await? {
        if call.is_cancelled() {
            return Err(PluginError::cancelled("cancelled while the copy was checked"));
        }
        hasher.take(call, &chunk).await?;
        // All bytes were moved; this says that the check is alive.
        call.report_progress(size_bytes, Some(size_bytes));
    }
    digest.expect(&hasher.finish(size_bytes)?)
}

/// Reads an object back: the digest of its bytes, whose checksum is checked on the way.
///
/// # Errors
/// `Corrupt` where the checksum is another; those of its reader; `Cancelled`.
pub async fn read_back(
    call: &CallContext,
    end: &End<'_>,
    size_bytes: u64,
    checksum: Option<&Checksum>,
) -> PluginResult<Digest> {
    let mut reader = end.reader(call, size_bytes).await?;
    let mut hasher = Hasher::default();
    let mut other = checksum.map(Checksum::hasher);
    while let Some(chunk) = end.next(call, reader.as_mut()).await? {
        if call.is_cancelled() {
            return Err(PluginError::cancelled("cancelled while an object was read back"));
        }
        hasher.take(call, &chunk).await?;
        if let Some(other) = &mut other {
            each_piece(call, &chunk, |bytes| other.update(bytes)).await?;
        }
        call.report_progress(size_bytes, Some(size_bytes));
    }
    let digest = hasher.finish(size_bytes)?;
    if let (Some(wanted), Some(found)) = (checksum, other) {
        wanted.verify(&found.finish())?;
    }
    Ok(digest)
}
