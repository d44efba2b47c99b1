//! Streams are opened: a reader that skips holes, a writer that begins or goes on.

use crate::base;
use crate::digest::Counted;
use crate::layout::{self, File, Folder, Name, Spot};
use crate::objects::{Work, check_size};
use crate::tree;
use crate::writer::{ImageWriter, Target, TokenState};
use std::fs;
use std::ops::ControlFlow;
use storage_plugin_api::files::{Directory, SparseReader, lock, make_zeros};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{OpenedWriter as Writer, PluginErrorKind, PluginResult as Result};

/// Opens an object for reading a range of it.
pub(crate) fn open_reader(work: &Work<'_>, of: &OpenReaderRequest) -> Result<SparseReader> {
    if of.since.is_some() {
        return Err(PluginError::unsupported("what changed since a snapshot is not known"));
    }
    let there = work.existing(&of.object)?;
    let (file, found) = there.directory.open_found(&there.file)?;
    let asked = of.length.map(|length| of.offset.saturating_add(length));
    let end = asked.map_or(found.size, |end| end.min(found.size));
    let path = there.directory.path().join(&there.file);
    Ok(SparseReader::over(&path, file, of.offset..end))
}

/// Opens an object for writing it whole, or from a token on.
pub(crate) fn open_writer(work: &Work<'_>, of: &OpenWriterRequest) -> Result<Writer> {
    check_size(of.size_bytes)?;
    if let Some(base) = &of.base {
        return begin_over(work, of, base);
    }
    match &of.resume {
        None => begin(work, of),
        Some(token) => go_on(work, of, token),
    }
}

/// Where the file of an object is made, and how it is called. It holds as long as one has the turn
/// at the object.
struct Place {
    folder: Folder,
    directory: Directory,
    name: Name,
    file: String,
}

fn find_place(work: &Work<'_>, object: &DataObject) -> Result<Place> {
    let name = Name::of(object, &work.place.installation);
    let (folder, file) = match layout::spot(work.place, object)? {
        Spot::At(folder, file) => (folder, Some(file)),
        Spot::Anywhere(folder) | Spot::Nowhere(folder) => (folder, None),
    };
    let missing = || {
        let kind = object.object_type().as_str().to_ascii_lowercase();
        PluginError::not_found(format!(
            "the {kind} {} has no place in {:?}; it is created before it is written",
            object.uuid(),
            work.place.path
        ))
    };
    let directory = tree::open(&work.opened.directory, &folder)?.ok_or_else(missing)?;
    let held = tree::held(&directory, &name)?;
    if held.finished.is_none() && held.unfinished.is_empty() {
        return Err(missing());
    }
    let file = match file.or(held.finished.map(|(file, _)| file)) {
        Some(file) => file,
        None => name.file(object.format())?,
    };
    Ok(Place { folder, directory, name, file })
}

/// Begins a new file. What was finished before stays until this one is.
fn begin(work: &Work<'_>, of: &OpenWriterRequest) -> Result<Writer> {
    let (place, made) = make_new(work, of)?;
    Ok(ImageWriter::open(target(work, of, place, made), Counted::new()))
}

/// Begins a new file with the bytes of another object.
fn begin_over(work: &Work<'_>, of: &OpenWriterRequest, base: &DataObject) -> Result<Writer> {
    let there = work.existing(base)?;
    let (from, found) = there.directory.open_found(&there.file)?;
    let path = there.directory.path().join(&there.file);
    if of.resume.is_some() || found.size != of.size_bytes {
        return Err(PluginError::invalid_argument(format!(
            "{} bytes are written over {path:?}, which has {}; a write over a base is as long as \
             that, and begins at its beginning",
            of.size_bytes, found.size
        )));
    }
    // The bytes come without the turn: whoever asks for the object meanwhile does not wait.
    let (place, made) = make_new(work, of)?;
    let to = place.directory.path().join(&made.1);
    let begun = base::begin_with(work.call, (&from, &path), (&made.2, &to), of.size_bytes);
    if let Err(error) = begun {
        // What cannot be removed now is removed with the object.
        place.directory.unlink(&made.1).ok();
        return Err(error);
    }
    let mut target = target(work, of, place, made);
    target.is_over = true;
    Ok(ImageWriter::open(target, Counted::none()))
}

/// A file in the making: its attempt, its name, and the file.
type Made = (Uuid, String, fs::File);

/// An empty file in the making, of the size that is announced.
fn make_new(work: &Work<'_>, of: &OpenWriterRequest) -> Result<(Place, Made)> {
    let _turn = work.turn(&of.object)?;
    let place = find_place(work, &of.object)?;
    let attempt = Uuid::new_v4();
    let unfinished = layout::unfinished(&place.name, attempt);
    let directory = &place.directory;
    let open = {
        // Held until the new file has its size and is counted with it.
        let _folders = work.stores.turn_at_folders(work.place);
        reserve(work, &place.name, of.size_bytes)?;
        let open = directory.make(&unfinished)?;
        if let Err(error) = open.set_len(of.size_bytes) {
            directory.unlink(&unfinished).ok();
            return Err(directory.failed("make", &unfinished, error));
        }
        open
    };
    let claimed = claim(directory, &unfinished, &open).and_then(|()| {
        // Writers of before have lost: their files are not those of the object any more.
        for older in tree::held(directory, &place.name)?.unfinished {
            if older != unfinished {
                directory.unlink(&older)?;
            }
        }
        // A token must find its file after a power failure.
        directory.sync()
    });
    if let Err(error) = claimed {
        directory.unlink(&unfinished).ok();
        return Err(error);
    }
    Ok((place, (attempt, unfinished, open)))
}

/// Goes on with a file where a token says.
fn go_on(work: &Work<'_>, of: &OpenWriterRequest, token: &CheckpointToken) -> Result<Writer> {
    let not_ours = |why: &str| {
        PluginError::invalid_argument(format!(
            "the token is not one of a write of {} {}: {why}",
            of.object.object_type().as_str().to_ascii_lowercase(),
            of.object.uuid()
        ))
    };
    let state = TokenState::of(token).ok_or_else(|| not_ours("it cannot be read"))?;
    let tree = state.tree(token.offset).filter(|tree| tree.offset() <= of.size_bytes);
    let tree = tree.ok_or_else(|| not_ours("nothing of ours goes on there"))?;
    let Place { name, directory, .. } = find_place(work, &of.object)?;
    let unfinished = layout::unfinished(&name, state.attempt);
    let gone = "what it speaks of was finished, replaced or removed";
    let open = directory.open_to_write(&unfinished).map_err(|error| match error.kind() {
        PluginErrorKind::NotFound => not_ours(gone),
        _ => error,
    })?;
    // Before the turn: a writer that is still at work needs it to come to its end.
    claim(&directory, &unfinished, &open)?;
    let _turn = work.turn(&of.object)?;
    let place = find_place(work, &of.object)?;
    let target = target(work, of, place, (state.attempt, unfinished, open));
    let has = target.expect_current().map_err(|_| not_ours(gone))?.size;
    if has != of.size_bytes {
        return Err(not_ours(&format!("that was one of {has} bytes, not of {}", of.size_bytes)));
    }
    // What was written after the token may be there or not: it is forgotten.
    let path = target.directory.path().join(&target.unfinished);
    make_zeros(&target.open, &path, token.offset..has)?;
    Ok(ImageWriter::open(target, tree))
}

/// Waits until nobody else writes a file: a write that was given up ends with its chunk.
fn claim(directory: &Directory, unfinished: &str, open: &fs::File) -> Result<()> {
    lock(open).map_err(|error| directory.failed("lock", unfinished, error))
}

fn target(
    work: &Work<'_>,
    of: &OpenWriterRequest,
    place: Place,
    (attempt, unfinished, open): Made,
) -> Target {
    Target {
        place: work.place.clone(),
        stores: Arc::clone(work.stores),
        object: of.object.clone(),
        folder: place.folder,
        directory: place.directory,
        name: place.name,
        file: place.file,
        unfinished,
        attempt,
        open,
        size: of.size_bytes,
        expected: of.digest.clone(),
        is_over: false,
    }
}

/// Refuses what does not fit below the limit of the store, if it has one. The caller has the turn
/// at folders.
fn reserve(work: &Work<'_>, name: &Name, bytes: u64) -> Result<()> {
    let Some(limit) = work.place.limit else {
        return Ok(());
    };
    let taken = taken(work.place, &work.opened.directory, Some(name))?;
    if taken.saturating_add(bytes) <= limit {
        return Ok(());
    }
    Err(PluginError::capacity_exceeded(format!(
        "{bytes} bytes do not fit into the {} that are left of the {limit} of the store in {:?}",
        limit.saturating_sub(taken),
        work.place.path
    )))
}

/// What the objects of the installation take of a limit: those that are finished their space, those
/// in the making their length. What another write of an object has so far is not counted.
pub(crate) fn taken(
    place: &crate::details::Place,
    store: &Directory,
    rewritten: Option<&Name>,
) -> Result<u64> {
    let mut taken = 0_u64;
    tree::walk(store, "", |entry| {
        let bytes = match &entry.kind {
            File::Object(of, _) if of.installation == place.installation => {
                entry.look().map_or(0, |found| found.physical)
            }
            File::Unfinished(of)
                if of.installation == place.installation && Some(of) != rewritten =>
            {
                entry.look().map_or(0, |found| found.size)
            }
            _ => 0,
        };
        taken = taken.saturating_add(bytes);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(taken)
}
