//! The bytes of an object come and go: a reader that skips holes, a writer that goes on where it
//! stopped.

use crate::names;
use crate::objects::Work;
use crate::space;
use storage_plugin_api::files::{FileWriter, SparseReader};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{OpenedWriter as Writer, PluginResult as Result};

/// Opens an object for reading a range of it.
pub(crate) fn open_reader(work: &Work<'_>, of: &OpenReaderRequest) -> Result<SparseReader> {
    if of.since.is_some() {
        return Err(PluginError::unsupported("what changed since a snapshot is not known"));
    }
    let name = names::file_of(work.place, &of.object)?;
    let size = work.existing(&name)?.size;
    let asked = of.length.map(|length| of.offset.saturating_add(length));
    let end = asked.map_or(size, |end| end.min(size));
    let file = work.opened.directory.open_to_read(&name)?;
    let path = work.opened.directory.path().join(&name);
    Ok(SparseReader::over(&path, file, of.offset..end))
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
    let file = directory.open_to_write(&name)?;
    let again = file.try_clone().map_err(|error| directory.failed("open", &name, error))?;
    let writer = FileWriter::over(&path, file, of)?;
    // What was written after the token is cut off, and with it the space that was set aside.
    if work.place.allocates(&of.object) {
        space::allocate(work.call, &again, &path, size)?;
    }
    Ok(writer)
}
