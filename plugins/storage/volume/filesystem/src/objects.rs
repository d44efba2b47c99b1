//! Objects come, change and go: what the driver's methods do to files, on a thread that may block.
//!
//! Invariants: an object's file is there whole or not at all, and a file without a byte counts as
//! not there; what was answered is on the disk. So a blank volume needs no second name: it is there
//! at the instant it has its size. What has bytes is made under another name, flushed and renamed,
//! and an image is never changed where it is. A template stays as long as an image lies on it.

use crate::details::{Place, Reflink};
use crate::names::{self, Format, Name};
use crate::qcow2::{self, Image};
use crate::quota::Reservation;
use crate::sharing::{self, Source};
use crate::space;
use crate::stores::Stores;
use crate::thin;
use crate::usage;
use std::fs::File;
use storage_plugin_api::files::{Found, Held, Opened};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, CreateResult as Created, PluginResult as Result};

/// The work of one call on one store.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub(crate) call: &'a Call,
    pub(crate) place: &'a Place,
    pub(crate) opened: &'a Opened,
    pub(crate) stores: &'a Stores,
}

/// The file of an object that is there.
#[derive(Debug, Clone)]
pub(crate) struct There {
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) found: Found,
    /// The size of the disk: that of the file, or what the image in it says.
    pub(crate) size: u64,
    /// The file of the template that an image lies on.
    pub(crate) template: Option<String>,
}

impl Work<'_> {
    /// Makes a blank object of a size; one that is there stays as it is.
    pub(crate) fn make_blank(&self, object: &DataObject, size: u64) -> Result<Created> {
        if let Some(there) = self.made_before(object, size)? {
            return Ok(there);
        }
        let own = Name::of(self.place, object)?;
        // Nothing is written there in a raw pool: it keeps a later attempt away until this one has
        // ended.
        let held = self.hold(&own.unfinished())?;
        if let Some(there) = self.made_before(object, size)? {
            return Ok(there);
        }
        let is_thin = object.object_type() == DataObjectType::Volume && self.makes_thin(object);
        if is_thin {
            return self.make_thin(&own, held, size, None);
        }
        let directory = &self.opened.directory;
        let name = own.file(Format::Raw);
        let _reserved = self.reserve(&name, size)?;
        let file = directory.open_or_make(&name)?;
        let made = self.give_size(&file, &name, object, size);
        if made.is_err() {
            // An empty file is nothing; the error of its making is the one to report.
            directory.unlink(&name).ok();
        }
        made?;
        // The size first, then the name: after a power failure the name alone is an empty file.
        file.sync_all().map_err(|error| directory.failed("flush", &name, error))?;
        directory.sync()?;
        // The size of a template may be unknown until it is written: it is no object by then.
        let found = directory.look(&name)?;
        let made = found.map(|found| There::new(name, found));
        made.map(|made| made.created()).ok_or_else(|| {
            PluginError::conflict(format!(
                "the {} was removed as it was made",
                object.object_type()
            ))
        })
    }

    /// Whether a new volume is an image. One whose space is set aside shares nothing.
    fn makes_thin(&self, object: &DataObject) -> bool {
        !self.place.allocates(object) && self.stores.volume_format(self.place) == Format::Qcow2
    }

    /// Makes an image that has nothing of its own yet, on top of a template or of zeros.
    fn make_thin(
        &self,
        own: &Name,
        held: Held,
        size: u64,
        template: Option<&str>,
    ) -> Result<Created> {
        let name = own.file(Format::Qcow2);
        let path = self.opened.directory.path().join(&name);
        let _reserved = self.reserve(&name, size)?;
        drop(qcow2::create(&held.file, &path, size, template)?);
        self.publish(held, &name, template)?;
        self.there(name).map(|there| there.created())
    }

    fn give_size(&self, file: &File, name: &str, object: &DataObject, size: u64) -> Result<()> {
        if self.place.allocates(object) {
            space::allocate(self.call, file, &self.opened.directory.path().join(name), size)?;
        }
        // Who gave the call up may have been told something else by now.
        self.expect_wanted()?;
        file.set_len(size).map_err(|error| self.opened.directory.failed("make", name, error))
    }

    /// Makes an object that has the bytes of another, and at least a size; one that is there stays
    /// as it is.
    pub(crate) fn make_copy(
        &self,
        object: &DataObject,
        source: &DataObject,
        size: u64,
    ) -> Result<Created> {
        if let Some(there) = self.made_before(object, 0)? {
            return Ok(there);
        }
        let own = Name::of(self.place, object)?;
        let from = self.existing(source)?;
        let held = self.hold(&own.unfinished())?;
        // An attempt that was given up may have come to its end while we waited for it.
        if let Some(there) = self.made_before(object, 0)? {
            return Ok(there);
        }
        let size = size.max(from.size);
        let is_snapshot = own.kind == DataObjectType::Snapshot;
        let is_thin = own.kind == DataObjectType::Volume && self.makes_thin(object);
        if is_thin && source.object_type() == DataObjectType::Template {
            return self.make_thin(&own, held, size, Some(&from.name));
        }
        // A snapshot is what its volume was, whatever new volumes are.
        let format = if is_snapshot || is_thin { from.format } else { Format::Raw };
        let name = own.file(format);
        let _reserved = self.reserve(&name, size)?;
        let template = if format.is_raw() {
            let copied = self.fill_raw(&held, &from)?;
            self.give_size(&held.file, &name, object, size.max(copied))?;
            None
        } else {
            self.fill_thin(&held, &from, |has| size.max(has))?
        };
        self.publish(held, &name, template.as_deref())?;
        self.there(name).map(|there| there.created())
    }

    /// Gives a volume the bytes and the size of a snapshot, at one instant. Who has the volume open
    /// keeps the bytes of before until it opens it again.
    pub(crate) fn revert(&self, volume: &DataObject, snapshot: &DataObject) -> Result<()> {
        let (to, from) = (self.existing(volume)?, self.existing(snapshot)?);
        if to.format != from.format {
            return Err(PluginError::conflict(format!(
                "{:?} is of another format than {:?}: it is no snapshot of that volume; make a \
                 volume from it",
                from.name, to.name
            )));
        }
        let held = self.hold(&Name::of(self.place, volume)?.unfinished())?;
        let _reserved = self.reserve(&to.name, from.size)?;
        let template = if to.format.is_raw() {
            let copied = self.fill_raw(&held, &from)?;
            self.give_size(&held.file, &to.name, volume, copied)?;
            None
        } else {
            self.expect_closed(&to)?;
            self.fill_thin(&held, &from, |has| has)?
        };
        self.publish(held, &to.name, template.as_deref())
    }

    /// The bytes of the disk, wherever they are read from; how many they are. The source may have
    /// become another since it was looked at.
    fn fill_raw(&self, held: &Held, from: &There) -> Result<u64> {
        if from.format.is_raw() {
            return self.copy_file(held, from);
        }
        if self.place.reflink == Reflink::Always {
            return Err(sharing::cannot_share(&self.opened.directory.path().join(&from.name)));
        }
        self.expect_closed(from)?;
        let image = Image::open(&self.opened.directory, &from.name)?;
        let to = self.opened.directory.path().join(held.name());
        thin::flatten(self.call, &image, (&held.file, &to), self.place.pace)?;
        Ok(image.size())
    }

    /// An image as it is, on top of what it lies on, with a size that follows from the one it has;
    /// the template that the copy lies on.
    fn fill_thin(
        &self,
        held: &Held,
        from: &There,
        size: impl FnOnce(u64) -> u64,
    ) -> Result<Option<String>> {
        self.copy_file(held, from)?;
        self.expect_wanted()?;
        let mut image = Image::change(&self.opened.directory, &held.file, &from.name)?;
        let (has, wanted) = (image.size(), size(image.size()));
        if wanted != has {
            image.resize(wanted)?;
        }
        Ok(image.template())
    }

    fn copy_file(&self, held: &Held, from: &There) -> Result<u64> {
        // Shared blocks are a point in time: a disk as after a power failure.
        if !from.format.is_raw() && !self.stores.shares(self.place)? {
            self.expect_closed(from)?;
        }
        let (file, found) = self.opened.directory.open_found(&from.name)?;
        let path = self.opened.directory.path().join(&from.name);
        let from = Source { file: &file, path: &path, size: found.size };
        let to = self.opened.directory.path().join(held.name());
        let to = (&held.file, to.as_path());
        sharing::copy(self.call, from, to, self.place.reflink, self.place.pace)?;
        Ok(found.size)
    }

    /// Puts what was made in its place. Its template stays there meanwhile, and from then on because
    /// of it.
    fn publish(&self, held: Held, name: &str, template: Option<&str>) -> Result<()> {
        let wanted = || self.expect_wanted();
        let Some(template) = template else {
            return held.publish(name, wanted).map(drop);
        };
        // The bytes may take long; what is left to do while others wait does not.
        held.flush()?;
        let turns = self.stores.turns(self.place.store);
        let _kept = turns.keep_templates();
        self.opened.directory.open_found(template)?;
        held.publish(name, wanted).map(drop)
    }

    /// Puts an empty file of a size in the place of an object that is raw, for a writer to fill.
    pub(crate) fn begin_anew(&self, object: &DataObject, name: &str, size: u64) -> Result<File> {
        let held = self.hold(&Name::of(self.place, object)?.unfinished())?;
        let _reserved = self.reserve(name, size)?;
        self.give_size(&held.file, name, object, size)?;
        held.flush()?;
        self.alone_with(object, name, || held.publish(name, || self.expect_wanted()))
    }

    /// Changes the size of a volume; what it grows by reads as zeros.
    pub(crate) fn resize(&self, to: &ResizeRequest) -> Result<Created> {
        let (object, size) = (DataObject::from(to.volume.clone()), to.new_size_bytes);
        let held = self.hold(&Name::of(self.place, &object)?.unfinished())?;
        let there = self.existing(&object)?;
        let name = &there.name;
        if size < there.size && !to.shrink_ok {
            return Err(PluginError::invalid_argument(format!(
                "{size} bytes are less than the {} of {name:?}, and shrinking was not asked for",
                there.size
            )));
        }
        let _reserved = self.reserve(name, size)?;
        let directory = &self.opened.directory;
        if !there.format.is_raw() && size != there.size {
            self.expect_closed(&there)?;
            let template = self.fill_thin(&held, &there, |_| size)?;
            self.publish(held, name, template.as_deref())?;
            return self.created(&object);
        }
        let file = directory.open_to_write(name)?;
        if there.format.is_raw() {
            self.give_size(&file, name, &object, size)?;
        }
        file.sync_all().map_err(|error| directory.failed("flush", name, error))?;
        self.created(&object)
    }

    /// Removes an object and what was left of its making. What is gone is a success, once more
    /// flushed: an attempt before this one may have been killed before it was.
    pub(crate) fn remove(&self, object: &DataObject) -> Result<()> {
        let directory = &self.opened.directory;
        let files = self.files_of(object)?;
        directory.discard(&Name::of(self.place, object)?.unfinished())?;
        for name in files {
            // A link, or a directory, of this name was not made by us.
            if directory.look(&name)?.is_some() {
                self.alone_with(object, &name, || directory.unlink(&name))?;
            }
        }
        directory.sync()
    }

    /// Does something to an object. If it is a template nothing lies on it, and nothing will until
    /// that is done.
    pub(crate) fn alone_with<T>(
        &self,
        object: &DataObject,
        name: &str,
        then: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if object.object_type() != DataObjectType::Template {
            return then();
        }
        let turns = self.stores.turns(self.place.store);
        let _alone = turns.change_templates();
        self.expect_unneeded(name)?;
        then()
    }

    /// Refuses to touch a template that something lies on.
    fn expect_unneeded(&self, template: &str) -> Result<()> {
        const TOLD: usize = 10;
        let mut needed_by = self.needed_by(template)?;
        if needed_by.is_empty() {
            return Ok(());
        }
        let more = match needed_by.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        needed_by.truncate(TOLD);
        Err(PluginError::in_use(format!(
            "{template:?} holds bytes of {}{more}, which would be lost with it; remove them first, \
             or move the volumes to another pool and remove their snapshots",
            needed_by.join(", ")
        )))
    }

    /// What lies on a template. An image that cannot be read may.
    fn needed_by(&self, template: &str) -> Result<Vec<String>> {
        let mut needed_by = Vec::new();
        for file in self.opened.directory.names()? {
            let Some(name) = Name::parse(&file).filter(|_| !Format::of(&file).is_raw()) else {
                continue;
            };
            let kind = name.kind.as_str().to_ascii_lowercase();
            match qcow2::header(&self.opened.directory, &file) {
                Ok(header) if header.template.as_deref() != Some(template) => {}
                Ok(_) => needed_by.push(format!("{kind} {}", name.uuid)),
                Err(error) if error.kind() == PluginErrorKind::NotFound => {}
                Err(_) => needed_by.push(format!("maybe {kind} {}, which is damaged", name.uuid)),
            }
        }
        needed_by.sort();
        Ok(needed_by)
    }

    /// Refuses to touch the image of a volume that a guest has open.
    pub(crate) fn expect_closed(&self, there: &There) -> Result<()> {
        let file = self.opened.directory.open_to_write(&there.name)?;
        if !usage::is_open_elsewhere(&file) {
            return Ok(());
        }
        Err(PluginError::in_use(format!(
            "the qcow2 image {:?} is open in another process, which keeps parts of it in its \
             memory; stop the instance first",
            self.opened.directory.path().join(&there.name)
        )))
    }

    /// The truth about an object.
    pub(crate) fn describe(&self, object: &DataObject) -> Result<ObjectDescription> {
        let Some(there) = self.find(object)? else {
            return Ok(ObjectDescription::absent());
        };
        let mut truth = description(&there);
        if object.object_type() == DataObjectType::Template {
            truth.needed_by = self.needed_by(&there.name)?;
        }
        Ok(truth)
    }

    /// Keeps others away from an object, once an attempt that was given up has come to its end.
    pub(crate) fn hold(&self, unfinished: &str) -> Result<Held> {
        let held = self.opened.directory.hold(unfinished)?;
        self.expect_wanted()?;
        Ok(held)
    }

    /// Refuses to go on once the call was given up.
    fn expect_wanted(&self) -> Result<()> {
        if self.call.is_cancelled() {
            return Err(PluginError::cancelled("the call was given up"));
        }
        Ok(())
    }

    /// The files that an object may have. It has one of them at most.
    fn files_of(&self, object: &DataObject) -> Result<Vec<String>> {
        if let Some(adopted) = names::adopted(self.place, object)? {
            return Ok(vec![adopted]);
        }
        let own = Name::of(self.place, object)?;
        let formats = match own.kind {
            DataObjectType::Template => &[Format::Raw][..],
            _ => &[Format::Raw, Format::Qcow2],
        };
        Ok(formats.iter().map(|format| own.file(*format)).collect())
    }

    /// An object, if it is there.
    pub(crate) fn find(&self, object: &DataObject) -> Result<Option<There>> {
        for name in self.files_of(object)? {
            if let Some(there) = self.look_at(name)? {
                return Ok(Some(there));
            }
        }
        Ok(None)
    }

    /// A file of an object, if it is there.
    pub(crate) fn look_at(&self, name: String) -> Result<Option<There>> {
        let directory = &self.opened.directory;
        let Some(found) = directory.look(&name)?.filter(|found| found.size > 0) else {
            return Ok(None);
        };
        let mut there = There::new(name, found);
        if !there.format.is_raw() {
            match qcow2::header(directory, &there.name) {
                Ok(header) => (there.size, there.template) = (header.size, header.template),
                // It was removed since.
                Err(error) if error.kind() == PluginErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(there))
    }

    /// A file that must be there.
    pub(crate) fn there(&self, name: String) -> Result<There> {
        let path = self.opened.directory.path().join(&name);
        self.look_at(name)?.ok_or_else(|| PluginError::not_found(format!("{path:?} is not there")))
    }

    /// An object that must be there.
    pub(crate) fn existing(&self, object: &DataObject) -> Result<There> {
        if let Some(adopted) = names::adopted(self.place, object)? {
            return self.there(adopted);
        }
        self.find(object)?.ok_or_else(|| {
            let kind = object.object_type().as_str().to_ascii_lowercase();
            let (uuid, path) = (object.uuid(), &self.place.path);
            PluginError::not_found(format!("the {kind} {uuid} is not in {path:?}"))
        })
    }

    /// What an attempt before this one made. It may have been killed before it flushed.
    fn made_before(&self, object: &DataObject, size: u64) -> Result<Option<Created>> {
        let directory = &self.opened.directory;
        let Some(there) = self.find(object)? else {
            return Ok(None);
        };
        if there.size < size {
            return Err(PluginError::already_exists(format!(
                "{:?} is there with {} bytes instead of {size}",
                there.name, there.size
            )));
        }
        let file = directory.open_to_read(&there.name)?;
        file.sync_all().map_err(|error| directory.failed("flush", &there.name, error))?;
        directory.sync()?;
        Ok(Some(there.created()))
    }

    fn reserve(&self, name: &str, bytes: u64) -> Result<Reservation> {
        let limited = (&self.opened.directory, self.opened.mark.capacity_bytes);
        self.stores.quotas.reserve(self.place, limited, name, bytes)
    }

    fn created(&self, object: &DataObject) -> Result<Created> {
        self.existing(object).map(|there| there.created())
    }
}

impl There {
    /// A file, as far as it tells without being read.
    fn new(name: String, found: Found) -> Self {
        let format = Format::of(&name);
        Self { name, format, found, size: found.size, template: None }
    }

    fn created(&self) -> Created {
        let mut created = Created::new(&*self.name);
        created.size_bytes = Some(self.size);
        created.physical_size_bytes = Some(self.found.physical);
        created
    }
}

/// A file as the host sees it.
pub(crate) fn description(there: &There) -> ObjectDescription {
    let mut truth = ObjectDescription::new(true);
    truth.size_bytes = there.size;
    truth.physical_size_bytes = Some(there.found.physical);
    truth.generation = Some(there.found.generation());
    // Of the bytes as they are read and written; how they lie in the file is another matter.
    truth.format = Some(ImageFormat::Raw);
    truth.details.insert("file_format", there.format.word());
    if let Some(template) = &there.template {
        truth.details.insert("backing_file", &**template);
    }
    truth.path.clone_from(&there.name);
    truth
}
