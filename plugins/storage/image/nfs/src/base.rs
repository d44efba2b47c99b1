//! A file in the making begins with the bytes of a finished one.
//!
//! Where the file system shares blocks that takes no time and no space. Where it does not, a server
//! of NFS 4.2 copies the data by itself, and on any other mount it comes to this machine and goes
//! back; holes stay holes. Nothing refers to the other file afterwards.

use std::fs::File;
use std::path::Path;
use storage_plugin_api::files::Copying;
use storage_plugin_api::{CallContext as Call, PluginResult as Result};

/// How much is copied between two looks at whether the call was given up.
const PIECE_BYTES: u64 = 8 << 20;

/// Gives an empty file the bytes of another file of a size. Not yet durable.
pub(crate) fn begin_with(
    call: &Call,
    from: (&File, &Path),
    to: (&File, &Path),
    size: u64,
) -> Result<()> {
    let copying = Copying::new(from, to, size);
    if copying.share()? {
        call.report_progress(size, Some(size));
        return Ok(());
    }
    copying.copy(call, true, PIECE_BYTES, |_| ())
}
