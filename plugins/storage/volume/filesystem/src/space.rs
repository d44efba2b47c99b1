//! Setting the space of a file aside.

use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use std::fs::File;
use std::path::Path;
use storage_plugin_api::{CallContext as Call, PluginError, PluginResult as Result};

/// How much is set aside between two looks at whether the call was given up.
const PIECE_BYTES: u64 = 1 << 30;

/// Sets the space of a file aside, up to a size that it need not have yet.
pub(crate) fn allocate(call: &Call, file: &File, path: &Path, size: u64) -> Result<()> {
    let mut at = 0;
    while at < size {
        if call.is_cancelled() {
            return Err(PluginError::cancelled("setting space aside was given up"));
        }
        let piece = PIECE_BYTES.min(size - at);
        match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, at, piece) {
            Ok(()) => at += piece,
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                return Err(PluginError::unsupported(format!(
                    "preallocation: the file system of {path:?} sets no space aside; use \"off\""
                )));
            }
            Err(error) => {
                let doing = format!("cannot set {size} bytes aside for {path:?}");
                return Err(PluginError::from_io(doing, &error.into()));
            }
        }
        call.report_progress(at, Some(size));
    }
    Ok(())
}
