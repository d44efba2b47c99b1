//! What the methods of every driver take and return.

use crate::stream::CheckpointToken;
use crate::types::{
    DataObject, DataStore, DataTo, HypervisorHost, ImageFormat, QualityOfService, SnapshotInfo,
    TemplateInfo, VolumeInfo, record,
};
use serde::{Deserialize, Serialize};

/// What a new object is made from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "moved once a call; a box would cost the most common kind an allocation"
)]
pub enum CreateSource {
    /// Nothing: a blank volume, or a place that a writer will fill.
    #[default]
    Blank,
    /// A clone of a volume on the same store (`can_create_volume_from_volume`).
    Volume(VolumeInfo),
    /// A clone of a template on the same store (`can_create_volume_from_volume`).
    Template(TemplateInfo),
    /// A volume from a snapshot on the same store (`can_create_volume_from_snapshot`).
    Snapshot(SnapshotInfo),
}

record! {
    /// What [`create_async`](crate::DataStoreDriver::create_async) is to make.
    pub struct CreateRequest {
        /// The object, its path still empty. Its uuid and the store's installation id name it.
        object: DataObject,
        ;
        /// What to make it from.
        source: CreateSource,
    }
}

record! {
    /// What was made (CloudStack's `CreateCmdResult` with its `CreateObjectAnswer`).
    pub struct CreateResult {
        /// How the driver finds the object again; kept by the host, given back in each call.
        path: String,
        ;
        /// The size it really has, where the back end rounded up.
        size_bytes: Option<u64>,
        /// Space used, in bytes.
        physical_size_bytes: Option<u64>,
        /// The format it has, where that differs from the one asked for.
        format: Option<ImageFormat>,
        /// Details to keep with the object and to give back in each call.
        details: crate::Details,
    }
}

record! {
    /// An object on a store, where a call speaks of two stores.
    pub struct StoredObject {
        /// The store.
        store: DataStore,
        /// The object.
        object: DataObject,
        ;
    }
}

record! {
    /// What [`copy_async`](crate::DataStoreDriver::copy_async) is to copy.
    pub struct CopyRequest {
        /// From here.
        source: StoredObject,
        /// To here; its path is empty.
        destination: StoredObject,
        ;
        /// The hypervisor host that should do it, where the driver needs one.
        host: Option<HypervisorHost>,
    }
}

record! {
    /// What a copy left behind (CloudStack's `CopyCommandResult` with its `CopyCmdAnswer`).
    pub struct CopyResult {
        /// How the driver finds the new object again.
        path: String,
        ;
        /// Virtual size in bytes.
        size_bytes: Option<u64>,
        /// Space used, in bytes.
        physical_size_bytes: Option<u64>,
        /// The format it has, where that differs from the source's.
        format: Option<ImageFormat>,
        /// Details to keep with the object.
        details: crate::Details,
    }
}

record! {
    /// What [`resize`](crate::DataStoreDriver::resize) is to do (CloudStack's resize payload).
    pub struct ResizeRequest {
        /// The volume as it is.
        volume: VolumeInfo,
        /// The size it is to have.
        new_size_bytes: u64,
        ;
        /// The caller asked for shrinking in so many words. Without it a smaller size is refused.
        shrink_ok: bool,
        /// New limits, if they change with the size.
        quality_of_service: Option<QualityOfService>,
        /// New percent kept for hypervisor snapshots.
        hypervisor_snapshot_reserve_percent: Option<u32>,
        /// The instance that uses the volume.
        instance_name: Option<String>,
        /// The hosts that may have it open.
        hosts: Vec<HypervisorHost>,
    }
}

record! {
    /// The truth about an object on its back end.
    pub struct ObjectDescription {
        /// Whether it is there, complete. Half-made objects are not.
        present: bool,
        ;
        /// Virtual size in bytes. Of an image of another format than raw only who reads the format
        /// knows it, so it is what the record says that the driver was given.
        size_bytes: u64,
        /// Space used, in bytes.
        physical_size_bytes: Option<u64>,
        /// Changes whenever the content was changed by a call of the contract, if the back end
        /// has such a mark.
        generation: Option<String>,
        /// The digest recorded with the object, `{ALGORITHM}hex`; never computed for this call.
        digest: Option<String>,
        /// How the driver finds it.
        path: String,
        /// The format of its bytes.
        format: Option<ImageFormat>,
        /// What else there is to say, for people.
        details: crate::Details,
        /// The objects on the same store that cannot be without this one, for people: as long as
        /// there are some, deleting it is refused with `InUse`.
        needed_by: Vec<String>,
    }
}

impl ObjectDescription {
    /// The object is not there.
    pub fn absent() -> Self {
        Self::new(false)
    }
}

record! {
    #[derive(Default)]
    /// Which objects [`list_objects`](crate::DataStoreDriver::list_objects) is to list.
    pub struct ListObjectsRequest {
        ;
        /// Go on after this marker, from the page before.
        marker: Option<String>,
        /// At most so many; `0` leaves it to the driver.
        limit: u32,
    }
}

record! {
    /// One object of a listing.
    pub struct ListedObject {
        /// The path, as `create_async` answered it.
        path: String,
        ;
        /// The public id that the back-end name holds, if it does.
        uuid: Option<uuid::Uuid>,
        /// What kind it seems to be.
        object_type: Option<crate::DataObjectType>,
        /// Virtual size in bytes.
        size_bytes: Option<u64>,
        /// The installation id that its name holds; `None` for foreign objects.
        installation_id: Option<String>,
    }
}

record! {
    /// A page of a listing.
    pub struct ObjectPage {
        /// In the order of their paths.
        objects: Vec<ListedObject>,
        ;
        /// Where the next page goes on; `None` on the last.
        next_marker: Option<String>,
    }
}

impl ObjectPage {
    /// The page that a request asks for, of all objects that there are: for a back end that lists
    /// everything at once.
    pub fn of(mut objects: Vec<ListedObject>, request: &ListObjectsRequest) -> Self {
        objects.sort_by(|one, other| one.path.cmp(&other.path));
        objects.retain(|one| request.marker.as_ref().is_none_or(|marker| one.path > *marker));
        let limit = if request.limit == 0 { usize::MAX } else { request.limit as usize };
        let more = objects.len() > limit;
        objects.truncate(limit);
        let last = objects.last().map(|one| one.path.clone());
        Self { objects, next_marker: last.filter(|_| more) }
    }
}

record! {
    /// Which extents [`extents`](crate::DataStoreDriver::extents) is to tell.
    pub struct ExtentsRequest {
        /// The object.
        object: DataObject,
        ;
        /// Only what changed since this snapshot (`changed_extents`).
        since: Option<SnapshotInfo>,
    }
}

record! {
    /// A run of bytes that hold data (or changed).
    pub struct Extent {
        /// From the start of the object.
        offset: u64,
        /// How many bytes.
        length: u64,
        ;
    }
}

record! {
    /// What [`open_reader`](crate::DataStoreDriver::open_reader) is to read.
    pub struct OpenReaderRequest {
        /// The object.
        object: DataObject,
        ;
        /// The first byte.
        offset: u64,
        /// How many bytes; `None` for all to the end.
        length: Option<u64>,
        /// Only what changed since this snapshot; the rest is left out, not sent as holes.
        since: Option<SnapshotInfo>,
    }
}

record! {
    /// What [`open_writer`](crate::DataStoreDriver::open_writer) is to write.
    pub struct OpenWriterRequest {
        /// The object, created before with `create_async`.
        object: DataObject,
        /// How many bytes will come, holes included: of an image, those of its format.
        size_bytes: u64,
        ;
        /// Go on where this token says (`resume_write`).
        resume: Option<CheckpointToken>,
        /// The digest of all bytes, `{ALGORITHM}hex`, where the host knows it beforehand.
        digest: Option<String>,
        /// Begin with the bytes of this whole object of the same store, which is as large: what is
        /// not written keeps them, and what is written as a hole reads as zeros. Only where
        /// `write_over` is declared, never together with `resume`; such a write gives no tokens.
        base: Option<DataObject>,
    }
}

record! {
    #[derive(Default)]
    /// What [`get_to`](crate::DataStoreDriver::get_to) describes; `None` leaves it to the host.
    pub struct ToAnswer {
        ;
        /// The transfer object.
        to: Option<DataTo>,
    }
}
