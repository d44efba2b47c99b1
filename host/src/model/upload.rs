//! An offer to upload: who has it may send the bytes of one template, until it expires.
//!
//! **Invariant:** the key that its signatures are made with is in the sealed body only.

use super::record::{Index, Record, RecordKind};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// An offer to upload (what `getUploadParamsForTemplate` answers).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id, which its URL ends with.
    pub uuid: Uuid,
    /// The template or ISO that waits for its bytes.
    pub template: Uuid,
    /// Where they come to lie.
    pub place: Uuid,
    /// The account that asked for it.
    pub account: String,
    /// What its signature is made with: 256 random bits, in hexadecimal.
    pub key: String,
    /// When it ends, in microseconds since 1970 (UTC).
    pub expires_us: i64,
}

impl Upload {
    /// Whether it has ended.
    pub fn is_over(&self, now_us: i64) -> bool {
        self.expires_us <= now_us
    }
}

/// Without its key.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("uuid", &self.uuid)
            .field("template", &self.template)
            .field("expires_us", &self.expires_us)
            .finish_non_exhaustive()
    }
}

impl Record for Upload {
    const KIND: RecordKind = RecordKind::Upload;
    const SEALED: bool = true;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// Searched by the template (its owner).
    fn index(&self) -> Index {
        Index { name: String::new(), state: "Open", owner: Some(self.template), zone: None }
    }
}
