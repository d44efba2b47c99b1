//! Objects come, change and go: what the driver's methods do to files, on a thread that may block.
//!
//! Invariants: an object's file is there whole or not at all, and a file without a byte counts as
//! not there; what was answered is on the disk. So a blank volume needs no second name: it is there
//! at the instant it has its size. What has bytes is made under another name, flushed and renamed.

use crate::details::Place;
use crate::names::{self, Name};
use crate::quota::{Quotas, Reservation};
use crate::sharing::{self, Source};
use crate::space;
use std::fs::File;
use std::path::PathBuf;
use storage_plugin_api::files::{Found, Held, Opened};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, CreateResult as Created, PluginResult as Result};

/// The work of one call on one store.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub(crate) call: &'a Call,
    pub(crate) place: &'a Place,
    pub(crate) opened: &'a Opened,
    pub(crate) quotas: &'a Quotas,
}

impl Work<'_> {
    /// Makes a blank object of a size; one that is there stays as it is.
    pub(crate) fn make_blank(&self, object: &DataObject, size: u64) -> Result<Created> {
        let directory = &self.opened.directory;
        let own = Name::of(self.place, object)?;
        let (name, unfinished) = (own.file(), own.unfinished());
        if let Some(there) = self.made_before(&name, size)? {
            return Ok(there);
        }
        // Nothing is written there: it keeps a later attempt away until this one has ended.
        let _held = self.hold(&unfinished)?;
        if let Some(there) = self.made_before(&name, size)? {
            return Ok(there);
        }
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
        self.created(&name)
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
        let own = Name::of(self.place, object)?;
        let (name, unfinished) = (own.file(), own.unfinished());
        if let Some(there) = self.made_before(&name, 0)? {
            return Ok(there);
        }
        let (from, found) = self.open_source(source)?;
        let held = self.hold(&unfinished)?;
        // An attempt that was given up may have come to its end while we waited for it.
        if let Some(there) = self.made_before(&name, 0)? {
            return Ok(there);
        }
        let _reserved = self.reserve(&name, size.max(found.size))?;
        self.fill(&held, source, &from, found.size)?;
        self.give_size(&held.file, &unfinished, object, size.max(found.size))?;
        held.publish(&name, || self.expect_wanted())?;
        self.created(&name)
    }

    /// Gives a volume the bytes and the size of a snapshot, at one instant. Who has the volume open
    /// keeps the bytes of before until it opens it again.
    pub(crate) fn revert(&self, volume: &DataObject, snapshot: &DataObject) -> Result<()> {
        let name = names::file_of(self.place, volume)?;
        self.existing(&name)?;
        let (from, found) = self.open_source(snapshot)?;
        let unfinished = Name::of(self.place, volume)?.unfinished();
        let held = self.hold(&unfinished)?;
        let _reserved = self.reserve(&name, found.size)?;
        self.fill(&held, snapshot, &from, found.size)?;
        self.give_size(&held.file, &unfinished, volume, found.size)?;
        held.publish(&name, || self.expect_wanted()).map(drop)
    }

    fn open_source(&self, source: &DataObject) -> Result<(File, Found)> {
        let name = names::file_of(self.place, source)?;
        let found = self.existing(&name)?;
        Ok((self.opened.directory.open_to_read(&name)?, found))
    }

    /// An object's file to look into, its path and its size.
    pub(crate) fn open(&self, object: &DataObject) -> Result<(File, PathBuf, u64)> {
        let (file, found) = self.open_source(object)?;
        let path = self.opened.directory.path().join(names::file_of(self.place, object)?);
        Ok((file, path, found.size))
    }

    fn fill(&self, held: &Held<'_>, source: &DataObject, from: &File, size: u64) -> Result<()> {
        let path = self.opened.directory.path().join(names::file_of(self.place, source)?);
        let from = Source { file: from, path: &path, size };
        sharing::copy(self.call, from, &held.file, self.place.reflink, self.place.pace)
    }

    /// Puts an empty file of a size in the place of an object, for a writer to fill.
    pub(crate) fn begin_anew(&self, object: &DataObject, size: u64) -> Result<File> {
        let name = names::file_of(self.place, object)?;
        let unfinished = Name::of(self.place, object)?.unfinished();
        let held = self.hold(&unfinished)?;
        let _reserved = self.reserve(&name, size)?;
        self.give_size(&held.file, &unfinished, object, size)?;
        held.publish(&name, || self.expect_wanted())
    }

    /// Changes the size of a volume; what it grows by reads as zeros.
    pub(crate) fn resize(&self, to: &ResizeRequest) -> Result<Created> {
        let (object, size) = (DataObject::from(to.volume.clone()), to.new_size_bytes);
        let name = names::file_of(self.place, &object)?;
        let unfinished = Name::of(self.place, &object)?.unfinished();
        let _held = self.hold(&unfinished)?;
        let has = self.existing(&name)?.size;
        if size < has && !to.shrink_ok {
            return Err(PluginError::invalid_argument(format!(
                "{size} bytes are less than the {has} of {name:?}, and shrinking was not asked for"
            )));
        }
        let _reserved = self.reserve(&name, size)?;
        let directory = &self.opened.directory;
        let file = directory.open_to_write(&name)?;
        self.give_size(&file, &name, &object, size)?;
        file.sync_all().map_err(|error| directory.failed("flush", &name, error))?;
        self.created(&name)
    }

    /// Removes an object and what was left of its making. What is gone is a success, once more
    /// flushed: an attempt before this one may have been killed before it was.
    pub(crate) fn remove(&self, object: &DataObject) -> Result<()> {
        let directory = &self.opened.directory;
        let name = names::file_of(self.place, object)?;
        directory.discard(&Name::of(self.place, object)?.unfinished())?;
        // A link, or a directory, of this name was not made by us.
        directory.look(&name)?;
        directory.unlink(&name)?;
        directory.sync()
    }

    /// The truth about an object.
    pub(crate) fn describe(&self, object: &DataObject) -> Result<ObjectDescription> {
        let name = names::file_of(self.place, object)?;
        let found = self.whole(&name)?;
        Ok(found.map_or_else(ObjectDescription::absent, |found| description(name, &found)))
    }

    /// Keeps others away from an object, once an attempt that was given up has come to its end.
    fn hold<'n>(&'n self, unfinished: &'n str) -> Result<Held<'n>> {
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

    /// What is known of a file that must be there.
    pub(crate) fn existing(&self, name: &str) -> Result<Found> {
        self.whole(name)?.ok_or_else(|| {
            let path = self.opened.directory.path().join(name);
            PluginError::not_found(format!("{path:?} is not there"))
        })
    }

    fn whole(&self, name: &str) -> Result<Option<Found>> {
        Ok(self.opened.directory.look(name)?.filter(|found| found.size > 0))
    }

    /// What an attempt before this one made. It may have been killed before it flushed.
    fn made_before(&self, name: &str, size: u64) -> Result<Option<Created>> {
        let directory = &self.opened.directory;
        let Some(found) = self.whole(name)? else {
            return Ok(None);
        };
        if found.size < size {
            return Err(PluginError::already_exists(format!(
                "{name:?} is there with {} bytes instead of {size}",
                found.size
            )));
        }
        let file = directory.open_to_read(name)?;
        file.sync_all().map_err(|error| directory.failed("flush", name, error))?;
        directory.sync()?;
        self.created(name).map(Some)
    }

    fn reserve(&self, name: &str, bytes: u64) -> Result<Reservation> {
        let limited = (&self.opened.directory, self.opened.mark.capacity_bytes);
        self.quotas.reserve(self.place, limited, name, bytes)
    }

    fn created(&self, name: &str) -> Result<Created> {
        let mut created = Created::new(name);
        if let Some(found) = self.opened.directory.look(name)? {
            created.size_bytes = Some(found.size);
            created.physical_size_bytes = Some(found.physical);
        }
        Ok(created)
    }
}

/// A file as the host sees it.
pub(crate) fn description(name: String, found: &Found) -> ObjectDescription {
    let mut truth = ObjectDescription::new(true);
    truth.size_bytes = found.size;
    truth.physical_size_bytes = Some(found.physical);
    truth.generation = Some(found.generation());
    truth.format = Some(ImageFormat::Raw);
    truth.path = name;
    truth
}
