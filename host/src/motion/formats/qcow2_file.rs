//! Writes a disk as a qcow2 image, into a file of this host.
//!
//! What it is: the other direction of [`Conversion`](super::Conversion), by which that is held
//! against what was written. imago writes tables and data where it likes, so the image needs a file
//! of the host first. What it is not: a way to write qcow2 to a store.

use imago::file::File as ImageFile;
use imago::format::builder::FormatCreateBuilder as _;
use imago::qcow2::Qcow2;
use imago::{DenyImplicitOpenGate, FormatAccess, FormatDriverBuilder as _, StorageOpenOptions};
use std::fmt;
use std::fs::File;
use std::io;
use storage_plugin_api::{Chunk, PluginError, PluginResult};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A qcow2 image that is being written, without a backing image, in clusters of 64 KiB.
#[derive(Debug)]
pub struct Qcow2File {
    chunks: mpsc::Sender<Chunk>,
    /// Until its end was seen.
    thread: Option<JoinHandle<io::Result<File>>>,
}

impl Qcow2File {
    /// Begins an image of a disk in an empty file. Has to be called on a runtime.
    pub fn create(file: File, disk_bytes: u64) -> Self {
        let (chunks, coming) = mpsc::channel(2);
        let thread = tokio::task::spawn_blocking(move || write(file, disk_bytes, coming));
        Self { chunks, thread: Some(thread) }
    }

    /// Takes a chunk of the disk. Chunks come in order; what none covers is zeros.
    ///
    /// # Errors
    /// Those of the file.
    pub async fn write(&mut self, chunk: Chunk) -> PluginResult<()> {
        if self.chunks.send(chunk).await.is_ok() {
            return Ok(());
        }
        // The thread ended before its time.
        finished(self.thread.take()).await.map(drop)
    }

    /// Completes the image and makes it durable. Answers its file.
    ///
    /// # Errors
    /// Those of the file; `Internal` where a write failed before: there is no image.
    pub async fn finish(self) -> PluginResult<File> {
        let Self { chunks, thread } = self;
        drop(chunks);
        finished(thread).await
    }
}

async fn finished(thread: Option<JoinHandle<io::Result<File>>>) -> PluginResult<File> {
    let failed = |error: &dyn fmt::Display| {
        PluginError::internal(format!("writing a qcow2 image broke off: {error}"))
    };
    let thread = thread.ok_or_else(|| failed(&"a write of it failed before"))?;
    let written = thread.await.map_err(|error| failed(&error))?;
    written.map_err(|error| PluginError::from_io("write a qcow2 image", &error))
}

fn write(file: File, disk_bytes: u64, mut chunks: mpsc::Receiver<Chunk>) -> io::Result<File> {
    let kept = file.try_clone()?;
    let storage = ImageFile::from_open_file(file, StorageOpenOptions::new().write(true))?;
    let image = Qcow2::<ImageFile>::create_builder(storage)
        .size(disk_bytes)
        .create_open(DenyImplicitOpenGate::default(), |storage| {
            Ok(Qcow2::builder(storage).backing(None).write(true))
        })?;
    let image = FormatAccess::new(image);
    while let Some(chunk) = chunks.blocking_recv() {
        if let Chunk::Data { offset, bytes } = chunk {
            image.write(bytes.as_ref(), offset)?;
        }
    }
    image.flush()?;
    image.sync()?;
    Ok(kept)
}
