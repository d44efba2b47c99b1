//! Plugin details: the durable memory that `HostServices` gives each plugin.
//!
//! What it is not: the details of a store as its operator gave them; those belong to the store's
//! own record. Nothing here interprets a value.
//!
//! **Invariant:** a plugin sees its own details only, and a kept value opens at no other place
//! than the one it was kept at.

use std::fmt;

use async_trait::async_trait;
use storage_plugin_api::{
    DetailKey, DetailOwner, Details, ListDetailsRequest, Secret, SetDetailRequest,
};
use uuid::Uuid;

use super::StoreError;

/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;
/// The longest key, and the longest name of a plugin, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;

/// Where the plugins' details are kept.
///
/// `plugin` is the name of the plugin as its row in `plugins.toml` has it.
///
/// # Errors
/// Every method: `InvalidAddress` for a place that cannot be stored, `TooLarge` for a key above
/// [`MAX_KEY_BYTES`], `Closed`. Besides: `Read` or `Write` when the engine fails.
#[async_trait]
pub trait DetailRepository: Send + Sync + 'static {
    /// A kept value.
    ///
    /// # Errors
    /// `Unreadable` when what is kept there was damaged or moved there.
    async fn get_detail(&self, plugin: &str, at: &DetailKey) -> Result<Option<Secret>, StoreError>;

    /// Keeps a value; one that was there is replaced.
    ///
    /// # Errors
    /// `TooLarge` above [`MAX_VALUE_BYTES`], `Full`, `Stopped`.
    async fn set_detail(&self, plugin: &str, request: &SetDetailRequest) -> Result<(), StoreError>;

    /// Forgets a value; one that is not there is forgotten already.
    ///
    /// # Errors
    /// `Full`, `Stopped`.
    async fn remove_detail(&self, plugin: &str, at: &DetailKey) -> Result<(), StoreError>;

    /// Every kept value of an owner, as of one moment.
    ///
    /// # Errors
    /// `Unreadable` when one of them was damaged or moved there.
    async fn list_details(
        &self,
        plugin: &str,
        request: &ListDetailsRequest,
    ) -> Result<Details, StoreError>;
}

/// A place that was checked: the texts that identify it in every engine, and in the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DetailPlace {
    pub(super) plugin: String,
    pub(super) owner_kind: &'static str,
    pub(super) owner_uuid: String,
    /// Empty where all keys of the owner are meant.
    pub(super) key: String,
}

impl DetailPlace {
    /// The place of one key.
    pub(super) fn new(plugin: &str, at: &DetailKey) -> Result<Self, StoreError> {
        let place = Self::of_owner(plugin, at.owner, at.uuid)?.with_key(at.key.clone());
        place.check("key", &place.key)?;
        Ok(place)
    }

    /// The place of all keys of an owner.
    pub(super) fn of_owner(
        plugin: &str,
        owner: DetailOwner,
        uuid: Uuid,
    ) -> Result<Self, StoreError> {
        let place = Self {
            plugin: plugin.to_owned(),
            owner_kind: owner.as_str(),
            owner_uuid: uuid.to_string(),
            key: String::new(),
        };
        if owner == DetailOwner::Unknown {
            // Kinds of a newer contract would all become one, and overwrite each other.
            return Err(place.invalid("this host does not know the kind of the owner"));
        }
        place.check("plugin name", &place.plugin)?;
        Ok(place)
    }

    /// The same owner, another key.
    pub(super) fn with_key(&self, key: String) -> Self {
        Self { key, ..self.clone() }
    }

    /// What an error says before "of plugin".
    pub(super) fn what(&self, verb: &str) -> String {
        format!("{verb} {self}")
    }

    /// The fields that bind a sealed value to this place.
    pub(super) fn bound_to(&self) -> [&str; 5] {
        ["plugin_details", &self.plugin, self.owner_kind, &self.owner_uuid, &self.key]
    }

    fn check(&self, name: &str, text: &str) -> Result<(), StoreError> {
        if text.len() > MAX_KEY_BYTES {
            return Err(StoreError::TooLarge {
                what: format!("use a {name} of plugin {:?}", shortened(&self.plugin)),
                bytes: text.len(),
                limit: MAX_KEY_BYTES,
            });
        }
        if text.is_empty() || text.contains('\0') {
            // PostgreSQL has no text with a zero byte.
            return Err(self.invalid(&format!("the {name} is empty or has a zero byte")));
        }
        Ok(())
    }

    fn invalid(&self, reason: &str) -> StoreError {
        StoreError::InvalidAddress { what: self.what("use"), reason: reason.to_owned() }
    }
}

impl fmt::Display for DetailPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => f.write_str("the details")?,
            key => write!(f, "detail {:?}", shortened(key))?,
        }
        if self.owner_kind != DetailOwner::Plugin.as_str() {
            write!(f, " of {} {}", self.owner_kind, self.owner_uuid)?;
        }
        write!(f, " of plugin {:?}", shortened(&self.plugin))
    }
}

/// Refuses a value that is too large to keep.
pub(super) fn check_value(place: &DetailPlace, value: &Secret) -> Result<(), StoreError> {
    match value.expose().len() {
        bytes if bytes > MAX_VALUE_BYTES => {
            Err(StoreError::TooLarge { what: place.what("keep"), bytes, limit: MAX_VALUE_BYTES })
        }
        _ => Ok(()),
    }
}

/// The beginning of a text from outside, fit for a message.
fn shortened(text: &str) -> &str {
    const SHOWN: usize = 100;
    &text[..text.floor_char_boundary(SHOWN)]
}
