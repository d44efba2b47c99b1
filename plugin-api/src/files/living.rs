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
use std::sync::{Arc, Mutex, PoisonError};

/// The name of the file that is locked. It holds, for people, the process that has it.
pub const FILE: &str = ".storage-store.lock";

/// A lock of this process, or the place for one.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    /// The lock is this open file's. It has a mutex of its own: what is asked of a store that hangs
    /// holds up no other.
    file: Arc<Mutex<Option<File>>>,
}

/// The locks of this process, by device and inode of their files. Nothing is asked of a file system
/// while this is held.
static HELD: Mutex<BTreeMap<(u64, u64), Lock>> = Mutex::new(BTreeMap::new());

/// Sees to it that this process is the one that lives on the store.
///
/// # Errors
/// `Unavailable`, to be tried again: another process does.
pub(super) fn live(site: &Site, directory: &Directory) -> Result<()> {
    let file = directory.open_or_make(FILE)?;
    let stat =
        rustix::fs::fstat(&file).map_err(|error| directory.failed("look at", FILE, error))?;
    let locked = place_of((stat.st_dev, stat.st_ino), site);
    let mut locked = locked.lock().unwrap_or_else(PoisonError::into_inner);
    if locked.is_some() {
        return Ok(());
    }
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            let about = format!("process {} of installation {}\n", pid(), site.installation);
            // For people only: a disk that is full must not keep the host out.
            file.set_len(0).and_then(|()| (&file).write_all(about.as_bytes())).ok();
            *locked = Some(file);
            Ok(())
        }
        Err(Errno::WOULDBLOCK) => Err(lived_in(site, &file)),
        Err(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(directory.failed("lock", FILE, error)),
    }
}

/// Where the lock of a file is kept.
fn place_of(identity: (u64, u64), site: &Site) -> Arc<Mutex<Option<File>>> {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || Lock { path: site.path.clone(), file: Arc::default() };
    Arc::clone(&held.entry(identity).or_insert_with(new).file)
}

/// Nothing happens on the store for a while: its file system can be unmounted.
pub fn rest(site: &Site) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let of_site: Vec<_> = held.extract_if(.., |_, lock| lock.path == site.path).collect();
    drop(held);
    // Files are closed here, which a file system may take its time for.
    drop(of_site);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn a_store_that_hangs_holds_up_no_other() {
        let base = std::env::temp_dir().join(format!("living-{}", uuid::Uuid::new_v4()));
        let store = |name: &str| {
            let path = base.join(name);
            std::fs::create_dir_all(&path).unwrap();
            let directory = Directory::open(&path).unwrap();
            let (store, installation) = (uuid::Uuid::new_v4(), "ins-tests".to_owned());
            (Site { path, store, installation, epoch: 1 }, directory)
        };
        let (hung, other) = (store("hung"), store("other"));
        live(&hung.0, &hung.1).unwrap();
        let stat = rustix::fs::stat(hung.0.path.join(FILE)).unwrap();
        let place = place_of((stat.st_dev, stat.st_ino), &hung.0);
        std::thread::scope(|scope| {
            let (done, answer) = mpsc::channel();
            let asked = place.lock().unwrap();
            assert!(asked.is_some());
            let (hung, other) = (&hung, &other);
            scope.spawn(move || {
                live(&other.0, &other.1).unwrap();
                rest(&other.0);
                rest(&hung.0);
                done.send(()).unwrap();
            });
            let answered = answer.recv_timeout(Duration::from_secs(60));
            drop(asked);
            answered.unwrap();
        });
        std::fs::remove_dir_all(base).unwrap();
    }
}
