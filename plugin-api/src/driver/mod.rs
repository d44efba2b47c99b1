//! Drivers: what a provider does to objects on its stores.
//!
//! [`DataStoreDriver`] is what every driver does. [`PrimaryDataStoreDriver`] adds what storage
//! pools need, [`ImageStoreDriver`] what secondary storage needs. Optional abilities are declared
//! in [`DataStoreCapabilities`]; their methods answer
//! [`Unsupported`](crate::PluginErrorKind::Unsupported) unless implemented.

mod calls;
mod image;
mod primary;
mod primary_calls;

pub use calls::{
    CopyRequest, CopyResult, CreateRequest, CreateResult, CreateSource, Extent, ExtentsRequest,
    ListObjectsRequest, ListedObject, ObjectDescription, ObjectPage, OpenReaderRequest,
    OpenWriterRequest, ResizeRequest, StoredObject, ToAnswer,
};
pub use image::{
    CreateDataDiskTemplateRequest, DataDiskTemplate, DataDiskTemplatesRequest, DeleteUrlRequest,
    ExtractUrl, ExtractUrlRequest, ImageStoreDriver,
};
pub use primary::PrimaryDataStoreDriver;
pub use primary_calls::{
    AccessRequest, ImportRequest, QosMigrationRequest, QosRequest, ReplicationAction,
    ReplicationRequest, ReplicationState, ReplicationStatus, RevertSnapshotRequest, RevokeRequest,
    SizeOnPoolRequest, StorageStats, TakeSnapshotRequest, VmInfoRequest, VmTagsRequest,
    VolumeStats,
};

use crate::context::{CallContext, StoreContext};
use crate::error::{PluginError, PluginResult};
use crate::stream::{DataReader, OpenedWriter};
use crate::types::{DataObject, DataStoreCapabilities, DataStoreTo};
use async_trait::async_trait;

/// The error of an optional method that is not implemented.
pub(crate) fn unsupported<T>(method: &str) -> PluginResult<T> {
    Err(PluginError::unsupported(format!("this driver does not implement {method}"))
        .in_operation(method))
}

/// Provisions objects on a store (CloudStack's `DataStoreDriver`).
///
/// **Who.** A vendor implements it, the host's orchestration calls it. One driver serves every
/// store of its provider; which one a call is about is in its [`StoreContext`].
///
/// **State.** Drivers are stateless. Clients of a back end may be cached by the store's
/// `(uuid, epoch)`; everything else that must last is in the path and details a method returns,
/// or kept through [`HostServices`](crate::HostServices).
///
/// **Order.** The host has made its intent durable before it calls. It serialises calls on one
/// object, never on one store: up to [`concurrent_calls`](crate::DriverLimits::concurrent_calls)
/// run at once. Any call may come again after a crash, with the same
/// [`operation_id`](CallContext::operation_id) and a higher attempt: every method is idempotent.
///
/// **Truth.** What a method returns is believed only once [`describe`](Self::describe) confirms it.
///
/// **Threads.** Methods run on the plugin's own tokio runtime. They may use tokio's timers and
/// sockets; blocking work belongs into `tokio::task::spawn_blocking`.
///
/// **Panics** never cross: a panic becomes an `Internal` error of the call it happened in.
///
/// **Cancellation.** The future may be dropped at any `await`. What had begun may still take
/// effect; the next `describe` must tell the truth about it.
#[async_trait]
pub trait DataStoreDriver: Send + Sync + 'static {
    /// What the driver can do on this store (`getCapabilities`).
    ///
    /// Asked before each decision, so it must answer from memory.
    ///
    /// # Behavior
    /// - A primary driver takes raw bytes (case `metadata::primary_takes_raw`).
    /// - Limits are sensible: granularity is not zero, the maximum is above the minimum
    ///   (case `metadata::limits_are_sensible`).
    ///
    /// # Errors
    /// `InvalidConfig` when the store's details are unusable.
    #[doc(alias = "getCapabilities")]
    async fn get_capabilities(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreCapabilities>;

    /// Describes an object for the mover of bytes (`getTO`).
    ///
    /// # Behavior
    /// - An answer without `to` leaves the description to the host.
    /// - A `to` names the object asked about (case `happy::transfer_objects_name_their_object`).
    ///
    /// # Errors
    /// `InvalidArgument` for an object this driver cannot hold.
    #[doc(alias = "getTO")]
    async fn get_to(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<ToAnswer>;

    /// Describes the store for the mover of bytes (`getStoreTO`).
    ///
    /// # Behavior
    /// - The description bears the store's uuid, where its kind has one
    ///   (case `happy::transfer_objects_name_their_object`).
    ///
    /// # Errors
    /// `InvalidConfig` when the store's details are unusable.
    #[doc(alias = "getStoreTO")]
    async fn get_store_to(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreTo>;

    /// Makes an object (`createAsync`): a blank volume, a clone, or a place for a writer to fill.
    ///
    /// # Behavior
    /// - The object is there afterwards, with at least the size asked for
    ///   (case `happy::create_describe_delete`).
    /// - A template is a place to fill: it is there once its writer finished, at the latest. On an
    ///   image store that holds for volumes and snapshots as well
    ///   (case `images::every_kind_is_kept`).
    /// - A blank volume reads as zeros (case `streams::blank_volume_reads_as_zeros`).
    /// - A second call for the same object returns the same path and keeps its bytes
    ///   (case `happy::create_twice_is_once`).
    /// - A call that fails leaves nothing (case `errors::failed_create_leaves_nothing`).
    /// - The back-end name holds the object's uuid and the store's installation id.
    ///
    /// # Units
    /// Sizes in bytes, rounded up to the declared granularity by the host.
    ///
    /// # Errors
    /// `InvalidArgument` for a size outside the declared limits
    /// (case `errors::size_beyond_limits_is_refused`), `CapacityExceeded`, `NotFound` when the
    /// source is gone, `Unsupported` for a kind of object or source the driver does not hold,
    /// `Unavailable` and `Timeout` (retried).
    #[doc(alias = "createAsync")]
    async fn create_async(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: CreateRequest,
    ) -> PluginResult<CreateResult>;

    /// Removes an object and everything its creation left behind (`deleteAsync`).
    ///
    /// # Behavior
    /// - Deleting what is gone succeeds (case `happy::delete_of_missing_object_succeeds`).
    /// - Half-made objects, and those of which only the uuid is known (`path` empty), are removed
    ///   as well (case `happy::delete_without_path_succeeds`).
    ///
    /// # Errors
    /// `InUse` when clones or snapshots need it, `PermissionDenied`, `Unavailable`, `Timeout`.
    #[doc(alias = "deleteAsync")]
    async fn delete_async(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<()>;

    /// Tells the truth about an object: whether it is there, how large, which generation.
    ///
    /// # Behavior
    /// - Finds an object by its uuid when `path` is empty (case `happy::create_describe_delete`).
    /// - A missing object is an answer (`present: false`), not an error
    ///   (case `happy::describe_of_missing_object_is_absent`).
    /// - What is half written is not there; what was there before has its old bytes, or is not
    ///   (case `images::half_written_is_not_there`).
    /// - A digest is one that was recorded with these very bytes
    ///   (case `streams::digest_is_that_of_the_bytes`).
    /// - Constant time: no digest is computed for it.
    ///
    /// # Errors
    /// `Unavailable`, `Timeout`, `PermissionDenied`.
    async fn describe(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<ObjectDescription>;

    /// Lists the objects on the store, in pages (capability `list_objects`).
    ///
    /// # Behavior
    /// - What was created is listed with its uuid and installation id until it is deleted
    ///   (case `happy::listing_shows_what_is_there`).
    /// - Pages are complete: no object is missed or listed twice
    ///   (case `happy::listing_pages_are_complete`).
    ///
    /// # Errors
    /// `Unsupported` without the capability, `Unavailable`, `Timeout`.
    async fn list_objects(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ListObjectsRequest,
    ) -> PluginResult<ObjectPage> {
        let _ = (call, store, request);
        unsupported("list_objects")
    }

    /// Tells which runs of an object hold data, or changed since a snapshot (capabilities
    /// `extents`, `changed_extents`).
    ///
    /// # Behavior
    /// - Extents are sorted, disjoint, and cover all data (case `streams::extents_cover_the_data`).
    /// - Since a snapshot they cover all that differs from it, also what became zeros; to name more
    ///   than that is allowed, to name less is not
    ///   (case `streams::changed_extents_cover_the_changes`).
    /// - The object may be a volume, or a later snapshot of it.
    ///
    /// # Errors
    /// `Unsupported` without the capability, `NotFound`.
    async fn extents(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ExtentsRequest,
    ) -> PluginResult<Vec<Extent>> {
        let _ = (call, store, request);
        unsupported("extents")
    }

    /// Whether this driver would copy by itself (`canCopy`).
    ///
    /// The host asks the source's driver first, then the destination's; the first yes copies.
    ///
    /// # Behavior
    /// - Must answer from memory. `true` obliges to [`copy_async`](Self::copy_async).
    ///
    /// # Errors
    /// None: an error counts as no.
    #[doc(alias = "canCopy")]
    async fn can_copy(&self, call: &CallContext, request: CopyRequest) -> PluginResult<bool> {
        let _ = (call, request);
        Ok(false)
    }

    /// Copies an object by the driver's own means (`copyAsync`); only after `can_copy` said yes.
    ///
    /// # Behavior
    /// - The destination has the same bytes and an identity of its own.
    /// - A second call for the same destination returns the same path.
    ///
    /// # Errors
    /// `Unsupported` unless [`can_copy`](Self::can_copy) answers yes
    /// (case `errors::copy_needs_can_copy`); as [`create_async`](Self::create_async) otherwise.
    #[doc(alias = "copyAsync")]
    async fn copy_async(
        &self,
        call: &CallContext,
        request: CopyRequest,
    ) -> PluginResult<CopyResult> {
        let _ = (call, request);
        unsupported("copy_async")
    }

    /// Changes the size of a volume (`resize`; capabilities `resize`, `shrink`).
    ///
    /// # Behavior
    /// - Growing keeps the bytes, the new ones are zeros (case `happy::grow_keeps_the_bytes`).
    /// - A smaller size without `shrink_ok` is refused (case `errors::shrink_needs_consent`).
    /// - The size it has already is a success.
    ///
    /// # Errors
    /// `Unsupported` without the capability (case `errors::undeclared_ability_is_refused`),
    /// `InvalidArgument`, `CapacityExceeded`, `InUse`.
    async fn resize(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ResizeRequest,
    ) -> PluginResult<CreateResult> {
        let _ = (call, store, request);
        unsupported("resize")
    }

    /// Opens an object for reading (capability `read`).
    ///
    /// # Behavior
    /// - Gives what was written, from the offset asked for (case `streams::bytes_come_back`).
    ///
    /// # Errors
    /// `NotFound` (case `errors::missing_object_is_not_found`), `Unsupported`, `Unavailable`.
    async fn open_reader(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: OpenReaderRequest,
    ) -> PluginResult<Box<dyn DataReader>> {
        let _ = (call, store, request);
        unsupported("open_reader")
    }

    /// Opens an object, created before, for writing it whole (capability `write`).
    ///
    /// # Behavior
    /// - With a token it goes on at the token's offset (case `streams::write_resumes`).
    /// - An image store keeps what comes as it is, and as long as it is: the bytes of an image of
    ///   another format than raw are fewer or more than those of the disk in it
    ///   (case `images::any_format_is_kept_as_it_is`).
    /// - Over a base (capability `write_over`) what is not written has the bytes of the base, and
    ///   both are whole objects of their own from then on: either may be deleted
    ///   (case `images::written_over_a_base_keeps_the_rest`).
    ///
    /// # Errors
    /// `NotFound`, `InvalidArgument` for a size beyond that of a raw object or a token that is not
    /// ours,
    /// `Unsupported`, `Unavailable`.
    async fn open_writer(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: OpenWriterRequest,
    ) -> PluginResult<OpenedWriter> {
        let _ = (call, store, request);
        unsupported("open_writer")
    }
}
