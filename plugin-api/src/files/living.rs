//! One living host at a time: a lock that the process keeps while it lives.
//!
//! The epoch of the mark tells a database of the past; it cannot tell a twin, a host started from
//! a copy of the data directory while the first one lives: both know the same. The kernel can: it
//! takes the lock back when the process ends, however it ends.
//!
//! Invariant: who changes something in a directory has the lock of its file. All stores of one
//! process share it; a file system without locks is left to its single user.

use super::{Directory, Site};
use crate::error::{PluginError, PluginResult as Result};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The name of the file that is locked. It holds, for people, the process that has it.
pub const FILE: &str = ".storage-store.lock";

/// A lock of this process.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    // The lock is this open file's.
    _file: File,
}

/// The locks of this process, by device and inode of their files.
static HELD: Mutex<BTreeMap<(u64, u64), Lock>> = Mutex::new(BTreeMap::new());

/// Sees to it that this process is the one that lives on the store.
///
/// # Errors
/// `Unavailable`, to be tried again: another process does.
pub(super) fn live(site: &Site, directory: &Directory) -> Result<()> {
    let file = directory.open_or_make(FILE)?;
    let stat =
        rustix::fs::fstat(&file).map_err(|error| directory.failed("look at", FILE, error))?;
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let identity = (stat.st_dev, stat.st_ino);
    if held.contains_key(&identity) {
        return Ok(());
    }
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            let about = format!("process {} of installation {}\n", pid(), site.installation);
            // For people only: a disk that is full must not keep the host out.
            file.set_len(0).and_then(|()| (&file).write_all(about.as_bytes())).ok();
            held.insert(identity, Lock { path: site.path.clone(), _file: file });
            Ok(())
        }
        Err(Errno::WOULDBLOCK) => Err(lived_in(site, &file)),
        Err(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(directory.failed("lock", FILE, error)),
    }
}

/// Nothing happens on the store for a while: its file system can be unmounted.
pub fn rest(site: &Site) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|_, lock| lock.path != site.path);
}

/// Nobody lives on the store any more: the file goes with its mark.
pub(super) fn leave(site: &Site, directory: &Directory) -> Result<()> {
    directory.unlink(FILE)?;
    rest(site);
    Ok(())
}

fn pid() -> u32 {
    std::process::id()
}

fn lived_in(site: &Site, mut file: &File) -> PluginError {
    let mut who = String::new();
    // What cannot be read is only not told.
    (&mut file).take(256).read_to_string(&mut who).ok();
    let who = match who.trim() {
        "" => "another process",
        who => who,
    };
    PluginError::unavailable(format!(
        "{who} lives on the store in {:?}; two hosts of one store would destroy it, so this one \
         touches nothing there until the other has ended",
        site.path
    ))
}
