//! The bytes of an object come and go: a reader that skips holes, a writer that goes on where it
//! stopped.

use crate::extents;
use crate::names;
use crate::objects::Work;
use crate::space;
use rustix::fs::OFlags;
use std::fs::File;
use std::path::PathBuf;
use storage_plugin_api::files::{FileReader, FileWriter, blocking};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{OpenedWriter as Writer, PluginResult as Result};

/// Reads a file: its data through a [`FileReader`] a run, its holes without reading them.
#[derive(Debug)]
pub(crate) struct SparseReader {
    path: PathBuf,
    file: File,
    at: u64,
    end: u64,
    /// Of the run of data that begins at `at` or before.
    run: Option<FileReader>,
}

/// Opens an object for reading a range of it.
pub(crate) fn open_reader(work: &Work<'_>, of: &OpenReaderRequest) -> Result<SparseReader> {
    if of.since.is_some() {
        return Err(PluginError::unsupported("what changed since a snapshot is not known"));
    }
    let name = names::file_of(work.place, &of.object)?;
    let size = work.existing(&name)?.size;
    let asked = of.length.map(|length| of.offset.saturating_add(length));
    Ok(SparseReader {
        path: work.opened.directory.path().join(&name),
        file: work.opened.directory.open_file(&name, OFlags::RDONLY)?,
        at: of.offset,
        end: asked.map_or(size, |end| end.min(size)),
        run: None,
    })
}

/// What comes next: a hole up to an offset, or data.
enum Next {
    Hole(u64),
    Data(FileReader),
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

impl SparseReader {
    async fn find_next(&self) -> Result<Next> {
        let (at, end, path) = (self.at, self.end, self.path.clone());
        let again = self.file.try_clone();
        blocking(move || {
            let failed = |error| PluginError::from_io(format!("cannot open {path:?}"), &error);
            let file = again.map_err(failed)?;
            Ok(match extents::next_data(&file, &path, at, end)? {
                None => Next::Hole(end),
                Some(run) if run.start > at => Next::Hole(run.start),
                Some(run) => Next::Data(FileReader::over(&path, file, run)),
            })
        })
        .await
    }
}

/// Opens an object for writing it whole, or from a token on.
pub(crate) fn open_writer(work: &Work<'_>, of: &OpenWriterRequest) -> Result<Writer> {
    let directory = &work.opened.directory;
    let name = names::file_of(work.place, &of.object)?;
    let path = directory.path().join(&name);
    let is_template = of.object.object_type() == DataObjectType::Template;
    // The place of a template is there before its size is known.
    let size = match directory.look(&name)? {
        Some(found) if is_template => found.size.max(of.size_bytes),
        _ => work.existing(&name)?.size,
    };
    if of.size_bytes > size {
        return Err(PluginError::invalid_argument(format!(
            "{} bytes do not fit into the {size} bytes of {path:?}",
            of.size_bytes
        )));
    }
    if of.resume.is_none() {
        return FileWriter::over(&path, work.begin_anew(&of.object, size)?, of);
    }
    let file = directory.open_file(&name, OFlags::RDWR)?;
    let again = file.try_clone().map_err(|error| directory.failed("open", &name, error))?;
    let writer = FileWriter::over(&path, file, of)?;
    // What was written after the token is cut off, and with it the space that was set aside.
    if work.place.allocates(&of.object) {
        space::allocate(work.call, &again, &path, size)?;
    }
    Ok(writer)
}
