//! Writes a file from chunks and holes, and goes on where it stopped.

use super::{blocking, existing, failed, make, physical};
use crate::driver::OpenWriterRequest;
use crate::error::{PluginError, PluginResult};
use crate::stream::{CheckpointToken, Chunk, DataWriter, OpenedWriter, WriteResult};
use async_trait::async_trait;
use bytes::Bytes;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is written before it is made durable and a token says so.
const CHECKPOINT_BYTES: u64 = 32 << 20;

/// A writer of a file that has its length already. What is not written stays a hole.
///
/// Writing from the start replaces the file by a new, empty one, so nothing of before is left,
/// and a token of an older write is refused instead of mixing the bytes of two.
#[derive(Debug)]
pub struct FileWriter {
    path: PathBuf,
    file: Arc<File>,
    offset: u64,
    durable: u64,
    announced: u64,
    /// Which file a token is of.
    state: Bytes,
}

impl FileWriter {
    /// Opens a file for writing it whole, or from a token on. Blocks.
    ///
    /// # Errors
    /// `NotFound`, `InvalidArgument` for more bytes than the file has and for a token of another
    /// file, and whatever the file system says.
    pub fn open(path: &Path, request: &OpenWriterRequest) -> PluginResult<OpenedWriter> {
        let size = existing(path)?.len();
        if request.size_bytes > size {
            return Err(PluginError::invalid_argument(format!(
                "{} bytes do not fit into the {size} bytes of {path:?}",
                request.size_bytes
            )));
        }
        if request.resume.is_none() {
            make(path, |new| File::create_new(new)?.set_len(size))?;
        }
        let file = File::options().write(true).open(path);
        Self::over(path, file.map_err(|error| failed("open", path, &error))?, request)
    }

    /// A writer of a file that the driver opened in its own way: one with a token goes on there,
    /// one without writes from the start and finds an empty file of the object's length. The path
    /// is what errors name. Blocks.
    ///
    /// # Errors
    /// `InvalidArgument` for a token of another file, and whatever the file system says.
    pub fn over(
        path: &Path,
        file: File,
        request: &OpenWriterRequest,
    ) -> PluginResult<OpenedWriter> {
        let found = file.metadata().map_err(|error| failed("look at", path, &error))?;
        let state = Bytes::from(found.ino().to_string());
        let of_this_file =
            |token: &CheckpointToken| token.state == state && token.offset <= request.size_bytes;
        if !request.resume.iter().all(of_this_file) {
            return Err(PluginError::invalid_argument(format!("the token is not one of {path:?}")));
        }
        let offset = request.resume.as_ref().map_or(0, |token| token.offset);
        if request.resume.is_some() {
            // What was written after the token may be there or not: it is forgotten.
            let cut = file.set_len(offset).and_then(|()| file.set_len(found.len()));
            cut.map_err(|error| failed("write", path, &error))?;
        }
        let writer = Self {
            path: path.to_owned(),
            file: Arc::new(file),
            offset,
            durable: offset,
            announced: request.size_bytes,
            state,
        };
        Ok(OpenedWriter::new(offset, writer))
    }

    /// Waits for the disk.
    async fn flush(&mut self) -> PluginResult<u64> {
        let (path, file) = (self.path.clone(), Arc::clone(&self.file));
        let physical = blocking(move || {
            let flushed = file.sync_all().and_then(|()| file.metadata());
            Ok(physical(&flushed.map_err(|error| failed("flush", &path, &error))?))
        })
        .await?;
        self.durable = self.offset;
        Ok(physical)
    }
}

#[async_trait]
impl DataWriter for FileWriter {
    async fn write(&mut self, chunk: Chunk) -> PluginResult<Option<CheckpointToken>> {
        let end = chunk.offset().saturating_add(chunk.length());
        if chunk.offset() < self.offset || end > self.announced {
            return Err(PluginError::invalid_argument(format!(
                "a chunk from {} to {end} is out of its place: {} of {} bytes are written",
                chunk.offset(),
                self.offset,
                self.announced
            )));
        }
        if let Chunk::Data { offset, bytes } = chunk {
            let (path, file) = (self.path.clone(), Arc::clone(&self.file));
            blocking(move || {
                let written = file.write_all_at(&bytes, offset);
                written.map_err(|error| failed("write", &path, &error))
            })
            .await?;
        }
        self.offset = end;
        if end - self.durable < CHECKPOINT_BYTES {
            return Ok(None);
        }
        // First durable, then promised: a token must hold after a power failure.
        self.flush().await?;
        Ok(Some(CheckpointToken::new(end, self.state.clone())))
    }

    async fn finish(&mut self) -> PluginResult<WriteResult> {
        let physical = self.flush().await?;
        Ok(WriteResult::new(self.announced, physical))
    }

    async fn abort(&mut self) -> PluginResult<()> {
        let (path, file) = (self.path.clone(), Arc::clone(&self.file));
        blocking(move || {
            let size = file.metadata().map(|found| found.len());
            let emptied = size.and_then(|size| file.set_len(0).and_then(|()| file.set_len(size)));
            emptied.map_err(|error| failed("empty", &path, &error))
        })
        .await
    }
}
