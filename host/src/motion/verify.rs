//! The check that the bytes of a transfer arrived.

use super::digest::{Digest, Hasher};
use super::end::End;
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
    let other = |found: &dyn std::fmt::Display| {
        PluginError::corrupt(format!(
            "the bytes that passed have the digest {digest}, and those at the destination {found}"
        ))
    };
    if let Some(recorded) = recorded
        && let Some(agrees) = digest.agrees_with(recorded)
    {
        return if agrees { Ok(()) } else { Err(other(&recorded)) };
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
    let found = hasher.finish(size_bytes)?;
    if found == *digest { Ok(()) } else { Err(other(&found)) }
}
