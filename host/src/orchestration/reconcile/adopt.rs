//! An object whose record is lost gets one again.
//!
//! **Invariant:** only an object is adopted that bears our installation id and of which the store
//! never had a record: what it knows as removed stays removed.

use super::Reconcile;
use crate::jobs::{StepContext, StepError};
use crate::model::{Failure, RecordKind, Volume, VolumeState};
use crate::orchestration::request::RequestContext;
use crate::orchestration::rooms::event;
use crate::store::{Change, Refused};
use storage_plugin_api::{
    Details, ImageFormat, ProvisioningType, QualityOfService, VolumeInfo, VolumeType,
};
use uuid::Uuid;

impl Reconcile {
    /// Makes a volume of an object that the store does not know, under the object's own id.
    ///
    /// # Errors
    /// `NotFound` where there is no such object; `Conflict` where the store knows it;
    /// `CapacityExceeded` where the pool has no room to promise.
    pub async fn adopt(
        &self,
        request: &RequestContext,
        pool: Uuid,
        object: Uuid,
    ) -> Result<Uuid, Failure> {
        if let Some(known) = self.rooms.known(object).await? {
            return Err(Failure::conflict(format!(
                "{object} has a record, {:?}{}; only an object without one can be adopted",
                known.name,
                if known.is_removed { ", which was removed" } else { "" }
            )));
        }
        let context = StepContext::detached(&request.caller.account);
        let volume = self.found(&context, pool, object).await?;
        let told = format!(
            "an object of {} bytes that this host did not know was adopted as volume {:?}",
            volume.size_bytes, volume.name
        );
        let operation = context.operation();
        let changes = vec![
            Change::insert(&volume),
            Change::Reserve { store: pool, owner: object, bytes: volume.size_bytes },
            event(
                "ORPHAN.ADOPT",
                (RecordKind::Volume, object),
                operation,
                &request.caller.account,
                told,
            ),
        ];
        match self.rooms.repository.transact(changes).await {
            Ok(()) => Ok(object),
            Err(Refused::NoRoom { free, wanted, .. }) => Err(Failure::no_room(format!(
                "the pool of {object} has {free} bytes left to promise, and it needs {wanted}; \
                 raise its capacity or delete other volumes first"
            ))),
            Err(refused) => Err(refused.into()),
        }
    }

    /// The volume that an object is to be, by the driver's own description.
    async fn found(
        &self,
        context: &StepContext,
        pool: Uuid,
        object: Uuid,
    ) -> Result<Volume, StepError> {
        let access = self.rooms.access(pool).await?;
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
        })
    }
}
