//! A directory becomes a store's and ceases to be: it is made, marked, unmarked, removed.
//!
//! Invariants: what adding leaves, removing takes away, and nothing else; a directory is one
//! store's alone.

use super::living;
use super::mark::{self, Mark};
use super::{Directory, Marks, Opened, Site};
use crate::error::{PluginError, PluginResult as Result};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A directory that is there, by the path without links: a link that is put into it later is found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ground {
    /// From the root, without links, and text.
    pub path: PathBuf,
    /// The directory was not there before.
    pub made: bool,
}

impl Ground {
    /// Finds a directory, or makes it where its parent is there.
    ///
    /// # Errors
    /// `InvalidConfig` for what is no directory, or cannot be a store; `NotFound` where the parent
    /// is missing; what the file system says.
    pub fn prepare(path: &Path) -> Result<Self> {
        let made = make_directory(path)?;
        match resolve(path) {
            Ok(path) => Ok(Self { path, made }),
            Err(error) => {
                give_up(path, made);
                Err(error)
            }
        }
    }

    /// Removes the directory if it was made, because nothing came of the store.
    pub fn give_up(&self) {
        give_up(&self.path, self.made);
    }
}

fn give_up(path: &Path, made: bool) {
    if made {
        // Only what is empty is removed.
        fs::remove_dir(path).ok();
    }
}

/// Makes the directory, unless it is there; whether it was made.
fn make_directory(path: &Path) -> Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(false),
        Ok(_) => {
            let why = format!("path {path:?} is not a directory");
            return Err(PluginError::invalid_config(why));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(PluginError::from_io(format!("path {path:?}"), &error)),
    }
    let made = fs::create_dir(path);
    made.map_err(|error| PluginError::from_io(format!("path: cannot make {path:?}"), &error))?;
    Ok(true)
}

fn resolve(path: &Path) -> Result<PathBuf> {
    let resolved = fs::canonicalize(path)
        .map_err(|error| PluginError::from_io(format!("path {path:?}"), &error))?;
    if resolved.to_str().is_none() || resolved.parent().is_none() {
        let why = format!("path {resolved:?} cannot be a store; name a directory of its own");
        return Err(PluginError::invalid_config(why));
    }
    Ok(resolved)
}

impl Marks {
    /// Marks a directory as a store's; one that is so already stays so. `what` tells people which
    /// kind of store it is ("A storage pool"); `prepare` looks at the directory, which nobody else
    /// changes meanwhile, and may change the mark.
    ///
    /// # Errors
    /// `AlreadyExists` and `Conflict` where the directory is another's; those of `prepare`; what
    /// the file system says, also where it cannot be written to.
    pub fn add(
        &self,
        site: &Site,
        what: &str,
        made: bool,
        prepare: impl FnOnce(&Directory, &mut Mark) -> Result<()>,
    ) -> Result<Opened> {
        let directory = Directory::open(&site.path)?;
        let alone = directory.alone()?;
        let mut mark = match Mark::read(&directory)? {
            Some(mark) => {
                mark.check_owner(site)?;
                mark
            }
            None => Mark::new(site, what, made),
        };
        prepare(&directory, &mut mark)?;
        // Also the proof that the directory can be written to.
        mark.write(&directory)?;
        if let Some(parent) = site.path.parent().filter(|_| made) {
            fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(|error| {
                PluginError::from_io(format!("cannot flush {parent:?}"), &error)
            })?;
        }
        self.forget(site);
        drop(alone);
        Ok(Opened { directory, mark, is_new: true })
    }

    /// Removes the mark of a store, and nothing else; a store that is gone, or another's, stays so.
    /// `check` may refuse, and removes what a crash left in the making.
    ///
    /// # Errors
    /// `Conflict` where a newer host owns the store; those of `check`; what the file system says.
    pub fn remove(&self, site: &Site, check: impl FnOnce(&Directory) -> Result<()>) -> Result<()> {
        // What was refused may not have been resolved; what is not there bears no mark of ours.
        let Ok(path) = fs::canonicalize(&site.path) else {
            return Ok(());
        };
        let site = &Site { path, ..site.clone() };
        let Ok(directory) = Directory::open(&site.path) else {
            return Ok(());
        };
        let alone = directory.alone()?;
        let Some(mark) = Mark::read(&directory)?.filter(|mark| mark.is_of(site)) else {
            return Ok(());
        };
        mark.check_epoch(site)?;
        check(&directory)?;
        directory.discard(mark::SPARE)?;
        directory.unlink(mark::FILE)?;
        living::leave(site, &directory)?;
        directory.sync()?;
        self.forget(site);
        drop(alone);
        if mark.made_directory {
            // Somebody else's files keep it.
            fs::remove_dir(&site.path).ok();
        }
        Ok(())
    }
}
