//! Objects kept as files, for drivers whose back end is a directory.
//!
//! What such a driver needs and easily gets wrong: files that are there whole or not at all, names
//! that survive a power failure, symbolic links that lead elsewhere, holes that stay holes, writes
//! that go on where they stopped, and blocking work off the plugin's few threads.
//!
//! The functions work on paths and suit a driver that has its directory to itself. [`Directory`]
//! reaches everything through one open directory and follows no link; [`Ground`] and [`Marks`] see
//! to it that a directory is one store's alone, is not taken for it when it is not mounted, and is
//! changed neither by a host whose database is of the past nor by two hosts at once.
//!
//! Nothing here derives a name: which file an object has is the driver's affair.

mod attempt;
mod copying;
mod directory;
mod extents;
mod found;
mod ground;
mod held;
mod living;
mod mark;
mod marks;
mod reader;
mod site;
mod space;
mod sparse;
mod writer;
mod zeros;

#[cfg(test)]
mod tests;

pub use copying::Copying;
pub use directory::Directory;
pub use extents::{data_runs, next_data};
pub use found::Found;
pub use ground::Ground;
pub use held::{Alone, Held, lock};
pub use living::{FILE as LOCK_FILE, rest};
pub use mark::{FILE as MARK_FILE, Mark, SPARE as SPARE_MARK_FILE};
pub use marks::{Marks, Opened};
pub use reader::FileReader;
pub use site::Site;
pub use space::Space;
pub use sparse::SparseReader;
pub use writer::FileWriter;
pub use zeros::make_zeros;

use crate::driver::ObjectDescription;
use crate::error::{PluginError, PluginResult};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Runs work that blocks on a thread that may.
///
/// # Cancellation
/// Work that has not begun when the call is given up never begins, so it cannot come in the way
/// of the next attempt. Work that has begun ends.
///
/// # Errors
/// Those of the work; `Internal` when it panicked.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> PluginResult<T> + Send + 'static,
) -> PluginResult<T> {
    // A set aborts what it holds when it is dropped; a lone handle would let it run.
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn_blocking(work);
    match tasks.join_next().await {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(PluginError::cancelled("the plugin is shutting down")),
        },
        None => Err(PluginError::internal("the work vanished")),
    }
}

/// What is known of an object's file; `None` where there is none.
///
/// # Errors
/// `PermissionDenied` for a symbolic link: it would lead out of the store, with the rights of the
/// host. Whatever the file system says besides.
pub fn look(file: &Path) -> PluginResult<Option<Metadata>> {
    match fs::symlink_metadata(file) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(PluginError::permission_denied(format!("{file:?} is not an ordinary file"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("look at", file, &error)),
    }
}

/// What is known of an object's file that must be there.
///
/// # Errors
/// `NotFound`, and those of [`look`].
pub fn existing(file: &Path) -> PluginResult<Metadata> {
    look(file)?.ok_or_else(|| PluginError::not_found(format!("{file:?} is not there")))
}

/// Makes an object's file, or replaces it, with what `fill` writes into a new one.
///
/// The object comes into being, or changes, at one instant: a crash before it leaves nothing that
/// [`look`] sees, one after it leaves all of it.
///
/// # Errors
/// Whatever the file system says; then nothing was changed.
pub fn make(file: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> PluginResult<()> {
    let new = unfinished(file);
    let directory = file.parent().unwrap_or(Path::new("/"));
    let made = fs::create_dir_all(directory)
        .and_then(|()| gone(fs::remove_file(&new)))
        .and_then(|()| fill(&new))
        .and_then(|()| File::open(&new)?.sync_all())
        .and_then(|()| fs::rename(&new, file))
        // The name is on the disk only once its directory is; which may be as new as the file.
        .and_then(|()| directory.ancestors().take(2).try_for_each(sync_directory));
    made.map_err(|error| {
        gone(fs::remove_file(&new)).ok();
        failed("make", file, &error)
    })
}

/// Makes a file of a size, blank or as a copy of another; one that is there already stays as it is.
///
/// A copy is as large as its source at least. What is not written reads as zeros and takes no
/// space. On file systems that share blocks a copy takes the same time whatever its size.
///
/// # Errors
/// `NotFound` when the source is gone, and whatever the file system says.
pub fn create(file: &Path, size_bytes: u64, source: Option<&Path>) -> PluginResult<()> {
    if look(file)?.is_some() {
        // Made by an attempt before this one.
        return Ok(());
    }
    let copied = source.map(existing).transpose()?.map_or(0, |found| found.len());
    make(file, |new| {
        if let Some(source) = source {
            fs::copy(source, new)?;
        }
        let open = File::options().create(true).append(true).open(new)?;
        open.set_len(size_bytes.max(copied))
    })
}

/// Makes a file have the bytes of another, at one instant.
///
/// # Errors
/// `NotFound` when one of the two is gone, and whatever the file system says.
pub fn replace(file: &Path, source: &Path) -> PluginResult<()> {
    existing(file).and(existing(source))?;
    make(file, |new| fs::copy(source, new).map(drop))
}

/// Changes the size of a file; what it grows by reads as zeros.
///
/// # Errors
/// `NotFound`, `InvalidArgument` for a smaller size without `shrink_ok`, and whatever the file
/// system says.
pub fn resize(file: &Path, size_bytes: u64, shrink_ok: bool) -> PluginResult<()> {
    let has = existing(file)?.len();
    if size_bytes < has && !shrink_ok {
        return Err(PluginError::invalid_argument(format!(
            "{size_bytes} bytes are less than the {has} that there are, and shrinking was not asked for"
        )));
    }
    let resized = File::options().write(true).open(file).and_then(|open| {
        open.set_len(size_bytes)?;
        open.sync_all()
    });
    resized.map_err(|error| failed("resize", file, &error))
}

/// Removes an object's file, and what a crash left of its making. One that is gone is a success.
///
/// # Errors
/// Whatever the file system says.
pub fn remove(file: &Path) -> PluginResult<()> {
    gone(fs::remove_file(unfinished(file)))
        .and_then(|()| match fs::remove_file(file) {
            Ok(()) => file.parent().map_or(Ok(()), sync_directory),
            outcome => gone(outcome),
        })
        .map_err(|error| failed("remove", file, &error))
}

/// The truth about an object by its file.
///
/// # Errors
/// Those of [`look`].
pub fn describe(file: &Path) -> PluginResult<ObjectDescription> {
    let Some(found) = look(file)? else {
        return Ok(ObjectDescription::absent());
    };
    let mut truth = ObjectDescription::new(true);
    truth.size_bytes = found.len();
    truth.physical_size_bytes = Some(physical(&found));
    truth.path = file.to_string_lossy().into_owned();
    // Every change of the content is a newer time, another length, or another file.
    let (inode, seconds, nanos) = (found.ino(), found.mtime(), found.mtime_nsec());
    truth.generation = Some(format!("{inode}-{seconds}.{nanos}-{}", found.len()));
    Ok(truth)
}

/// The name a file has while it is made.
fn unfinished(file: &Path) -> std::path::PathBuf {
    file.with_extension("new")
}

/// Space used, in bytes.
fn physical(found: &Metadata) -> u64 {
    found.blocks() * 512
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// What is not there need not be removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn failed(doing: &str, file: &Path, error: &io::Error) -> PluginError {
    PluginError::from_io(format!("cannot {doing} {file:?}"), error)
}
