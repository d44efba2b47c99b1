//! Bytes of a qcow2 image come and go as those of the disk in it: with its holes, and without
//! what it is made of.

use crate::names::Name;
use crate::objects::{There, Work};
use crate::pace::Pace;
use crate::qcow2::{self, Image, Run};
use imago::FormatAccess;
use imago::file::File as ImageFile;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::files::{Held, blocking};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CHUNK_BYTES, CallContext as Call, PluginResult as Result};

/// How much is written between two waits for the disk.
const FLUSH_BYTES: u64 = 32 << 20;

/// Reads a range of the disk in an image.
#[derive(Debug)]
pub(crate) struct ThinReader {
    image: Arc<Image>,
    at: u64,
    end: u64,
}

impl ThinReader {
    pub(crate) fn new(image: Image, of: &OpenReaderRequest) -> Self {
        let size = image.size();
        let end = of.length.map_or(size, |length| of.offset.saturating_add(length).min(size));
        Self { image: Arc::new(image), at: of.offset, end }
    }
}

#[async_trait]
impl DataReader for ThinReader {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let (image, offset, end) = (Arc::clone(&self.image), self.at, self.end);
        let chunk = blocking(move || match image.run_at(offset, end, CHUNK_BYTES as u64)? {
            Run::Hole(to) => Ok(Chunk::Hole { offset, length: to - offset }),
            Run::Data(to) => {
                let mut bytes = vec![0; (to - offset) as usize];
                image.read(&mut bytes, offset)?;
                Ok(Chunk::Data { offset, bytes: Bytes::from(bytes) })
            }
        })
        .await?;
        self.at = chunk.offset() + chunk.length();
        Ok(Some(chunk))
    }
}

/// The data of the disk in an image.
pub(crate) fn extents(image: &Image) -> Result<Vec<Extent>> {
    let (mut extents, mut at, end) = (Vec::new(), 0, image.size());
    while at < end {
        at = match image.run_at(at, end, end)? {
            Run::Hole(to) => to,
            Run::Data(to) => {
                extents.push(Extent::new(at, to - at));
                to
            }
        };
    }
    Ok(extents)
}

/// Makes an empty file have the bytes of the disk in an image, and need nothing else. Not yet
/// durable.
pub(crate) fn flatten(
    call: &Call,
    image: &Image,
    (to, path): (&File, &Path),
    pace: Pace,
) -> Result<()> {
    let failed = |error| PluginError::from_io(format!("cannot write {path:?}"), &error);
    let (mut at, end, begun) = (0, image.size(), Instant::now());
    let (mut copied, mut unflushed) = (0, 0);
    let piece = pace.piece(CHUNK_BYTES as u64);
    let mut buffer = vec![0; piece as usize];
    while at < end {
        if call.is_cancelled() {
            return Err(PluginError::cancelled("the copy was given up"));
        }
        match image.run_at(at, end, piece)? {
            Run::Hole(next) => at = next,
            Run::Data(next) => {
                let bytes = &mut buffer[..(next - at) as usize];
                image.read(bytes, at)?;
                to.write_all_at(bytes, at).map_err(failed)?;
                let length = bytes.len() as u64;
                (at, copied, unflushed) = (at + length, copied + length, unflushed + length);
            }
        }
        if unflushed >= FLUSH_BYTES {
            to.sync_data().map_err(failed)?;
            unflushed = 0;
        }
        call.report_progress(at, Some(end));
        pace.keep(begun, copied);
    }
    to.set_len(end).map_err(failed)
}

/// Writes the disk of a volume anew, into an image that takes the place of the one before when it
/// is whole. It gives no tokens: an image that a crash left half written is not to be trusted.
#[derive(Debug)]
pub(crate) struct ThinWriter {
    // Gone once it was finished or given up.
    half: Arc<Mutex<Option<Half>>>,
    name: String,
    offset: u64,
    unflushed: u64,
    announced: u64,
}

/// The image in the making. What it holds keeps other attempts away.
#[derive(Debug)]
struct Half {
    image: FormatAccess<ImageFile>,
    held: Held,
}

impl Work<'_> {
    /// Opens a writer of a volume that is there as an image.
    pub(crate) fn write_thin(&self, of: &OpenWriterRequest, there: &There) -> Result<OpenedWriter> {
        let (name, size) = (there.name.clone(), there.size);
        if of.resume.is_some() {
            return Err(PluginError::invalid_argument(format!(
                "the token is not one of {name:?}: a write of a qcow2 volume gives none and begins \
                 anew"
            )));
        }
        self.expect_closed(there)?;
        let held = self.hold(&Name::of(self.place, &of.object)?.unfinished())?;
        let image =
            qcow2::create(&held.file, &self.opened.directory.path().join(&name), size, None)?;
        let half = Arc::new(Mutex::new(Some(Half { image, held })));
        let (offset, unflushed, announced) = (0, 0, of.size_bytes);
        Ok(OpenedWriter::new(0, ThinWriter { half, name, offset, unflushed, announced }))
    }
}

impl ThinWriter {
    /// Does work on the image in the making where blocking is allowed.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Option<Half>, &str) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (half, name) = (Arc::clone(&self.half), self.name.clone());
        blocking(move || work(&mut half.lock().unwrap_or_else(PoisonError::into_inner), &name))
            .await
    }
}

#[async_trait]
impl DataWriter for ThinWriter {
    async fn write(&mut self, chunk: Chunk) -> Result<Option<CheckpointToken>> {
        let end = chunk.check_place(self.offset, self.announced)?;
        if let Chunk::Data { offset, bytes } = chunk {
            self.unflushed += bytes.len() as u64;
            let is_due = self.unflushed >= FLUSH_BYTES;
            self.work(move |half, name| {
                let half = half.as_mut().ok_or_else(|| ended(name))?;
                let written = half.image.write(bytes.as_ref(), offset);
                // Only so that the last wait is a short one: nothing is promised.
                let flushed =
                    written.and_then(|()| if is_due { half.held.file.sync_data() } else { Ok(()) });
                flushed.map_err(|error| failed("write", name, &error))
            })
            .await?;
            if is_due {
                self.unflushed = 0;
            }
        }
        self.offset = end;
        Ok(None)
    }

    async fn finish(&mut self) -> Result<WriteResult> {
        self.work(|half, name| {
            let Half { image, held } = half.take().ok_or_else(|| ended(name))?;
            image.flush().map_err(|error| failed("flush", name, &error))?;
            let size = image.size();
            drop(image);
            let file = held.publish(name, || Ok(()))?;
            let found = file.metadata().map_err(|error| failed("look at", name, &error))?;
            let mut written = WriteResult::new(size, found.blocks() * 512);
            written.path = Some(name.to_owned());
            Ok(written)
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        self.work(|half, _| {
            half.take();
            Ok(())
        })
        .await
    }
}

fn ended(name: &str) -> PluginError {
    PluginError::conflict(format!("the write of {name:?} was finished or given up before"))
}

fn failed(doing: &str, name: &str, error: &std::io::Error) -> PluginError {
    PluginError::from_io(format!("cannot {doing} {name:?}"), error)
}
