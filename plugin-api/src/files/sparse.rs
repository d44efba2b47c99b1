//! Reads a file with its holes: they are told without being read.

use super::{FileReader, blocking, next_data};
use crate::error::{PluginError, PluginResult as Result};
use crate::stream::{Chunk, DataReader};
use async_trait::async_trait;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Reads a range of a file: its data through a [`FileReader`] a run, its holes without reading
/// them.
#[derive(Debug)]
pub struct SparseReader {
    path: PathBuf,
    file: File,
    at: u64,
    end: u64,
    /// Of the run of data that begins at `at` or before.
    run: Option<FileReader>,
}

/// What comes next: a hole up to an offset, or data.
enum Next {
    Hole(u64),
    Data(FileReader),
}

impl SparseReader {
    /// A reader of a range of a file that the driver opened. The path is what errors name.
    pub fn over(path: &Path, file: File, range: Range<u64>) -> Self {
        Self { path: path.to_owned(), file, at: range.start, end: range.end, run: None }
    }

    async fn find_next(&self) -> Result<Next> {
        let (at, end, path) = (self.at, self.end, self.path.clone());
        let again = self.file.try_clone();
        blocking(move || {
            let failed = |error| PluginError::from_io(format!("cannot open {path:?}"), &error);
            let file = again.map_err(failed)?;
            Ok(match next_data(&file, &path, at, end)? {
                None => Next::Hole(end),
                Some(run) if run.start > at => Next::Hole(run.start),
                Some(run) => Next::Data(FileReader::over(&path, file, run)),
            })
        })
        .await
    }
}

#[async_trait]
impl DataReader for SparseReader {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            if let Some(run) = &mut self.run {
                if let Some(chunk) = run.next().await? {
                    self.at = chunk.offset() + chunk.length();
                    return Ok(Some(chunk));
                }
                self.run = None;
            }
            if self.at >= self.end {
                return Ok(None);
            }
            match self.find_next().await? {
                Next::Data(run) => self.run = Some(run),
                Next::Hole(end) => {
                    let (offset, length) = (self.at, end - self.at);
                    self.at = end;
                    return Ok(Some(Chunk::Hole { offset, length }));
                }
            }
        }
    }
}
