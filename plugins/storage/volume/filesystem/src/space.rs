//! Space: how much a file system has, and setting some aside for a file.

use crate::directory::Directory;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use std::fs::File;
use std::path::Path;
use storage_plugin_api::{CallContext as Call, PluginError, PluginResult as Result};

/// How much is set aside between two looks at whether the call was given up.
const PIECE_BYTES: u64 = 1 << 30;

/// The space of a file system, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Space {
    pub(crate) capacity: u64,
    /// What cannot be written to any more, what is kept for root included.
    pub(crate) used: u64,
}

/// The space of the file system that a directory is on.
pub(crate) fn of(directory: &Directory) -> Result<Space> {
    let told = rustix::fs::fstatvfs(directory.as_file())
        .map_err(|error| directory.failed("ask for the space of", "", error))?;
    let unit = told.f_frsize;
    Ok(Space {
        capacity: told.f_blocks.saturating_mul(unit),
        used: told.f_blocks.saturating_sub(told.f_bavail).saturating_mul(unit),
    })
}

/// Names a directory wherever it is mounted and whatever it is called: by its file system and its
/// number in there.
pub(crate) fn identity(directory: &Directory) -> Result<String> {
    let failed = |error: Errno| directory.failed("look at", "", error);
    let told = rustix::fs::fstatvfs(directory.as_file()).map_err(failed)?;
    let stat = rustix::fs::fstat(directory.as_file()).map_err(failed)?;
    // Device numbers change from boot to boot; they are for file systems without an id.
    Ok(match told.f_fsid {
        0 => format!("device-{:x}:{}", stat.st_dev, stat.st_ino),
        id => format!("filesystem-{id:x}:{}", stat.st_ino),
    })
}

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
