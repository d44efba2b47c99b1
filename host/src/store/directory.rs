//! The data directory: who may write to it, and that one host at a time has it.
//!
//! What it is not: the files in it; each has its owner elsewhere in this room.
//!
//! **Invariant:** as long as a [`Directory`] exists, no other process has one of the same path.
//! The kernel takes the lock back when the process ends, however it ends.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::OpenError;

const LOCK: &str = "lock";
const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
/// Permission bits: the group or others may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A data directory that this process has for itself.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: File,
}

impl Directory {
    /// Creates the directory where it is missing, checks it and takes it.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        create(path)?;
        let mode = fs::metadata(path)
            .map_err(io_error("read the permissions of", path))?
            .permissions()
            .mode()
            & 0o7777;
        if mode & WRITABLE_BY_OTHERS != 0 {
            let path = path.to_owned();
            return Err(OpenError::ExposedDirectory { path, mode });
        }
        let lock = lock(path)?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// The path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the names in it durable, after a file was created or renamed.
    pub(super) fn sync(&self) -> Result<(), OpenError> {
        sync(&self.path)
    }

    /// Opens a new file that only its owner can read.
    pub(super) fn create_private(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(self.file(name))
    }
}

impl Drop for Directory {
    /// Gives the lock back in so many words. Closing the file would not do: a child that this
    /// process is just starting has the lock too, until it becomes its program.
    fn drop(&mut self) {
        if let Err(errno) = flock(&self.lock, FlockOperation::Unlock) {
            log::warn!("cannot unlock data directory {:?}: {errno}", self.path);
        }
    }
}

/// For `map_err`: what was done to which file.
pub(super) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |error| OpenError::Io { doing, path, source: Arc::new(error) }
}

fn create(path: &Path) -> Result<(), OpenError> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_DIRECTORY)
        .create(path)
        .map_err(io_error("create data directory", path))?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => sync(Path::new(".")),
    }
}

fn sync(path: &Path) -> Result<(), OpenError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(io_error("make durable the names in", path))
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE_FILE)
        .open(&path)
        .map_err(io_error("open lock file", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            return Err(OpenError::InUse { path: directory.to_owned(), pid: holder(&mut file) });
        }
        Err(errno) => return Err(io_error("lock", &path)(errno.into())),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", process::id()))
        .map_err(io_error("write lock file", &path))?;
    Ok(file)
}

/// The process that wrote itself into the lock file. It may be about to: then it is not known.
fn holder(file: &mut File) -> Option<u32> {
    const LONGEST_PID: u64 = 20;
    let mut text = String::new();
    file.take(LONGEST_PID).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
