//! Whether blocks are shared or copied: what the operator wants and what the file system can.

use crate::details::Reflink;
use crate::pace::Pace;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;
use storage_plugin_api::files::{Copying, Directory};
use storage_plugin_api::{CallContext as Call, PluginError, PluginResult as Result};

/// Between two looks at whether the call was given up.
const PIECE_BYTES: u64 = 8 << 20;

/// A file to copy from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a File,
    pub(crate) path: &'a Path,
    pub(crate) size: u64,
}

/// Makes an empty file have the bytes of another. Not yet durable.
pub(crate) fn copy(
    call: &Call,
    from: Source<'_>,
    to: (&File, &Path),
    reflink: Reflink,
    pace: Pace,
) -> Result<()> {
    let copying = Copying::new((from.file, from.path), to, from.size);
    if reflink != Reflink::Never && copying.share()? {
        call.report_progress(from.size, Some(from.size));
        return Ok(());
    }
    if reflink == Reflink::Always {
        return Err(cannot_share(from.path));
    }
    let begun = Instant::now();
    let piece = pace.piece(PIECE_BYTES);
    copying.copy(call, reflink != Reflink::Never, piece, |copied| pace.keep(begun, copied))
}

/// Whether a file system shares blocks, tried on two nameless files of it.
pub(crate) fn is_possible(directory: &Directory) -> bool {
    let path = directory.path();
    let try_it = || {
        let (from, to) = (directory.nameless().ok()?, directory.nameless().ok()?);
        from.write_all_at(&[1; 4096], 0).ok()?;
        Copying::new((&from, path), (&to, path), 4096).share().ok()
    };
    try_it().unwrap_or(false)
}

/// The error where an operator insists on sharing.
pub(crate) fn cannot_share(path: &Path) -> PluginError {
    PluginError::unsupported(format!(
        "reflink: the file system of {path:?} cannot share blocks; use \"auto\", or XFS or Btrfs"
    ))
}
