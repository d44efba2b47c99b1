//! Writes a file from chunks and holes, and goes on where it stopped.

use super::{attempt, blocking, existing, failed, make, make_zeros, physical};
use crate::driver::OpenWriterRequest;
use crate::error::{PluginError, PluginResult};
use crate::stream::{CheckpointToken, Chunk, DataWriter, OpenedWriter, WriteResult};
use async_trait::async_trait;
use bytes::Bytes;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is written before it is made durable and a token says so.
const CHECKPOINT_BYTES: u64 = 32 << 20;

/// A writer of a file that has its length already. What is not written stays a hole.
///
/// Writing from the start replaces the file by a new, empty one, so nothing of before is left,
/// and a token of an older write is refused instead of mixing the bytes of two. So is one of a
/// write that was finished. Where the file system keeps no extended attributes no tokens are given
/// ([`Directory::gives_tokens`](super::Directory::gives_tokens)).
#[derive(Debug)]
pub struct FileWriter {
    path: PathBuf,
    file: Arc<File>,
    offset: u64,
    durable: u64,
    announced: u64,
    /// Which attempt a token is of; `None` where the file system keeps none.
    attempt: Option<Bytes>,
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
        let attempt = match &request.resume {
            None => attempt::begin(&file),
            Some(_) => attempt::of(&file),
        };
        let attempt = attempt.map_err(|error| failed("mark", path, &error))?;
        let is_of_attempt = |token: &CheckpointToken| {
            attempt.as_ref() == Some(&token.state) && token.offset <= request.size_bytes
        };
        if !request.resume.iter().all(is_of_attempt) {
            return Err(PluginError::invalid_argument(format!(
                "the token is not one of {path:?}; that write was finished, replaced or given up"
            )));
        }
        let offset = request.resume.as_ref().map_or(0, |token| token.offset);
        if request.resume.is_some() {
            // What was written after the token may be there or not: it is forgotten.
            make_zeros(&file, path, offset..found.len())?;
        }
        let writer = Self {
            path: path.to_owned(),
            file: Arc::new(file),
            offset,
            durable: offset,
            announced: request.size_bytes,
            attempt,
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

    /// Ends the attempt, and its tokens, before something is done to the file.
    async fn end(
        &mut self,
        then: impl FnOnce(&File, &Path) -> PluginResult<()> + Send + 'static,
    ) -> PluginResult<()> {
        let (path, file) = (self.path.clone(), Arc::clone(&self.file));
        blocking(move || {
            attempt::end(&file).map_err(|error| failed("end the write of", &path, &error))?;
            then(&file, &path)
        })
        .await
    }
}

#[async_trait]
impl DataWriter for FileWriter {
    async fn write(&mut self, chunk: Chunk) -> PluginResult<Option<CheckpointToken>> {
        let end = chunk.check_place(self.offset, self.announced)?;
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
        Ok(self.attempt.clone().map(|attempt| CheckpointToken::new(end, attempt)))
    }

    async fn finish(&mut self) -> PluginResult<WriteResult> {
        let physical = self.flush().await?;
        self.end(|_, _| Ok(())).await?;
        Ok(WriteResult::new(self.announced, physical))
    }

    async fn abort(&mut self) -> PluginResult<()> {
        self.end(|file, path| {
            let found = file.metadata().map_err(|error| failed("look at", path, &error))?;
            make_zeros(file, path, 0..found.len())
        })
        .await
    }
}
