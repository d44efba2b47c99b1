//! The bytes of an object come and go: a reader that skips holes, a writer that goes on where it
//! stopped.

use crate::names::{Format, Name};
use crate::objects::Work;
use crate::qcow2::Image;
use crate::space;
use crate::thin::ThinReader;
use storage_plugin_api::files::{FileWriter, SparseReader};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{OpenedWriter as Writer, PluginResult as Result};

/// Opens an object for reading a range of it.
pub(crate) fn open_reader(work: &Work<'_>, of: &OpenReaderRequest) -> Result<Box<dyn DataReader>> {
    if of.since.is_some() {
        return Err(PluginError::unsupported("what changed since a snapshot is not known"));
    }
    let (directory, there) = (&work.opened.directory, work.existing(&of.object)?);
    if there.format == Format::Qcow2 {
        return Ok(Box::new(ThinReader::new(Image::open(directory, &there.name)?, of)));
    }
    let (file, found) = directory.open_found(&there.name)?;
    let asked = of.length.map(|length| of.offset.saturating_add(length));
    let end = asked.map_or(found.size, |end| end.min(found.size));
    let path = directory.path().join(&there.name);
    Ok(Box::new(SparseReader::over(&path, file, of.offset..end)))
}

/// Opens an object for writing it whole, or from a token on.
pub(crate) fn open_writer(work: &Work<'_>, of: &OpenWriterRequest) -> Result<Writer> {
    let directory = &work.opened.directory;
    let is_template = of.object.object_type() == DataObjectType::Template;
    let (name, size) = match work.find(&of.object)? {
        Some(there) if is_template => (there.name, there.size.max(of.size_bytes)),
        // The place of a template is there before its size is known.
        None if is_template => (place_of_template(work, &of.object)?, of.size_bytes),
        _ => {
            let there = work.existing(&of.object)?;
            if there.format == Format::Qcow2 && of.size_bytes <= there.size {
                return work.write_thin(of, &there);
            }
            (there.name, there.size)
        }
    };
    let path = directory.path().join(&name);
    if of.size_bytes > size {
        return Err(PluginError::invalid_argument(format!(
            "{} bytes do not fit into the {size} bytes of {path:?}",
            of.size_bytes
        )));
    }
    if of.resume.is_none() {
        return FileWriter::over(&path, work.begin_anew(&of.object, &name, size)?, of);
    }
    let (writer, again) = work.alone_with(&of.object, &name, || {
        let file = directory.open_to_write(&name)?;
        let again = file.try_clone().map_err(|error| directory.failed("open", &name, error))?;
        Ok((FileWriter::over(&path, file, of)?, again))
    })?;
    // What was written after the token is cut off, and with it the space that was set aside.
    if work.place.allocates(&of.object) {
        space::allocate(work.call, &again, &path, size)?;
    }
    Ok(writer)
}

/// The file of a template that was created and has no byte yet.
fn place_of_template(work: &Work<'_>, template: &DataObject) -> Result<String> {
    let name = Name::of(work.place, template)?.file(Format::Raw);
    match work.opened.directory.look(&name)? {
        Some(_) => Ok(name),
        None => work.existing(template).map(|there| there.name),
    }
}
