//! A link for download: who has it gets the bytes of one object, until it expires.
//!
//! **Invariant:** the word that opens it is in the sealed body only; what the store searches by is
//! its hash, from which nobody gets the word.

use super::record::{Index, Record, RecordKind};
use serde::{Deserialize, Serialize};
use std::fmt;
use storage_plugin_api::ImageFormat;
use uuid::Uuid;

/// A link for download (CloudStack's `UploadVO` of type extract).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractLink {
    /// Its public id, CloudStack's `extractId`.
    pub uuid: Uuid,
    /// `Template`, `Snapshot` or `Volume`.
    pub kind: RecordKind,
    /// What it leads to.
    pub object: Uuid,
    /// Which of the object's places on image stores; `None` for the bytes where it was born.
    pub place: Option<Uuid>,
    /// The data store that has the bytes.
    pub store: Uuid,
    /// The zone that was asked for, or that of the store.
    pub zone: Option<Uuid>,
    /// The name of the file that is downloaded, with its extension.
    pub file_name: String,
    /// The format of its bytes.
    pub format: ImageFormat,
    /// How many bytes it has.
    pub length_bytes: u64,
    /// Their digest, where one was recorded.
    pub digest: Option<String>,
    /// The random word in the link, where this host serves it.
    pub token: String,
    /// The SHA-256 of that word, in hexadecimal.
    pub token_hash: String,
    /// The link that the driver of the store made, where it makes such links.
    pub driver_url: Option<String>,
    /// Whether it can be used; not yet, while it is being made.
    pub is_ready: bool,
    /// When it ends, in microseconds since 1970 (UTC).
    pub expires_us: i64,
}

impl ExtractLink {
    /// Whether it has ended.
    pub fn is_over(&self, now_us: i64) -> bool {
        self.expires_us <= now_us
    }

    /// CloudStack's word for where it stands.
    pub const fn state(&self) -> &'static str {
        match self.is_ready {
            true => "DOWNLOAD_URL_CREATED",
            false => "DOWNLOAD_URL_NOT_CREATED",
        }
    }
}

/// Without what opens it.
impl fmt::Debug for ExtractLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtractLink")
            .field("uuid", &self.uuid)
            .field("kind", &self.kind)
            .field("object", &self.object)
            .field("store", &self.store)
            .field("is_ready", &self.is_ready)
            .field("expires_us", &self.expires_us)
            .finish_non_exhaustive()
    }
}

impl Record for ExtractLink {
    const KIND: RecordKind = RecordKind::ExtractLink;
    const SEALED: bool = true;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// Searched by the hash of its word (its name), and by what it leads to (its owner).
    fn index(&self) -> Index {
        Index {
            name: self.token_hash.clone(),
            state: self.state(),
            owner: Some(self.object),
            zone: self.zone,
        }
    }
}
