//! Which runs of a file hold data, as the file system knows it.

use crate::error::{PluginError, PluginResult as Result};
use rustix::fs::SeekFrom;
use rustix::io::Errno;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// The next run of data from an offset on, within an end; `None` where only holes are left.
///
/// Moves the file's position: a file that is read elsewhere as well is read at offsets. The path is
/// what errors name.
///
/// # Errors
/// What the file system says.
pub fn next_data(file: &File, path: &Path, from: u64, end: u64) -> Result<Option<Range<u64>>> {
    let failed = |error: Errno| {
        PluginError::from_io(format!("cannot find the data of {path:?}"), &error.into())
    };
    if from >= end {
        return Ok(None);
    }
    let start = match rustix::fs::seek(file, SeekFrom::Data(from)) {
        // Beyond the last byte of data.
        Err(Errno::NXIO) => return Ok(None),
        // A file system that knows no holes has none.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some(from..end)),
        start => start.map_err(failed)?,
    };
    if start >= end {
        return Ok(None);
    }
    // The end of a file counts as a hole.
    let stop = rustix::fs::seek(file, SeekFrom::Hole(start)).map_err(failed)?;
    Ok(Some(start..stop.min(end)))
}

/// Every run of data of a file, in order.
///
/// # Errors
/// What the file system says.
pub fn data_runs(file: &File, path: &Path, size: u64) -> Result<Vec<Range<u64>>> {
    let (mut runs, mut at) = (Vec::new(), 0);
    while let Some(run) = next_data(file, path, at, size)? {
        at = run.end;
        runs.push(run);
    }
    Ok(runs)
}
