//! A volume gets another size, or the qualities of another disk offering.
//!
//! **Invariant:** what the record says of the size is what the back end described last, whether
//! the change was done, failed or was cancelled half-way.

use super::plan::size;
use super::pool_of;
use crate::jobs::{self, Retrying, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    DiskOffering, Failure, Machine, RecordKind, StoragePool, Stored, Volume, VolumeEvent,
};
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::sync::Arc;
use storage_plugin_api::{DataStoreCapabilities, QosRequest, QualityOfService, ResizeRequest};
use uuid::Uuid;

/// What a volume is to become.
#[derive(Debug, Clone, Default)]
pub struct ResizeVolume {
    /// Its size in bytes, where the offering leaves it open.
    pub size_bytes: Option<u64>,
    /// Its disk offering; the one it has if none is given.
    pub disk_offering: Option<Uuid>,
    /// The caller knows that bytes are lost.
    pub shrink_ok: bool,
}

impl super::Volumes {
    /// Begins to resize a volume (`resizeVolume`). The space of the larger of both sizes is
    /// reserved when this returns.
    ///
    /// # Errors
    /// `InvalidArgument` for a smaller size without consent, `Unsupported` where the driver cannot,
    /// `CapacityExceeded`, `Conflict` in another state than Ready.
    pub async fn resize(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        wish: ResizeVolume,
    ) -> Result<Started, Failure> {
        let mut volume = self.rooms.find_volume(uuid).await?;
        let pool = pool_of(&volume)?;
        let offering = match wish.disk_offering {
            Some(offering) => Some(self.rooms.find_disk_offering(offering).await?),
            None => None,
        };
        let wished = wished_size(&volume, &wish, offering.as_deref())?;
        let access = self.rooms.access(pool).await?;
        let call = storage_plugin_api::CallContext::new(uuid);
        let capabilities = access.capabilities(&call).await?;
        let from = volume.size_bytes;
        let to = size_on(&access.pool, &capabilities, from, wished)?;
        if to < from && !wish.shrink_ok {
            return Err(Failure::invalid(format!(
                "volume {:?} has {from} bytes; to shrink it to {to} loses the last of them, and \
                 needs shrinkok=true",
                volume.name
            )));
        }
        volume.state = volume.state.next(VolumeEvent::ResizeRequested)?;
        let changes = vec![
            expect_in_use(pool),
            Change::ExpectUnused(uuid),
            Change::update(&volume),
            Change::Reserve { store: pool, owner: uuid, bytes: from.max(to) },
        ];
        let state = State {
            volume: uuid,
            from,
            to,
            disk_offering: offering.as_ref().map(|offering| offering.uuid),
            quality_of_service: offering.map(|offering| offering.quality_of_service),
            enforced: capabilities.quality_of_service,
        };
        let object = (RecordKind::Volume, uuid);
        self.rooms.begin::<Flow>(request, object, With::default(), changes, &state).await
    }
}

/// The size that is asked for; that which the volume has, where only other qualities are.
fn wished_size(
    volume: &Volume,
    wish: &ResizeVolume,
    offering: Option<&DiskOffering>,
) -> Result<u64, Failure> {
    let wished = match (offering, wish.size_bytes) {
        (Some(offering), None) if offering.size_bytes.is_none() => Some(volume.size_bytes),
        (None, None) => {
            return Err(Failure::invalid("give the new size, or a disk offering that has one"));
        }
        (_, wished) => wished,
    };
    size(wished, offering, None)
}

/// The size as a pool makes it.
///
/// # Errors
/// `InvalidArgument` beyond the pool's limits; `Unsupported` where its driver cannot.
fn size_on(
    pool: &StoragePool,
    capabilities: &DataStoreCapabilities,
    from: u64,
    wished: u64,
) -> Result<u64, Failure> {
    // Where only other qualities are asked for, the size may be older than the limits.
    let rounded = match wished == from {
        true => Some(from),
        false => capabilities.limits.round_up(wished),
    };
    let to = rounded.ok_or_else(|| {
        Failure::invalid(format!(
            "{wished} bytes are more than {} makes of a volume: at most {}; ask for less, or \
             migrate the volume to another pool",
            pool.title(),
            capabilities.limits.max_size_bytes
        ))
    })?;
    let (can, what) = match to.cmp(&from) {
        Ordering::Less => (capabilities.shrink, "shrink"),
        Ordering::Equal => (true, "leave"),
        Ordering::Greater => (capabilities.resize, "grow"),
    };
    if !can {
        return Err(Failure::unsupported(format!(
            "provider {:?} of {} cannot {what} a volume; migrate it to a pool whose provider can",
            pool.provider,
            pool.title()
        )));
    }
    Ok(to)
}

/// `volume.resize`: the driver changes the size, then the record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    volume: Uuid,
    from: u64,
    to: u64,
    disk_offering: Option<Uuid>,
    quality_of_service: Option<QualityOfService>,
    /// The storage itself keeps to the qualities.
    enforced: bool,
}

impl State {
    /// The new qualities, where the driver keeps to qualities at all.
    fn enforced_qualities(&self) -> Option<QualityOfService> {
        self.quality_of_service.filter(|_| self.enforced)
    }
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "volume.resize";
    const VERSION: u32 = 1;
    // Bytes that were cut off do not come back, so undoing is to find out what is true.
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("resize it on the pool", step_fn!(resize)).undone_by(step_fn!(find_out))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.rest(state))
    }
}

impl Flow {
    async fn resize(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let pool = self.0.access(pool_of(&volume)?).await?;
        if state.to == state.from {
            if let Some(qualities) = state.enforced_qualities() {
                self.set_qualities(context, qualities, &pool, &volume).await?;
            }
        } else {
            self.set_size(context, state, &pool, &mut volume).await?;
        }
        let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
        if !shown.present {
            return Err(pool.contradiction("resized the volume", "is not there"));
        }
        if shown.size_bytes < state.to {
            return Err(pool.contradiction("resized the volume", "is smaller than asked for"));
        }
        if state.to < state.from && shown.size_bytes >= state.from {
            return Err(pool.contradiction("shrank the volume", "is as large as before"));
        }
        volume.size_bytes = shown.size_bytes;
        volume.physical_size_bytes = shown.physical_size_bytes;
        volume.disk_offering = state.disk_offering.or(volume.disk_offering);
        if let Some(quality_of_service) = state.quality_of_service {
            volume.quality_of_service = quality_of_service;
        }
        volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
        let told = format!("volume {:?} has {} bytes now", volume.name, volume.size_bytes);
        Ok(vec![
            Change::Reserve { store: pool.pool.uuid, owner: volume.uuid, bytes: volume.size_bytes },
            Change::update(&volume),
            context.event("VOLUME.RESIZE", (RecordKind::Volume, volume.uuid), told),
        ])
    }

    async fn set_size(
        &self,
        context: &StepContext,
        state: &State,
        pool: &PoolAccess<'_>,
        volume: &mut Stored<Volume>,
    ) -> Result<(), StepError> {
        let mut ask = ResizeRequest::new(volume.as_seen_by_plugins(volume.id), state.to);
        ask.shrink_ok = state.to < state.from;
        ask.quality_of_service = state.quality_of_service;
        if let Some(instance) = self.0.running_instance(volume).await? {
            ask.instance_name = Some(instance.name.clone());
            if let Some(host) = instance.host {
                ask.hosts.extend(self.0.host_as_seen(host).await?);
            }
        }
        let call = context.call();
        let made = pool.driver.resize(&call, &pool.context, ask);
        let made = pool.guarded(&call, made).await?;
        if !made.path.is_empty() {
            volume.path = made.path;
        }
        if !made.details.is_empty() {
            volume.details = made.details;
        }
        Ok(())
    }

    async fn set_qualities(
        &self,
        context: &StepContext,
        qualities: QualityOfService,
        pool: &PoolAccess<'_>,
        volume: &Stored<Volume>,
    ) -> Result<(), StepError> {
        let ask = QosRequest::new(volume.as_seen_by_plugins(volume.id), qualities);
        let call = context.call();
        let set = pool.driver.update_quality_of_service(&call, &pool.context, ask);
        Ok(pool.guarded(&call, set).await?)
    }

    /// The driver may have done its work although it failed: the record says what is there.
    async fn find_out(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        let pool = self.0.access(pool_of(&volume)?).await?;
        let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
        if shown.present {
            volume.size_bytes = shown.size_bytes;
            volume.physical_size_bytes = shown.physical_size_bytes;
            if state.enforced_qualities().is_some() {
                self.set_qualities_back(context, &pool, &mut volume).await?;
            }
        }
        // Never more than was reserved at the start: the way back must not fail for want of room.
        let bytes = volume.size_bytes.min(state.from.max(state.to));
        Ok(vec![
            Change::Reserve { store: pool.pool.uuid, owner: volume.uuid, bytes },
            Change::update(&volume),
        ])
    }

    /// The record has the qualities of before. A driver that does not take them any more must not
    /// hold the way back up for ever.
    async fn set_qualities_back(
        &self,
        context: &StepContext,
        pool: &PoolAccess<'_>,
        volume: &mut Stored<Volume>,
    ) -> Result<(), StepError> {
        match self.set_qualities(context, volume.quality_of_service, pool, volume).await {
            Err(error) if error.retrying == Retrying::Never => {
                volume.note = Some(format!(
                    "its qualities of service may be those of an offering that it was not given, \
                     for they cannot be set back: {}; resize it to the offering that it is to have",
                    error.failure
                ));
                Ok(())
            }
            set => set,
        }
    }

    async fn rest(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut volume = self.0.find_volume(state.volume).await?;
        volume.state = volume.state.next(VolumeEvent::OperationFailed)?;
        Ok(vec![Change::update(&volume)])
    }
}
