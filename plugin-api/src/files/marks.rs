//! The marks of the stores that are used: looked at before anything is done, and remembered.
//!
//! Invariants: nobody gets at a store's directory without its mark having been looked at, and
//! nobody changes anything there in an epoch below the mark's. What is remembered may be forgotten
//! at any time; the truth is in the directory.
//!
//! The epoch is that of the store's record. It tells a database of the past only if the host has
//! raised it since, at each start. Two hosts that were started from copies of one database may have
//! the same epoch; `living` keeps the second out.

use super::living;
use super::mark::{self, Mark};
use super::{Directory, Found, Site};
use crate::error::PluginResult as Result;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The memory. One for all stores of a provider.
#[derive(Debug, Default)]
pub struct Marks(Mutex<HashMap<Uuid, Known>>);

/// What is known of one store.
#[derive(Debug, Clone)]
struct Known {
    /// The file that the mark was read from; another file is another mark.
    file: Found,
    mark: Mark,
}

/// A store's directory, with what its mark says.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened {
    /// The directory.
    pub directory: Directory,
    /// Its mark.
    pub mark: Mark,
    /// The mark was not remembered: what else is known of the store may be of another.
    pub is_new: bool,
}

impl Marks {
    /// Opens a store for looking at it: whoever owns it now, it must be this one.
    ///
    /// # Errors
    /// `Unavailable` where the directory or its mark is missing, `Conflict` and `AlreadyExists`
    /// where it is another's.
    pub fn look_at(&self, site: &Site) -> Result<Opened> {
        let directory = Directory::open(&site.path)?;
        let file = directory.look(mark::FILE)?.ok_or_else(|| mark::missing(site))?;
        let known = self.known().get(&site.store).filter(|one| one.file == file).cloned();
        let (mark, is_new) = match known {
            Some(known) => (known.mark, false),
            None => (self.read(site, &directory, file)?, true),
        };
        mark.check_owner(site)?;
        Ok(Opened { directory, mark, is_new })
    }

    /// Opens a store for changing something, and sees to it that no host whose epoch is lower
    /// changes anything from now on.
    ///
    /// # Errors
    /// Those of [`look_at`](Self::look_at); `Conflict` where a newer host owns the store,
    /// `Unavailable` where another process lives on it.
    pub fn change(&self, site: &Site) -> Result<Opened> {
        let mut opened = self.look_at(site)?;
        living::live(site, &opened.directory)?;
        if opened.mark.epoch != site.epoch {
            opened.mark.check_epoch(site)?;
            self.rewrite(site, &mut opened, |mark| mark.epoch = site.epoch)?;
        }
        Ok(opened)
    }

    /// Whether this process may change a store now: its host is not one of the past, and no other
    /// lives there.
    pub fn may_change(&self, site: &Site, opened: &Opened) -> bool {
        let checked = opened.mark.check_epoch(site);
        checked.and_then(|()| living::live(site, &opened.directory)).is_ok()
    }

    /// Changes the mark of a store, as it is by then, and with it what is known.
    ///
    /// # Errors
    /// Those of [`change`](Self::change); what the file system says.
    pub fn rewrite(
        &self,
        site: &Site,
        opened: &mut Opened,
        change: impl FnOnce(&mut Mark),
    ) -> Result<()> {
        let directory = &opened.directory;
        let _alone = directory.alone()?;
        // Another host may have been quicker.
        let mut mark = Mark::read(directory)?.ok_or_else(|| mark::missing(site))?;
        mark.check_owner(site)?;
        mark.check_epoch(site)?;
        change(&mut mark);
        mark.write(directory)?;
        self.forget(site);
        opened.mark = mark;
        opened.is_new = true;
        Ok(())
    }

    fn read(&self, site: &Site, directory: &Directory, file: Found) -> Result<Mark> {
        let mark = Mark::read(directory)?.ok_or_else(|| mark::missing(site))?;
        // Replaced while it was read, it is read again the next time.
        self.known().insert(site.store, Known { file, mark: mark.clone() });
        Ok(mark)
    }

    /// Forgets a store.
    pub fn forget(&self, site: &Site) {
        self.known().remove(&site.store);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Uuid, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
