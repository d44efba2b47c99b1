//! The mark: the file by which a directory says whose store it is, and since which epoch.
//!
//! It tells a mounted store from the empty directory below the mount point, ours from another's,
//! and a host of today from one whose database is older than what it did. Invariant: the mark is
//! replaced whole, and by one writer at a time.
//!
//! A disk that is full must take a new mark all the same: a host that starts raises the epoch, and
//! whoever is to make room needs the host. So the mark before the last one stays as a spare, whose
//! blocks are there: the next one is written over it, and the two change names.

use super::{Directory, Site};
use crate::error::{PluginError, PluginErrorKind, PluginResult as Result};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::os::unix::fs::FileExt;
use uuid::Uuid;

/// The name of the mark.
pub const FILE: &str = ".storage-store.json";

/// The spare: the mark before this one, or the next one in the making. Nobody reads it.
pub const SPARE: &str = ".storage-store.json.new";

/// A mark is a few hundred bytes; whatever is larger is none.
const MAX_BYTES: u64 = 64 << 10;

/// All marks are of one length, so that one fits where the other was; the rest is white space.
const LENGTH: usize = 1 << 10;

/// What a mark says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mark {
    /// For whoever lists the directory.
    about: String,
    /// The installation that the store belongs to.
    pub installation_id: String,
    /// The store.
    pub store: Uuid,
    /// The newest epoch in which something was changed here.
    pub epoch: u64,
    /// The limit of the store, where it may change without a new detail.
    #[serde(default)]
    pub capacity_bytes: Option<u64>,
    /// The directory was made with the store, and goes with it.
    #[serde(default)]
    pub made_directory: bool,
}

impl Mark {
    /// The mark of a new store; `what` tells people which kind it is of.
    pub(super) fn new(site: &Site, what: &str, made_directory: bool) -> Self {
        Self {
            about: format!(
                "{what} of storage-host lies here. Without this file nothing here is used; do not \
                 copy it to another directory."
            ),
            installation_id: site.installation.clone(),
            store: site.store,
            epoch: 0,
            capacity_bytes: None,
            made_directory,
        }
    }

    /// The mark of a directory, if it has one.
    pub(super) fn read(directory: &Directory) -> Result<Option<Self>> {
        if directory.look(FILE)?.is_none() {
            return Ok(None);
        }
        let mut text = String::new();
        let read = directory.open_to_read(FILE)?.take(MAX_BYTES).read_to_string(&mut text);
        read.map_err(|error| directory.failed("read", FILE, error))?;
        serde_json::from_str(&text).map(Some).map_err(|error| {
            PluginError::corrupt(format!(
                "the mark {:?} cannot be read; if its text is lost, remove it and add the store \
                 again",
                directory.path().join(FILE)
            ))
            .caused_by(&error)
        })
    }

    /// Puts the mark in place, durably. The caller is [`alone`](Directory::alone).
    pub(super) fn write(&self, directory: &Directory) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| {
            PluginError::internal("a mark cannot be written as JSON").caused_by(&error)
        })?;
        let text = format!("{text:<LENGTH$}\n");
        match spare(directory, &text) {
            Ok(()) => {}
            Err(error) => {
                // One that never was a mark is no spare: it keeps a directory from being removed.
                if directory.look(FILE).is_ok_and(|mark| mark.is_none()) {
                    directory.unlink(SPARE).ok();
                }
                return Err(no_room(directory, error));
            }
        }
        let is_first = !directory.exchange(SPARE, FILE)?;
        directory.sync()?;
        if is_first && spare(directory, &text).is_err() {
            log::warn!("no room for a spare mark in {:?}", directory.path());
            directory.unlink(SPARE).ok();
        }
        Ok(())
    }

    /// Whether it is that of this store.
    pub(super) fn is_of(&self, site: &Site) -> bool {
        self.store == site.store && self.installation_id == site.installation
    }

    /// Refuses a store that another lives in.
    pub(super) fn check_owner(&self, site: &Site) -> Result<()> {
        if self.is_of(site) {
            return Ok(());
        }
        let why = format!(
            "the directory {:?} is that of the store {} of installation {}, not of the store {} \
             of installation {}",
            site.path, self.store, self.installation_id, site.store, site.installation
        );
        // A second row of one installation, or another installation altogether.
        Err(if self.installation_id == site.installation {
            PluginError::already_exists(why)
        } else {
            PluginError::conflict(why)
        })
    }

    /// Refuses a host whose knowledge of the store is older than what was done here.
    pub(super) fn check_epoch(&self, site: &Site) -> Result<()> {
        if self.epoch <= site.epoch {
            return Ok(());
        }
        Err(PluginError::conflict(format!(
            "a newer host owns this store: epoch {} at {:?}, ours is {}; this host's database is \
             older than the store and must not change it",
            self.epoch, site.path, site.epoch
        ))
        .with("epoch", self.epoch))
    }
}

/// Writes a mark over the spare, durably, or makes one.
fn spare(directory: &Directory, text: &str) -> Result<()> {
    let file = directory.open_or_make(SPARE)?;
    // Never cut to nothing: that gives its blocks back.
    let written = file
        .write_all_at(text.as_bytes(), 0)
        .and_then(|()| file.set_len(text.len() as u64))
        .and_then(|()| file.sync_all());
    written.map_err(|error| directory.failed("write", SPARE, error))
}

/// Says the way out where there is no room for a mark.
fn no_room(directory: &Directory, error: PluginError) -> PluginError {
    if error.kind() != PluginErrorKind::CapacityExceeded {
        return error;
    }
    PluginError::capacity_exceeded(format!(
        "the file system of {:?} has no room for a new mark, which is a few kilobytes: remove a \
         file there that is no object of the store, or make the file system larger",
        directory.path()
    ))
    .caused_by(&error)
}

/// The error of a directory that bears no mark.
pub(super) fn missing(site: &Site) -> PluginError {
    PluginError::unavailable(format!(
        "the directory {:?} does not bear the mark of the store {}: is it mounted?",
        site.path, site.store
    ))
}
