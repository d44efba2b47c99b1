//! What is remembered of stores between calls: their marks, their reservations, whether their file
//! systems share blocks. All of it may be forgotten at any time; the truth is in the directory.
//!
//! Invariants: nobody gets at a store's directory without its mark having been looked at, and
//! nobody changes anything there in an epoch below the mark's.
//!
//! The epoch is that of the store's record. It tells a database of the past only if the host has
//! raised it since, at each start. Two hosts that were started from copies of one database may have
//! the same epoch; `living` keeps the second out.

use crate::details::{Place, Reflink};
use crate::directory::Directory;
use crate::found::Found;
use crate::living;
use crate::mark::{self, Mark};
use crate::names::Name;
use crate::quota::Quotas;
use crate::sharing;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{PluginResult as Result, log};

/// The memory. One for all stores of the provider.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    known: Mutex<HashMap<Uuid, Known>>,
    /// Where this process has looked for what one before it left in the making.
    tidied: Mutex<HashSet<Uuid>>,
    pub(crate) quotas: Quotas,
}

/// What is known of one store.
#[derive(Debug, Clone)]
struct Known {
    /// The file that the mark was read from; another file is another mark.
    file: Found,
    mark: Mark,
    /// Whether its file system shares blocks, once that was tried.
    shares: Option<bool>,
}

/// A store's directory, with what its mark says.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) directory: Directory,
    pub(crate) mark: Mark,
}

impl Stores {
    /// Opens a store for looking at it: whoever owns it now, it must be this one.
    ///
    /// # Errors
    /// `Unavailable` where the directory or its mark is missing, `Conflict` and `AlreadyExists`
    /// where it is another's.
    pub(crate) fn look_at(&self, place: &Place) -> Result<Opened> {
        let directory = Directory::open(&place.path)?;
        let file = directory.look(mark::FILE)?.ok_or_else(|| mark::missing(place))?;
        let known = self.known().get(&place.store).filter(|one| one.file == file).cloned();
        let mark = match known {
            Some(known) => known.mark,
            None => self.read(place, &directory, file)?,
        };
        mark.check_owner(place)?;
        self.tidy_once(place, &directory, &mark);
        Ok(Opened { directory, mark })
    }

    /// Removes what an earlier process of this plugin left in the making, at the first look of this
    /// one: nobody need attach the store again when only its plugin was started anew.
    fn tidy_once(&self, place: &Place, directory: &Directory, mark: &Mark) {
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = || mark.check_epoch(place).and_then(|()| living::live(place, directory));
        if tidied.contains(&place.store) || is_ours().is_err() {
            return;
        }
        match Self::clean_up(place, directory) {
            Ok(_) => {
                tidied.insert(place.store);
            }
            Err(error) => log::warn!("what a crash left in {:?} stays: {error}", place.path),
        }
    }

    /// Opens a store for changing something, and sees to it that no host whose epoch is lower
    /// changes anything from now on.
    ///
    /// # Errors
    /// Those of [`look_at`](Self::look_at); `Conflict` where a newer host owns the store.
    pub(crate) fn change(&self, place: &Place) -> Result<Opened> {
        let mut opened = self.look_at(place)?;
        living::live(place, &opened.directory)?;
        if opened.mark.epoch != place.epoch {
            self.raise(place, &mut opened)?;
        }
        Ok(opened)
    }

    fn raise(&self, place: &Place, opened: &mut Opened) -> Result<()> {
        opened.mark.check_epoch(place)?;
        self.rewrite(place, opened, |mark| mark.epoch = place.epoch)
    }

    /// Changes the mark of a store, as it is by then, and with it what is known.
    pub(crate) fn rewrite(
        &self,
        place: &Place,
        opened: &mut Opened,
        change: impl FnOnce(&mut Mark),
    ) -> Result<()> {
        let directory = &opened.directory;
        let _alone = directory.alone()?;
        // Another host may have been quicker.
        let mut mark = Mark::read(directory)?.ok_or_else(|| mark::missing(place))?;
        mark.check_owner(place)?;
        mark.check_epoch(place)?;
        change(&mut mark);
        mark.write(directory)?;
        self.forget(place);
        opened.mark = mark;
        Ok(())
    }

    fn read(&self, place: &Place, directory: &Directory, file: Found) -> Result<Mark> {
        let mark = Mark::read(directory)?.ok_or_else(|| mark::missing(place))?;
        let known = Known { file, mark: mark.clone(), shares: None };
        // Replaced while it was read, it is read again the next time.
        self.known().insert(place.store, known);
        Ok(mark)
    }

    /// Forgets a store.
    pub(crate) fn forget(&self, place: &Place) {
        self.known().remove(&place.store);
    }

    /// Whether clones on a store take constant time, as far as memory tells.
    pub(crate) fn known_to_share(&self, place: &Place) -> Option<bool> {
        if place.reflink == Reflink::Never {
            return Some(false);
        }
        self.known().get(&place.store).and_then(|known| known.shares)
    }

    /// Whether clones on a store take constant time; tried out where memory does not tell.
    pub(crate) fn shares(&self, place: &Place) -> Result<bool> {
        if let Some(known) = self.known_to_share(place) {
            return Ok(known);
        }
        let shares = sharing::is_possible(&self.look_at(place)?.directory);
        if let Some(known) = self.known().get_mut(&place.store) {
            known.shares = Some(shares);
        }
        Ok(shares)
    }

    /// Removes what a crash left in the making; how many files that were.
    pub(crate) fn clean_up(place: &Place, directory: &Directory) -> Result<usize> {
        let mut removed = 0;
        for file in directory.names()? {
            let name = Name::parse_unfinished(&file);
            if name.is_some_and(|name| name.installation == place.installation)
                && directory.discard_left_over(&file)?
            {
                removed += 1;
            }
        }
        if removed > 0 {
            log::info!("removed {removed} left-overs of a crash in {:?}", place.path);
            directory.sync()?;
        }
        Ok(removed)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Uuid, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
