//! An object whose record is lost gets one again.
//!
//! **Invariant:** only an object is adopted that bears our installation id and of which the store
//! never had a record: what it knows as removed stays removed.

use super::Reconcile;
use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{Failure, RecordKind, Volume, VolumeState};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{
    Details, ImageFormat, ProvisioningType, QualityOfService, VolumeInfo, VolumeType,
};
use uuid::Uuid;

impl Reconcile {
    /// Begins to make a volume of an object that the store does not know, under the object's own
    /// id.
    ///
    /// # Errors
    /// `Conflict` where the store knows it, or the pool is not in use. The operation fails with
    /// `NotFound` where there is no such object, with `CapacityExceeded` where the pool has no
    /// room to promise.
    pub async fn adopt(
        &self,
        request: &RequestContext,
        pool: Uuid,
        object: Uuid,
    ) -> Result<Started, Failure> {
        if let Some(known) = self.rooms.known(object).await? {
            return Err(Failure::conflict(format!(
                "{object} has a record, {:?}{}; only an object without one can be adopted",
                known.name,
                if known.is_removed { ", which was removed" } else { "" }
            )));
        }
        // A pool in quarantine is not even begun with.
        self.rooms.access(pool).await?;
        let with = With { shared: vec![pool], ..With::default() };
        let state = State { pool, object };
        let about = (RecordKind::Volume, object);
        self.rooms.begin::<Flow>(request, about, with, vec![expect_in_use(pool)], &state).await
    }
}

/// `orphan.adopt`: the driver describes it, then it has a record.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pool: Uuid,
    object: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "orphan.adopt";
    const VERSION: u32 = 1;
    // Nothing is made outside, so there is nothing to undo there.
    const STEPS: &'static [Step<Self>] = &[Step::outside("look at it", step_fn!(adopt))];
}

impl Flow {
    async fn adopt(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let volume = self.found(context, state.pool, state.object).await?;
        let told = format!(
            "an object of {} bytes that this host did not know was adopted as volume {:?}",
            volume.size_bytes, volume.name
        );
        Ok(vec![
            Change::insert(&volume),
            Change::Reserve { store: state.pool, owner: volume.uuid, bytes: volume.size_bytes },
            context.event("ORPHAN.ADOPT", (RecordKind::Volume, volume.uuid), told),
        ])
    }

    /// The volume that an object is to be, by the driver's own description.
    async fn found(
        &self,
        context: &StepContext,
        pool: Uuid,
        object: Uuid,
    ) -> Result<Volume, StepError> {
        let access = self.0.access(pool).await?;
        let name = format!("adopted-{object}");
        let asked = VolumeInfo::new(object, name.clone(), 0);
        let shown = access.describe(context, asked).await?;
        if !shown.present {
            return Err(Failure::not_found(format!(
                "storage pool {:?} has no volume {object} of this installation; `storage-host \
                 orphans scan` lists those that can be adopted",
                access.pool.name
            ))
            .into());
        }
        Ok(Volume {
            uuid: object,
            name,
            state: VolumeState::Ready,
            note: Some("adopted: this host had no record of it".to_owned()),
            zone: access.pool.zone,
            pool: Some(pool),
            disk_offering: None,
            snapshot: None,
            template: None,
            size_bytes: shown.size_bytes,
            physical_size_bytes: shown.physical_size_bytes,
            path: shown.path,
            details: Details::new(),
            volume_type: VolumeType::DataDisk,
            format: shown.format.unwrap_or(ImageFormat::Raw),
            provisioning_type: ProvisioningType::Thin,
            quality_of_service: QualityOfService::default(),
            instance: None,
            device_id: None,
            destroyed_us: None,
            released: false,
            checkpoint: None,
        })
    }
}
