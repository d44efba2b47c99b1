//! Objects come, are found and go: what the driver's methods do, on a thread that may block.
//!
//! Invariants: a finished object's file is there whole or not at all; what was answered is on the
//! disk; of the calls about one object one is at work at a time.

use crate::details::Place;
use crate::layout::{self, File, Folder, Name, Spot};
use crate::record::{self, Record};
use crate::stores::Stores;
use crate::tree;
use crate::turns::Turn;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use storage_plugin_api::files::{Directory, Found, Opened};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, CreateResult as Created, PluginResult as Result};

/// 8 TiB: what ext4 takes, with room. Other file systems take more.
pub(crate) const MAX_BYTES: u64 = 8 << 40;

/// The work of one call on one store.
#[derive(Debug)]
pub(crate) struct Work<'a> {
    pub(crate) call: &'a Call,
    pub(crate) place: &'a Place,
    pub(crate) opened: &'a Opened,
    pub(crate) stores: &'a Arc<Stores>,
}

/// A finished object.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) folder: Folder,
    pub(crate) directory: Directory,
    pub(crate) file: String,
    pub(crate) found: Found,
}

impl Work<'_> {
    /// Makes a place that a writer fills: a folder with an empty file in the making. What is there
    /// already stays, also what was written before a crash.
    pub(crate) fn make_place(&self, object: &DataObject) -> Result<Created> {
        let (folder, name) = (Folder::of(object), Name::of(object, &self.place.installation));
        let file = name.file(object.format())?;
        let store = &self.opened.directory;
        let _turn = self.turn(object)?;
        let folders = self.stores.turn_at_folders(self.place);
        let made = tree::open_or_make(store, &folder).and_then(|directory| {
            let held = tree::held(&directory, &name)?;
            if held.finished.is_none() && held.unfinished.is_empty() {
                directory.make(&layout::unfinished(&name, Uuid::new_v4()))?;
            }
            Ok((directory, held.finished))
        });
        if made.is_err() {
            // The error of its making is the one to report.
            tree::prune(store, &folder).ok();
        }
        let (directory, finished) = made?;
        drop(folders);
        if let Some((file, found)) = finished {
            return self.created(object, &Finished { folder, directory, file, found });
        }
        directory.sync()?;
        Ok(Created::new(folder.path(&file)))
    }

    /// What an attempt before this one finished.
    fn created(&self, object: &DataObject, finished: &Finished) -> Result<Created> {
        finished.directory.sync()?;
        let truth = self.description(object, finished)?;
        let mut created = Created::new(truth.path);
        created.size_bytes = Some(truth.size_bytes);
        created.physical_size_bytes = truth.physical_size_bytes;
        created.format = truth.format;
        Ok(created)
    }

    /// Finds a finished object.
    pub(crate) fn find(&self, object: &DataObject) -> Result<Option<Finished>> {
        let name = Name::of(object, &self.place.installation);
        let (folder, file) = match layout::spot(self.place, object)? {
            Spot::At(folder, file) => (folder, Some(file)),
            Spot::Anywhere(folder) | Spot::Nowhere(folder) => (folder, None),
        };
        if let Some(directory) = tree::open(&self.opened.directory, &folder)? {
            let found = match file {
                Some(file) => directory.look(&file)?.map(|found| (file, found)),
                None => tree::held(&directory, &name)?.finished,
            };
            if let Some((file, found)) = found {
                return Ok(Some(Finished { folder, directory, file, found }));
            }
        }
        if !object.path().is_empty() {
            return Ok(None);
        }
        // Known by its uuid alone, it may lie where it lay when it had another owner.
        let Some(folder) = self.search(folder.kind, &name)? else {
            return Ok(None);
        };
        let Some(directory) = tree::open(&self.opened.directory, &folder)? else {
            return Ok(None);
        };
        let finished = tree::held(&directory, &name)?.finished;
        Ok(finished.map(|(file, found)| Finished { folder, directory, file, found }))
    }

    /// Goes through the store for a file of an object; its folder.
    fn search(&self, kind: DataObjectType, name: &Name) -> Result<Option<Folder>> {
        let mut found = None;
        tree::walk(&self.opened.directory, "", |entry| {
            let is_it = match &entry.kind {
                File::Object(of, _) | File::Unfinished(of) => of == name,
                File::Record | File::Foreign => false,
            };
            if is_it && entry.folder.kind == kind {
                found = Some(entry.folder);
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// A finished object that must be there.
    pub(crate) fn existing(&self, object: &DataObject) -> Result<Finished> {
        self.find(object)?.ok_or_else(|| {
            let kind = object.object_type().as_str().to_ascii_lowercase();
            PluginError::not_found(format!(
                "the {kind} {} is not in {:?}",
                object.uuid(),
                self.place.path
            ))
        })
    }

    /// The truth about an object.
    pub(crate) fn describe(&self, object: &DataObject) -> Result<ObjectDescription> {
        match self.find(object)? {
            Some(finished) => self.description(object, &finished),
            None => Ok(ObjectDescription::absent()),
        }
    }

    fn description(&self, object: &DataObject, of: &Finished) -> Result<ObjectDescription> {
        let record = read_record(
            &of.directory,
            of.folder.kind,
            &Name::of(object, &self.place.installation),
        )?;
        let record = record.filter(|record| record.is_of(&of.file, &of.found));
        let format = match File::parse(&of.file) {
            File::Object(_, format) => format,
            _ => ImageFormat::Unknown,
        };
        let mut truth = ObjectDescription::new(true);
        truth.path = of.folder.path(&of.file);
        truth.generation = Some(of.found.generation());
        truth.format = Some(format);
        truth.size_bytes = of.found.size;
        truth.physical_size_bytes = Some(of.found.physical);
        if format != ImageFormat::Raw {
            // Only who reads the format knows the size of the disk in it: the host, which tells it.
            let told = [object.size_bytes(), record.as_ref().map_or(0, |one| one.virtual_size)];
            let told = told.into_iter().find(|size| *size > 0);
            truth.size_bytes = told.unwrap_or(of.found.size);
            truth.physical_size_bytes = Some(of.found.size);
        }
        truth.digest = record.and_then(|record| record.digest);
        Ok(truth)
    }

    /// Removes an object, what was left of its making, and the folders that are empty then. What is
    /// gone is a success, once more flushed: an attempt before this one may have been killed before
    /// it was.
    pub(crate) fn remove(&self, object: &DataObject) -> Result<()> {
        let name = Name::of(object, &self.place.installation);
        let own = Folder::of(object);
        // A path that leads elsewhere is refused before anything is touched.
        let folder = match layout::spot(self.place, object)? {
            Spot::At(folder, _) => Some(folder),
            Spot::Anywhere(_) | Spot::Nowhere(_) => None,
        };
        let _turn = self.stores.turn_at(self.place, object.uuid());
        let mut any = self.remove_from(&own, &name)?;
        if let Some(folder) = folder.filter(|folder| *folder != own) {
            any |= self.remove_from(&folder, &name)?;
        }
        if !any && object.path().is_empty() {
            while let Some(folder) = self.search(own.kind, &name)? {
                self.remove_from(&folder, &name)?;
            }
        }
        Ok(())
    }

    /// Removes what a folder has of an object; whether it had something.
    fn remove_from(&self, folder: &Folder, name: &Name) -> Result<bool> {
        let store = &self.opened.directory;
        let Some(directory) = tree::open(store, folder)? else {
            return Ok(false);
        };
        let held = tree::held(&directory, name)?;
        let any = held.finished.is_some() || !held.unfinished.is_empty();
        // First what could still become the object, then the object, then what is known of it.
        for file in &held.unfinished {
            directory.unlink(file)?;
        }
        // Again: a writer may have finished before its file was removed.
        if let Some((file, _)) = tree::held(&directory, name)?.finished {
            directory.unlink(&file)?;
        }
        remove_record(&directory, folder.kind, name)?;
        directory.sync()?;
        drop(directory);
        let _folders = self.stores.turn_at_folders(self.place);
        tree::prune(store, folder)?;
        Ok(any)
    }

    /// Waits for those who are at work on an object; refuses to go on for a call that was given up
    /// meanwhile.
    pub(crate) fn turn(&self, object: &DataObject) -> Result<Turn> {
        let turn = self.stores.turn_at(self.place, object.uuid());
        if self.call.is_cancelled() {
            return Err(PluginError::cancelled("the call was given up"));
        }
        Ok(turn)
    }
}

/// Refuses a length outside the declared limits.
pub(crate) fn check_size(size: u64) -> Result<()> {
    if size <= MAX_BYTES {
        return Ok(());
    }
    Err(PluginError::invalid_argument(format!(
        "{size} bytes are more than the {MAX_BYTES} (8 TiB) that one file may have here"
    )))
}

fn read_record(directory: &Directory, kind: DataObjectType, name: &Name) -> Result<Option<Record>> {
    let file = layout::record(name, kind);
    // What is no ordinary file is no record, and no reason to refuse the object.
    if !directory.look(&file).is_ok_and(|found| found.is_some()) {
        return Ok(None);
    }
    let mut text = Vec::new();
    let read = directory.open_to_read(&file)?.take(record::MAX_BYTES).read_to_end(&mut text);
    read.map_err(|error| directory.failed("read", &file, error))?;
    Ok(Some(Record::parse(&String::from_utf8_lossy(&text))))
}

/// Puts the record of an object in place, durably.
pub(crate) fn write_record(
    directory: &Directory,
    name: &Name,
    object: &DataObject,
    record: &Record,
) -> Result<()> {
    let unfinished = layout::unfinished(name, Uuid::new_v4());
    let written = directory.make(&unfinished).and_then(|mut file| {
        let written = file.write_all(record.to_text(object).as_bytes());
        let flushed = written.and_then(|()| file.sync_all());
        flushed.map_err(|error| directory.failed("write", &unfinished, error))
    });
    let placed = written
        .and_then(|()| directory.rename(&unfinished, &layout::record(name, object.object_type())));
    if placed.is_err() {
        directory.unlink(&unfinished).ok();
    }
    placed
}

/// Removes the record of an object. That of a template is known by its name alone, so it is looked
/// whose it is.
fn remove_record(directory: &Directory, kind: DataObjectType, name: &Name) -> Result<()> {
    let is_its = read_record(directory, kind, name)?.is_some_and(
        |record| matches!(File::parse(&record.file), File::Object(of, _) if of == *name),
    );
    if is_its {
        directory.unlink(&layout::record(name, kind))?;
    }
    Ok(())
}
