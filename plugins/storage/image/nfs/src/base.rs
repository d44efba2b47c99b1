//! A file in the making begins with the bytes of a finished one.
//!
//! Where the file system shares blocks that takes no time and no space; where it does not, the data
//! is copied on the machine that has it, and holes stay holes. Nothing refers to the other file
//! afterwards.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use storage_plugin_api::files::next_data;
use storage_plugin_api::{CallContext as Call, PluginError, PluginResult as Result};

/// How much is copied between two looks at whether the call was given up.
const PIECE_BYTES: u64 = 8 << 20;

/// How many zeros are written at once, where no hole can be made.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// Gives an empty file of a size the bytes of another file of that size. Not yet durable.
pub(crate) fn begin_with(
    call: &Call,
    (from, path): (&File, &Path),
    to: &File,
    size: u64,
) -> Result<()> {
    if share(from, to) {
        call.report_progress(size, Some(size));
        return Ok(());
    }
    let failed = |error: io::Error| PluginError::from_io(format!("cannot copy {path:?}"), &error);
    let (mut at, mut buffer) = (0, Vec::new());
    while let Some(run) = next_data(from, path, at, size)? {
        at = run.start;
        while at < run.end {
            if call.is_cancelled() {
                return Err(PluginError::cancelled("the write was given up"));
            }
            let length = PIECE_BYTES.min(run.end - at);
            buffer.resize(length as usize, 0);
            from.read_exact_at(&mut buffer, at).map_err(failed)?;
            to.write_all_at(&buffer, at).map_err(failed)?;
            at += length;
            // Otherwise the last flush could take longer than a call may be silent.
            to.sync_data().map_err(failed)?;
            call.report_progress(at, Some(size));
        }
    }
    to.set_len(size).map_err(failed)
}

/// Makes a range of a file zeros: a hole, where the file system makes one in the middle of a file.
pub(crate) fn make_zeros(file: &File, offset: u64, length: u64) -> io::Result<()> {
    if punch(file, offset, length) {
        return Ok(());
    }
    let (mut at, end) = (offset, offset + length);
    while at < end {
        let now = (end - at).min(ZEROS.len() as u64);
        file.write_all_at(ZEROS.get(..now as usize).unwrap_or(&ZEROS), at)?;
        at += now;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn share(from: &File, to: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn share(_: &File, _: &File) -> bool {
    false
}

#[cfg(target_os = "linux")]
fn punch(file: &File, offset: u64, length: u64) -> bool {
    let hole = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(file, hole, offset, length).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn punch(_: &File, _: u64, _: u64) -> bool {
    false
}
