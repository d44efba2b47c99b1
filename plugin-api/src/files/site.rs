//! Where a store lies, and whose it is.
//!
//! What it is not: a look at the directory. Nothing here touches a file.

use crate::error::{PluginError, PluginResult as Result};
use crate::types::DataStore;
use std::path::PathBuf;
use uuid::Uuid;

/// The longest installation id, so that a name that holds it, a uuid and a few words stays below
/// the 255 bytes of a file's name.
const MAX_INSTALLATION: usize = 128;

/// Where a store lies, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Site {
    /// Its directory, from the root, without links.
    pub path: PathBuf,
    /// The id of the store.
    pub store: Uuid,
    /// The installation that it belongs to: letters, digits and hyphens.
    pub installation: String,
    /// The epoch of the store's record.
    pub epoch: u64,
}

impl Site {
    /// The site of a store in a directory.
    ///
    /// # Errors
    /// `InvalidConfig` for an installation id that would take a file's name apart.
    pub fn of(store: &DataStore, path: PathBuf) -> Result<Self> {
        check_installation(&store.installation_id)?;
        Ok(Self {
            path,
            store: store.uuid,
            installation: store.installation_id.clone(),
            epoch: store.epoch,
        })
    }
}

/// The installation id is part of names, so it must not take one apart.
fn check_installation(id: &str) -> Result<()> {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '_';
    if id.is_empty() || id.len() > MAX_INSTALLATION || !id.chars().all(is_plain) {
        return Err(PluginError::invalid_config(format!(
            "installation id {id:?} is not of 1 to {MAX_INSTALLATION} letters, digits and hyphens"
        )));
    }
    Ok(())
}
