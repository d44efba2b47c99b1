//! Reads a file as chunks and holes.

use super::{blocking, existing, failed};
use crate::driver::OpenReaderRequest;
use crate::error::PluginResult;
use crate::stream::{CHUNK_BYTES, Chunk, DataReader};
use async_trait::async_trait;
use bytes::Bytes;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The unit in which zeros are looked for: as small as file systems give out space, or nearly.
const BLOCK: usize = 64 << 10;
const ZEROS: &[u8; BLOCK] = &[0; BLOCK];

/// A reader of a file. Whole blocks of zeros are told as holes, so a sparse file stays sparse
/// wherever it goes.
#[derive(Debug)]
pub struct FileReader {
    path: PathBuf,
    file: Arc<File>,
    offset: u64,
    end: u64,
    /// Read, not yet given out; begins at `offset`.
    buffer: Bytes,
}

impl FileReader {
    /// Opens a file for the range of a request. Blocks.
    ///
    /// # Errors
    /// `NotFound`, and whatever the file system says.
    pub fn open(path: &Path, request: &OpenReaderRequest) -> PluginResult<Self> {
        existing(path)?;
        let file = File::open(path).map_err(|error| failed("open", path, &error))?;
        // Of what was opened: another file may have got the name since it was looked at.
        let size = file.metadata().map_err(|error| failed("look at", path, &error))?.len();
        let asked = request.length.map(|length| request.offset.saturating_add(length));
        let end = asked.map_or(size, |end| end.min(size));
        Ok(Self::over(path, file, request.offset..end))
    }

    /// A reader of a range of a file that the driver opened in its own way. The path is what
    /// errors name.
    pub fn over(path: &Path, file: File, range: Range<u64>) -> Self {
        Self {
            path: path.to_owned(),
            file: Arc::new(file),
            offset: range.start,
            end: range.end,
            buffer: Bytes::new(),
        }
    }

    async fn fill(&mut self) -> PluginResult<()> {
        let (path, file, offset) = (self.path.clone(), Arc::clone(&self.file), self.offset);
        let length = (self.end - offset).min(CHUNK_BYTES as u64);
        self.buffer = blocking(move || {
            let mut bytes = vec![0; length as usize];
            let read = file.read_exact_at(&mut bytes, offset);
            read.map_err(|error| failed("read", &path, &error))?;
            Ok(Bytes::from(bytes))
        })
        .await?;
        Ok(())
    }
}

#[async_trait]
impl DataReader for FileReader {
    async fn next(&mut self) -> PluginResult<Option<Chunk>> {
        if self.offset >= self.end {
            return Ok(None);
        }
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        // The run of blocks at the start that are holes, or are not, as the first is. Less than a
        // block is data: a single zero that somebody wrote is no hole.
        let is_hole = |block: &[u8]| block == ZEROS;
        let hole = self.buffer.starts_with(ZEROS);
        let run = self.buffer.chunks(BLOCK).take_while(|block| is_hole(block) == hole);
        let bytes = self.buffer.split_to(run.map(<[u8]>::len).sum());
        let (offset, length) = (self.offset, bytes.len() as u64);
        self.offset += length;
        Ok(Some(if hole { Chunk::Hole { offset, length } } else { Chunk::Data { offset, bytes } }))
    }
}
