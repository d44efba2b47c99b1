//! Copies of files: by sharing blocks where the file system can, byte by byte where it cannot.
//!
//! Sharing takes the same time and space whatever the size, and is one point in time even while
//! somebody writes to the source. A copy is neither, keeps holes, reports progress and ends soon
//! after its call was given up.

use crate::details::Reflink;
use crate::pace::Pace;
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;
use storage_plugin_api::files::{Directory, next_data};
use storage_plugin_api::{CallContext as Call, PluginError, PluginResult as Result};

/// Between two looks at whether the call was given up.
const PIECE_BYTES: u64 = 8 << 20;

/// Between two waits for the disk: without them the last one could take longer than a call may be
/// silent.
const FLUSH_BYTES: u64 = 64 << 20;

/// The buffer where the kernel does not copy by itself.
const BUFFER_BYTES: usize = 1 << 20;

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
    to: &File,
    reflink: Reflink,
    pace: Pace,
) -> Result<()> {
    if reflink != Reflink::Never {
        match share(from.file, to) {
            Ok(()) => {
                call.report_progress(from.size, Some(from.size));
                return Ok(());
            }
            Err(error) if is_final(error) => return Err(failed(from.path, &error.into())),
            Err(_) if reflink == Reflink::Always => return Err(cannot_share(from.path)),
            Err(_) => {}
        }
    }
    copy_data(call, from, to, reflink != Reflink::Never, pace)
}

/// Whether a file system shares blocks, tried on two nameless files of it.
pub(crate) fn is_possible(directory: &Directory) -> bool {
    let try_it = || -> io::Result<()> {
        let (from, to) = (directory.nameless()?, directory.nameless()?);
        from.write_all_at(&[1; 4096], 0)?;
        Ok(share(&from, &to)?)
    };
    try_it().is_ok()
}

/// The error where an operator insists on sharing.
pub(crate) fn cannot_share(path: &Path) -> PluginError {
    PluginError::unsupported(format!(
        "reflink: the file system of {path:?} cannot share blocks; use \"auto\", or XFS or Btrfs"
    ))
}

#[cfg(target_os = "linux")]
fn share(from: &File, to: &File) -> rustix::io::Result<()> {
    rustix::fs::ioctl_ficlone(to, from)
}

#[cfg(not(target_os = "linux"))]
fn share(_: &File, _: &File) -> rustix::io::Result<()> {
    Err(Errno::OPNOTSUPP)
}

/// Whether copying would fail in the same way.
fn is_final(error: Errno) -> bool {
    [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::ROFS].contains(&error)
}

fn copy_data(call: &Call, from: Source<'_>, to: &File, by_kernel: bool, pace: Pace) -> Result<()> {
    let (begun, piece_bytes) = (Instant::now(), pace.piece(PIECE_BYTES));
    let (mut by_kernel, mut at, mut copied, mut unflushed) = (by_kernel, 0, 0, 0);
    while let Some(run) = next_data(from.file, from.path, at, from.size)? {
        at = run.start;
        while at < run.end {
            if call.is_cancelled() {
                return Err(PluginError::cancelled("the copy was given up"));
            }
            let piece = at..run.end.min(at + piece_bytes);
            copy_piece(from, to, piece.clone(), &mut by_kernel)
                .map_err(|error| failed(from.path, &error))?;
            at = piece.end;
            copied += piece.end - piece.start;
            unflushed += piece.end - piece.start;
            if unflushed >= FLUSH_BYTES {
                to.sync_data().map_err(|error| failed(from.path, &error))?;
                unflushed = 0;
            }
            call.report_progress(at, Some(from.size));
            pace.keep(begun, copied);
        }
    }
    to.set_len(from.size).map_err(|error| failed(from.path, &error))
}

fn copy_piece(
    from: Source<'_>,
    to: &File,
    piece: Range<u64>,
    by_kernel: &mut bool,
) -> io::Result<()> {
    let mut at = piece.start;
    while *by_kernel && at < piece.end {
        match copy_by_kernel(from.file, to, at, piece.end - at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(copied) => at += copied,
            Err(Errno::INTR) => {}
            Err(error) if is_final(error) => return Err(error.into()),
            // What the kernel cannot do between these two files it cannot do for the rest either.
            Err(_) => *by_kernel = false,
        }
    }
    let mut buffer = Vec::new();
    while at < piece.end {
        let length = (piece.end - at).min(BUFFER_BYTES as u64);
        buffer.resize(length as usize, 0);
        from.file.read_exact_at(&mut buffer, at)?;
        to.write_all_at(&buffer, at)?;
        at += length;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn copy_by_kernel(from: &File, to: &File, at: u64, length: u64) -> rustix::io::Result<u64> {
    let (mut read_at, mut write_at) = (at, at);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let copied =
        rustix::fs::copy_file_range(from, Some(&mut read_at), to, Some(&mut write_at), length)?;
    Ok(copied as u64)
}

#[cfg(not(target_os = "linux"))]
fn copy_by_kernel(_: &File, _: &File, _: u64, _: u64) -> rustix::io::Result<u64> {
    Err(Errno::NOSYS)
}

fn failed(path: &Path, error: &io::Error) -> PluginError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return PluginError::conflict(format!("{path:?} became smaller while it was copied"));
    }
    PluginError::from_io(format!("cannot copy {path:?}"), error)
}
