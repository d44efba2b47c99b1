//! The objects of answers: how a record is shown, the same in every command and in job results.
//!
//! One file for each kind of record: its `response!` struct, and how it is filled.

mod event;
mod job;
mod names;
mod operation;
mod orphan;
mod storage_pool;
mod volume;
mod zone;

pub(super) use event::EventResponse;
pub(super) use job::JobResponse;
pub(super) use names::Names;
pub(super) use operation::OperationResponse;
pub(super) use orphan::OrphanResponse;
pub(super) use storage_pool::StoragePoolResponse;
pub(super) use volume::VolumeResponse;
pub(super) use zone::ZoneResponse;

use super::call::Call;
use super::error::ApiError;
use crate::model::{Record, RecordKind, StoragePool, Stored, Volume};
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
        RecordKind::StoragePool => one::<StoragePool>(call, uuid).await,
        RecordKind::Volume => one::<Volume>(call, uuid).await,
        _ => Ok(None),
    }
}

async fn one<T: Shown>(call: &Call, uuid: Uuid) -> Result<Option<(&'static str, Value)>, ApiError> {
    let Some(stored) = call.repository().find_any::<T>(Key::Uuid(uuid)).await? else {
        return Ok(None);
    };
    let response = T::show(&mut Names::new(call), &stored).await?;
    let value = serde_json::to_value(response).map_err(ApiError::internal)?;
    Ok(Some((T::OBJECT_NAME, value)))
}
