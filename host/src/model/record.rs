//! A record: one thing that the host knows of, as the store keeps it.
//!
//! **Invariant:** a record is found by its kind and uuid only. What else a list may ask for is in
//! its [`Index`]; the rest of it no engine can read, so it may grow a field without a migration.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::ops::{Deref, DerefMut};
use uuid::Uuid;

/// Declares an enum whose values are words: in the database, in the API, in messages.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident {
        $( $(#[$vmeta:meta])* $variant:ident = $word:literal, )+
    }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name { $( $(#[$vmeta])* #[serde(rename = $word)] $variant, )+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$( Self::$variant ),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }

            /// The value of a word, in any letter case.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str().eq_ignore_ascii_case(word))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(super) use words;

words! {
    /// What kind of thing a record is.
    pub enum RecordKind {
        /// A zone.
        Zone = "zone",
        /// A pod of a zone.
        Pod = "pod",
        /// A cluster of a pod.
        Cluster = "cluster",
        /// A hypervisor host.
        Host = "host",
        /// What a hypervisor host knows of a storage pool.
        HostPool = "host_pool",
        /// An instance: what volumes are attached to.
        Instance = "instance",
        /// A disk offering.
        DiskOffering = "disk_offering",
        /// A storage pool (primary storage).
        StoragePool = "storage_pool",
        /// A volume.
        Volume = "volume",
        /// A volume's attachment to an instance.
        Attachment = "attachment",
        /// A snapshot of a volume.
        Snapshot = "snapshot",
        /// An image store or image cache (secondary storage).
        ImageStore = "image_store",
        /// A template or ISO.
        Template = "template",
        /// A template or snapshot on a data store.
        ObjectInStore = "object_in_store",
        /// A snapshot of an instance: of all its volumes.
        VmSnapshot = "vm_snapshot",
        /// A link for download.
        ExtractLink = "extract_link",
        /// An offer to upload.
        Upload = "upload",
        /// A schedule of snapshots of a volume.
        SnapshotPolicy = "snapshot_policy",
    }
}

/// What the store can search by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    /// The name people gave it.
    pub name: String,
    /// The word of its state.
    pub state: &'static str,
    /// The record it belongs to: the pool of a volume, the volume of a snapshot.
    pub owner: Option<Uuid>,
    /// The zone it is in.
    pub zone: Option<Uuid>,
}

/// One thing that the host knows of.
pub trait Record:
    Clone + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// What kind of thing.
    const KIND: RecordKind;
    /// Whether it may hold secrets, so that the store seals the whole of it.
    const SEALED: bool = false;

    /// Its public id.
    fn uuid(&self) -> Uuid;

    /// What the store can search by.
    fn index(&self) -> Index;
}

/// A record as it was read, with what the store knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// The record.
    pub record: T,
    /// Its internal number: given once by the store, unique in its kind, never used again.
    pub id: u64,
    /// Counts its changes. A change is refused when another came between.
    pub version: u64,
    /// When it was made, in microseconds since 1970 (UTC).
    pub created_us: i64,
    /// When it was changed last.
    pub updated_us: i64,
    /// When it was removed. The record stays as proof that its object may not exist any more.
    pub removed_us: Option<i64>,
}

impl<T> Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.record
    }
}

impl<T> DerefMut for Stored<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.record
    }
}
