//! Volumes as qcow2 images on top of templates: read, made and changed with the crate imago.
//!
//! What it is not: an engine. Which image lies where, what it lies on and when it is there is said
//! elsewhere. Invariants: only an image in the making is written to, because the engine orders its
//! writes by nothing that a crash respects; no name in an image is followed but that of a template
//! of this store, in this directory, as raw bytes; nothing is ever probed for its format.

use crate::names::{Format, Name};
use imago::file::File as ImageFile;
use imago::format::PreallocateMode;
use imago::qcow2::Qcow2;
use imago::raw::Raw;
use imago::{
    DenyImplicitOpenGate, FormatAccess, FormatCreateBuilder as _, FormatDriverBuilder as _,
    ShallowMapping, StorageOpenOptions,
};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::files::{Directory, next_data};
use storage_plugin_api::prelude::*;

/// How the format of a template is named in an image.
const RAW: &str = "raw";

/// The unit in which an image maps its bytes.
const CLUSTER_BYTES: u64 = 64 << 10;

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The size of the disk.
    pub(crate) size: u64,
    /// The file of the template that it lies on.
    pub(crate) template: Option<String>,
}

/// A template that is open for reading.
#[derive(Debug)]
struct Template {
    file: File,
    path: PathBuf,
    size: u64,
}

/// An image that is open with what it lies on.
#[derive(Debug)]
pub(crate) struct Image {
    access: FormatAccess<ImageFile>,
    template: Option<Template>,
    path: PathBuf,
}

/// A run of an image, up to an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Hole(u64),
    Data(u64),
}

/// Reads what an image says of itself.
pub(crate) fn header(directory: &Directory, name: &str) -> Result<Header> {
    let path = directory.path().join(name);
    Ok(open_alone(directory.open_to_read(name)?, &path, name, false)?.1)
}

/// Makes an image in an empty file. Not yet durable.
pub(crate) fn create(
    file: &File,
    path: &Path,
    size: u64,
    template: Option<&str>,
) -> Result<FormatAccess<ImageFile>> {
    let made = || {
        let mut new = Qcow2::<ImageFile>::create_builder(storage(file.try_clone()?, true)?);
        new = new.cluster_size(CLUSTER_BYTES as usize).size(size);
        if let Some(template) = template {
            new = new.backing(template.to_owned(), RAW.to_owned());
        }
        // Nothing of the template is needed to make an image on top of it.
        let opened = new.create_open(DenyImplicitOpenGate::default(), |storage| {
            Ok(Qcow2::builder(storage).backing(None).write(true))
        })?;
        let access = FormatAccess::new(opened);
        access.flush()?;
        Ok(access)
    };
    made().map_err(|error| failed("make", path, &error))
}

impl Image {
    /// Opens an image for reading it.
    pub(crate) fn open(directory: &Directory, name: &str) -> Result<Self> {
        Self::over(directory, directory.open_to_read(name)?, name, false)
    }

    /// Opens an image in the making for changing it.
    pub(crate) fn change(directory: &Directory, file: &File, name: &str) -> Result<Self> {
        let again = file.try_clone().map_err(|error| directory.failed("open", name, error))?;
        Self::over(directory, again, name, true)
    }

    fn over(directory: &Directory, file: File, name: &str, write: bool) -> Result<Self> {
        let path = directory.path().join(name);
        let (mut image, header) = open_alone(file, &path, name, write)?;
        let template = match &header.template {
            None => None,
            Some(template) => {
                let (file, found) = directory.open_found(template).map_err(|error| {
                    PluginError::corrupt(format!("{path:?} lies on {template:?}, which is missing"))
                        .caused_by(&error)
                })?;
                Some(Template { file, path: directory.path().join(template), size: found.size })
            }
        };
        let backing = |of: &Template| {
            Ok(FormatAccess::new(Raw::open_image(storage(of.file.try_clone()?, false)?, false)?))
        };
        let backing = template.as_ref().map(backing).transpose();
        image.set_backing(backing.map_err(|error| failed("open", &path, &error))?);
        Ok(Self { access: FormatAccess::new(image), template, path })
    }

    /// The size of the disk.
    pub(crate) fn size(&self) -> u64 {
        self.access.size()
    }

    /// The file of the template that it lies on.
    pub(crate) fn template(&self) -> Option<String> {
        let name = self.template.as_ref()?.path.file_name()?;
        Some(name.to_string_lossy().into_owned())
    }

    /// The run that begins at an offset, within an end. One of data is followed for so many bytes
    /// at most: who reads it piece by piece would look at its rest again for each piece.
    pub(crate) fn run_at(&self, from: u64, end: u64, most: u64) -> Result<Run> {
        let near = end.min(from.saturating_add(most));
        let (mut at, is_hole, end) = match self.piece_at(from, near)? {
            Run::Hole(at) => (at, true, end),
            Run::Data(at) => (at, false, near),
        };
        while at < end {
            match (self.piece_at(at, end)?, is_hole) {
                (Run::Hole(next), true) | (Run::Data(next), false) => at = next,
                _ => break,
            }
        }
        Ok(if is_hole { Run::Hole(at) } else { Run::Data(at) })
    }

    /// What begins at an offset, as far as one look tells.
    fn piece_at(&self, from: u64, end: u64) -> Result<Run> {
        let mapped = self.access.get_shallow_mapping(from, end - from);
        let (mapping, length) = mapped.map_err(|error| failed("read", &self.path, &error))?;
        let to = from + length;
        Ok(match mapping {
            ShallowMapping::Zero { .. } if length > 0 => Run::Hole(to),
            ShallowMapping::Eof { .. } => Run::Hole(end),
            ShallowMapping::Indirect { .. } => match &self.template {
                Some(template) => template.run_at(from, to)?,
                None => Run::Hole(to),
            },
            _ if length > 0 => Run::Data(to),
            _ => {
                let why = format!("{:?} maps nothing at byte {from}", self.path);
                return Err(PluginError::corrupt(why));
            }
        })
    }

    /// Fills a buffer with what is at an offset.
    pub(crate) fn read(&self, buffer: &mut [u8], from: u64) -> Result<()> {
        self.access.read(buffer, from).map_err(|error| failed("read", &self.path, &error))
    }

    /// Writes as a guest would, which only a guest does.
    #[cfg(test)]
    pub(crate) fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.access.write(bytes, at).and_then(|()| self.access.flush())
    }

    /// Changes the size of the disk; what it grows by reads as zeros. Not yet durable.
    pub(crate) fn resize(&mut self, size: u64) -> Result<()> {
        let (has, of_template) = (self.size(), self.template.as_ref().map_or(0, |one| one.size));
        let resized = if size < has {
            self.shrink(size)
        } else {
            // What the template has there must not show through.
            let covered = size.min(of_template);
            let hidden = self.access.resize_grow(covered, PreallocateMode::Zero);
            hidden.and_then(|()| self.access.resize_grow(size, PreallocateMode::None))
        };
        let flushed = resized.and_then(|()| self.access.flush());
        flushed.map_err(|error| failed("resize", &self.path, &error))
    }

    fn shrink(&mut self, size: u64) -> io::Result<()> {
        // The rest of the last cluster stays, and would come back when the disk grows again.
        let rest = size.next_multiple_of(CLUSTER_BYTES).min(self.size()) - size;
        self.access.write_zeroes(size, rest)?;
        self.access.resize_shrink(size)
    }
}

impl Template {
    fn run_at(&self, from: u64, end: u64) -> Result<Run> {
        Ok(match next_data(&self.file, &self.path, from, end.min(self.size))? {
            None => Run::Hole(end),
            Some(data) if data.start > from => Run::Hole(data.start),
            Some(data) => Run::Data(data.end),
        })
    }
}

/// Opens an image without what it lies on, and says what that is.
fn open_alone(
    file: File,
    path: &Path,
    name: &str,
    write: bool,
) -> Result<(Qcow2<ImageFile>, Header)> {
    let opened = storage(file, write).and_then(|file| Qcow2::open_image(file, write));
    let mut image: Qcow2<ImageFile> = opened.map_err(|error| {
        PluginError::corrupt(format!("{path:?} is no qcow2 image that can be read"))
            .caused_by(&error)
    })?;
    if image.requires_external_data_file() {
        let why = format!("{path:?} has its data in another file, which nothing here makes");
        return Err(PluginError::permission_denied(why));
    }
    image.set_data_file(None);
    let template = match image.implicit_backing_file() {
        None => None,
        Some(of) => {
            check_template(path, name, of, image.implicit_backing_format())?;
            Some(of.clone())
        }
    };
    image.set_backing(None);
    let size = imago::format::drivers::FormatDriverInstance::size(&image);
    Ok((image, Header { size, template }))
}

/// Refuses to follow a name that none of our images has.
fn check_template(path: &Path, image: &str, of: &str, format: Option<&String>) -> Result<()> {
    let installation = |file: &str| {
        let name = Name::parse(file).or_else(|| Name::parse_unfinished(file))?;
        Some((name.installation, name.kind))
    };
    let is_ours = match (installation(image), installation(of)) {
        (Some((own, _)), Some((its, kind))) => own == its && kind == DataObjectType::Template,
        _ => false,
    };
    if is_ours && Format::of(of) == Format::Raw && format.is_some_and(|format| format == RAW) {
        return Ok(());
    }
    Err(PluginError::permission_denied(format!(
        "{path:?} says that it lies on {of:?}, which is no template of this store; nothing is read \
         from there. Look at it with qemu-img info, and restore it from a backup"
    )))
}

fn storage(file: File, write: bool) -> io::Result<ImageFile> {
    ImageFile::from_open_file(file, StorageOpenOptions::new().write(write))
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> PluginError {
    PluginError::from_io(format!("cannot {doing} {path:?}"), error)
}
