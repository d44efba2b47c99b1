//! What is remembered of stores between calls: their marks, their reservations, whether their file
//! systems share blocks. All of it may be forgotten at any time; the truth is in the directory.

use crate::details::{Place, Reflink, VolumeFormat};
use crate::names::{Format, Name};
use crate::quota::Quotas;
use crate::sharing;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use storage_plugin_api::files::{Directory, Mark, Marks, Opened};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{PluginResult as Result, log};

/// The memory. One for all stores of the provider.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    pub(crate) marks: Marks,
    pub(crate) quotas: Quotas,
    /// Whether a store's file system shares blocks, once that was tried.
    sharing: Mutex<HashMap<Uuid, bool>>,
    /// Whether it keeps what tokens need, once it was asked.
    resuming: Mutex<HashMap<Uuid, bool>>,
    /// What is waited for. Each store has its own, so one that hangs holds up no other.
    turns: Mutex<HashMap<Uuid, Arc<Turns>>>,
}

/// What those who work on one store wait for.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Whether this process has looked for what one before it left in the making.
    tidied: Mutex<bool>,
    /// Taken by many who put an image on top of a template, and alone by who takes one away.
    templates: RwLock<()>,
}

impl Turns {
    /// No template goes while this is held.
    pub(crate) fn keep_templates(&self) -> RwLockReadGuard<'_, ()> {
        self.templates.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is put on top of a template while this is held.
    pub(crate) fn change_templates(&self) -> RwLockWriteGuard<'_, ()> {
        self.templates.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stores {
    /// Opens a store for looking at it: whoever owns it now, it must be this one.
    ///
    /// # Errors
    /// Those of [`Marks::look_at`].
    pub(crate) fn look_at(&self, place: &Place) -> Result<Opened> {
        self.marks.look_at(place).inspect(|opened| self.notice(place, opened))
    }

    /// Opens a store for changing something.
    ///
    /// # Errors
    /// Those of [`Marks::change`].
    pub(crate) fn change(&self, place: &Place) -> Result<Opened> {
        self.marks.change(place).inspect(|opened| self.notice(place, opened))
    }

    /// Changes the mark of a store.
    ///
    /// # Errors
    /// Those of [`Marks::rewrite`].
    pub(crate) fn rewrite(
        &self,
        place: &Place,
        opened: &mut Opened,
        change: impl FnOnce(&mut Mark),
    ) -> Result<()> {
        self.marks.rewrite(place, opened, change)
    }

    /// A store with another mark may lie on another file system.
    fn notice(&self, place: &Place, opened: &Opened) {
        if opened.is_new {
            self.sharing().remove(&place.store);
            self.resuming().remove(&place.store);
        }
        self.tidy_once(place, opened);
    }

    /// Removes what an earlier process of this plugin left in the making, at the first look of this
    /// one: nobody need attach the store again when only its plugin was started anew.
    fn tidy_once(&self, place: &Place, opened: &Opened) {
        let turns = self.turns(place.store);
        let mut tidied = turns.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        if *tidied || !self.marks.may_change(place, opened) {
            return;
        }
        match Self::clean_up(place, &opened.directory) {
            Ok(_) => *tidied = true,
            Err(error) => log::warn!("what a crash left in {:?} stays: {error}", place.path),
        }
    }

    /// Whether clones on a store take constant time, as far as memory tells.
    pub(crate) fn known_to_share(&self, place: &Place) -> Option<bool> {
        if place.reflink == Reflink::Never {
            return Some(false);
        }
        self.sharing().get(&place.store).copied()
    }

    /// Whether clones on a store take constant time; tried out where memory does not tell.
    pub(crate) fn shares(&self, place: &Place) -> Result<bool> {
        if let Some(known) = self.known_to_share(place) {
            return Ok(known);
        }
        let shares = sharing::is_possible(&self.look_at(place)?.directory);
        self.sharing().insert(place.store, shares);
        Ok(shares)
    }

    /// Whether writes on a store go on where they stopped, as far as memory tells.
    pub(crate) fn known_to_resume(&self, place: &Place) -> Option<bool> {
        if place.volume_format == VolumeFormat::Qcow2 {
            return Some(false);
        }
        self.resuming().get(&place.store).copied()
    }

    /// Whether writes on a store go on where they stopped. Images do not: what a crash left of one
    /// is not to be trusted.
    pub(crate) fn resumes(&self, place: &Place) -> Result<bool> {
        if let Some(known) = self.known_to_resume(place) {
            return Ok(known);
        }
        let is_raw = self.volume_format(place) == Format::Raw;
        let resumes = is_raw && self.look_at(place)?.directory.gives_tokens();
        self.resuming().insert(place.store, resumes);
        Ok(resumes)
    }

    /// What new volumes of a store are.
    pub(crate) fn volume_format(&self, place: &Place) -> Format {
        // A store that cannot be looked at makes nothing just now.
        place.volume_format.settle(|| self.shares(place).unwrap_or(false)).0
    }

    /// What those who work on a store wait for.
    pub(crate) fn turns(&self, store: Uuid) -> Arc<Turns> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(store).or_default())
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

    fn resuming(&self) -> MutexGuard<'_, HashMap<Uuid, bool>> {
        self.resuming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sharing(&self) -> MutexGuard<'_, HashMap<Uuid, bool>> {
        self.sharing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
