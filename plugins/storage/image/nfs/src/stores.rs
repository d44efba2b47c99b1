//! What is remembered of stores between calls: their marks, where exports are mounted, whose turn
//! it is. All of it may be forgotten at any time; the truth is in the directory.

use crate::details::{Mounts, Place};
use crate::turns::{Turn, Turns};
use std::sync::OnceLock;
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::files::Marks;
use storage_plugin_api::prelude::*;

/// The memory. One for all stores of the provider.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    pub(crate) marks: Marks,
    turns: Turns,
    /// From the settings; set when the provider is configured.
    mounts: OnceLock<Mounts>,
}

impl Stores {
    /// Takes over where exports are mounted.
    ///
    /// # Errors
    /// `Conflict` when that was done before.
    pub(crate) fn configure(&self, mounts: Mounts) -> Result<()> {
        self.mounts.set(mounts).map_err(|_| PluginError::conflict("it was configured before"))
    }

    /// The place of a store.
    ///
    /// # Errors
    /// `InvalidConfig` naming the field.
    pub(crate) fn place(&self, store: &DataStore) -> Result<Place> {
        Place::of(self.mounts.get().unwrap_or(&Mounts::default()), store)
    }

    /// Waits until nobody else does something to an object. Blocks.
    pub(crate) fn turn_at(&self, place: &Place, object: Uuid) -> Turn {
        self.turns.take((place.store, Some(object)))
    }

    /// Waits until nobody else makes or removes folders of a store, or counts what it holds.
    /// Blocks.
    pub(crate) fn turn_at_folders(&self, place: &Place) -> Turn {
        self.turns.take((place.store, None))
    }
}
