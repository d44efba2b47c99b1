//! The objects of answers: how a record is shown, the same in every command and in job results.
//!
//! One file for each kind of record: its `response!` struct, and how it is filled.

mod cluster;
mod connection;
mod disk_offering;
mod event;
mod extract_link;
mod host;
mod image_store;
mod instance;
mod job;
mod migration;
mod names;
mod operation;
mod orphan;
mod pod;
mod snapshot;
mod snapshot_policy;
mod storage_pool;
mod template;
mod upload_params;
mod vm_snapshot;
mod volume;
mod volume_for_import;
mod zone;

pub(super) use cluster::ClusterResponse;
pub(super) use connection::VolumeConnectionResponse;
use connection::connection_of;
pub(super) use disk_offering::DiskOfferingResponse;
pub(super) use event::EventResponse;
pub(super) use extract_link::ExtractResponse;
use extract_link::shown_link;
pub(super) use host::{HostResponse, HostStateWord, ResourceState, resource_state, state_of};
pub(super) use image_store::ImageStoreResponse;
pub(super) use instance::InstanceResponse;
pub(super) use job::JobResponse;
pub(super) use migration::MigrationResponse;
pub(super) use names::Names;
pub(super) use operation::OperationResponse;
pub(super) use orphan::{OrphanClassWord, OrphanResponse};
pub(super) use pod::PodResponse;
pub(super) use snapshot::{SnapshotResponse, kind_of};
pub(super) use snapshot_policy::SnapshotPolicyResponse;
pub(super) use storage_pool::StoragePoolResponse;
pub(super) use template::{TemplateResponse, show_in};
pub(super) use upload_params::{UploadParamsResponse, upload_params};
pub(super) use vm_snapshot::{HOST, VmSnapshotResponse};
pub(super) use volume::VolumeResponse;
pub(super) use volume_for_import::VolumeForImportResponse;
pub(super) use zone::ZoneResponse;

use super::call::Call;
use super::error::ApiError;
use super::images::ImageKind;
use super::reply::Reply;
use crate::model::{
    Host, ImageStore, Instance, Record, RecordKind, Snapshot, SnapshotPolicy, StoragePool, Stored,
    Template, VmSnapshot, Volume,
};
use crate::store::Key;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// How a kind of record is shown.
pub(super) trait Shown: Record {
    /// The key it is shown under.
    const OBJECT_NAME: &'static str;
    /// What is shown.
    type Response: Serialize + Send;

    /// Shows one.
    fn show(
        names: &mut Names,
        stored: &Stored<Self>,
    ) -> impl Future<Output = Result<Self::Response, ApiError>> + Send;
}

/// The object of an operation as it is now, under its key; `None` for kinds that nobody shows.
pub(super) async fn shown(
    call: &Call,
    kind: RecordKind,
    uuid: Uuid,
) -> Result<Option<(&'static str, Value)>, ApiError> {
    match kind {
        RecordKind::Host => one::<Host>(call, uuid).await,
        RecordKind::ImageStore => one::<ImageStore>(call, uuid).await,
        RecordKind::Template => image(call, uuid).await,
        RecordKind::StoragePool => one::<StoragePool>(call, uuid).await,
        RecordKind::Volume => one::<Volume>(call, uuid).await,
        RecordKind::Snapshot => one::<Snapshot>(call, uuid).await,
        RecordKind::SnapshotPolicy => one::<SnapshotPolicy>(call, uuid).await,
        RecordKind::Instance => one::<Instance>(call, uuid).await,
        RecordKind::VmSnapshot => one::<VmSnapshot>(call, uuid).await,
        RecordKind::ExtractLink => shown_link(call, uuid).await,
        _ => Ok(None),
    }
}

/// A template or an ISO, under the word for it.
async fn image(call: &Call, uuid: Uuid) -> Result<Option<(&'static str, Value)>, ApiError> {
    let template = call.repository().find_any::<Template>(Key::Uuid(uuid)).await?;
    let shown = one::<Template>(call, uuid).await?;
    Ok(shown.zip(template).map(|((_, value), it)| (ImageKind::of(&it).word(), value)))
}

async fn one<T: Shown>(call: &Call, uuid: Uuid) -> Result<Option<(&'static str, Value)>, ApiError> {
    let Some(stored) = call.repository().find_any::<T>(Key::Uuid(uuid)).await? else {
        return Ok(None);
    };
    let response = T::show(&mut Names::new(call), &stored).await?;
    let value = serde_json::to_value(response).map_err(ApiError::internal)?;
    Ok(Some((T::OBJECT_NAME, value)))
}

/// The answer of a command that made or changed a record: the record as it is now.
pub(super) async fn reply_shown<T: Shown>(call: &Call, uuid: Uuid) -> Result<Reply, ApiError> {
    let stored = call.repository().find_any::<T>(Key::Uuid(uuid)).await?;
    let stored = stored.ok_or_else(|| ApiError::internal("the object of an answer is missing"))?;
    Reply::object(T::OBJECT_NAME, &T::show(&mut Names::new(call), &stored).await?)
}
