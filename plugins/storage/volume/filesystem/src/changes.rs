//! What differs between two files, as it is found by comparing them.
//!
//! It costs reading the data of both: file systems do not tell which blocks two files share in a
//! way that can be relied on. What it saves is moving and storing the rest elsewhere.
//!
//! Invariant: every byte that differs is in a run that is told; a run may hold bytes that do not.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use storage_plugin_api::files::next_data;
use storage_plugin_api::{CallContext as Call, PluginError, PluginResult as Result};

/// The border of runs: what is moved for one byte that changed.
const BLOCK_BYTES: u64 = 64 << 10;

/// How much is read of each file at once, and how often it is looked whether anybody still waits.
const PIECE_BYTES: u64 = 1 << 20;

/// A file that is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) file: &'a File,
    pub(crate) path: &'a Path,
    pub(crate) size: u64,
}

/// The runs in which a file differs from what it was before, in order. Beyond its end the file of
/// before counts as zeros.
pub(crate) fn changed_runs(
    call: &Call,
    now: Side<'_>,
    before: Side<'_>,
) -> Result<Vec<Range<u64>>> {
    let mut runs: Vec<Range<u64>> = Vec::new();
    let (mut at, mut buffers) = (0, (Vec::new(), Vec::new()));
    while let Some(from) = next_of_either(now, before, at)? {
        if call.is_cancelled() {
            return Err(PluginError::cancelled("the comparison was given up"));
        }
        let piece = from..now.size.min(from + PIECE_BYTES);
        read(now, &piece, &mut buffers.0)?;
        read(before, &piece, &mut buffers.1)?;
        let blocks = buffers.0.chunks(BLOCK_BYTES as usize);
        let mut offset = piece.start;
        for (one, other) in blocks.zip(buffers.1.chunks(BLOCK_BYTES as usize)) {
            let block = offset..offset + one.len() as u64;
            offset = block.end;
            if one == other {
                continue;
            }
            match runs.last_mut() {
                Some(last) if last.end == block.start => last.end = block.end,
                _ => runs.push(block),
            }
        }
        at = piece.end;
        call.report_progress(at, Some(now.size));
    }
    Ok(runs)
}

/// Where the next data of either file begins, at the border of a block; `None` where both have
/// only holes left.
fn next_of_either(now: Side<'_>, before: Side<'_>, at: u64) -> Result<Option<u64>> {
    let one = next_data(now.file, now.path, at, now.size)?;
    let other = next_data(before.file, before.path, at, before.size.min(now.size))?;
    let next = one.into_iter().chain(other).map(|run| run.start).min();
    Ok(next.map(|next| (next / BLOCK_BYTES * BLOCK_BYTES).max(at)))
}

/// Reads a range of a file; what lies beyond its end is zeros.
fn read(side: Side<'_>, range: &Range<u64>, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    buffer.resize((range.end - range.start) as usize, 0);
    let there = side.size.saturating_sub(range.start).min(buffer.len() as u64);
    let Some(there) = buffer.get_mut(..there as usize) else {
        return Ok(());
    };
    side.file.read_exact_at(there, range.start).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => {
            PluginError::conflict(format!("{:?} became smaller while it was read", side.path))
        }
        _ => PluginError::from_io(format!("cannot read {:?}", side.path), &error),
    })
}
