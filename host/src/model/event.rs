//! Events: what happened, in one gap-free sequence.

use super::record::{RecordKind, words};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

words! {
    /// How much an event matters.
    pub enum EventLevel {
        /// As it should be.
        Info = "INFO",
        /// Somebody should look.
        Warn = "WARN",
        /// Something failed.
        Error = "ERROR",
    }
}

/// An event that is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What happened, in CloudStack's words: `VOLUME.CREATE`.
    pub event_type: String,
    /// How much it matters.
    pub level: EventLevel,
    /// To what.
    pub object: Option<(RecordKind, Uuid)>,
    /// By whom.
    pub account: String,
    /// In which operation.
    pub operation: Option<Uuid>,
    /// A sentence for people.
    pub description: String,
}

/// An event that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the sequence, from 1 without a gap.
    pub number: u64,
    /// When, in microseconds since 1970 (UTC).
    pub at_us: i64,
    /// What.
    pub event: NewEvent,
}
