//! The volumes of an instance go back to an instance snapshot, in place.
//!
//! **Invariant:** at rest all of them went back, or none did. Before anything is overwritten the
//! operation looks whether every part is there, and turns back if not; from then on there is no
//! way back, and it goes on until the last volume is as it was.

use super::revertible::expect_state;
use super::strategies::{Strategy, member_of};
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, Machine, RecordKind, SnapshotState, Stored, VmSnapshotEvent, Volume, VolumeEvent,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::storage_pool::expect_in_use;
use crate::orchestration::volume::pool_of;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

impl super::VmSnapshots {
    /// Begins to put an instance's volumes back to an instance snapshot (`revertToVMSnapshot`).
    ///
    /// # Errors
    /// `InUse` while the instance runs (one of a snapshot with memory has to); `Conflict` where
    /// volumes were attached or detached since, with their names, moved to another pool, or are
    /// not Ready; `Unsupported` where a driver cannot put a volume back.
    pub async fn revert(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let mut group = rooms.find_group(uuid).await?;
        // Before its volumes, so that its version tells whether one came or went meanwhile.
        let instance = rooms.find_instance(group.vm_snapshot.instance).await?;
        expect_state(&instance, group.vm_snapshot.snapshot_type)?;
        group.vm_snapshot.state = group.vm_snapshot.state.next(VmSnapshotEvent::RevertRequested)?;
        let volumes = rooms.volumes_as_then(&group, &instance).await?;
        let mut changes = vec![Change::update(&instance), Change::update(&group.vm_snapshot)];
        let mut with = With { exclusive: vec![instance.uuid, uuid], shared: Vec::new() };
        let mut state = State { vm_snapshot: uuid, volumes: Vec::new() };
        for mut volume in volumes {
            let member = member_of(&group, &volume)?;
            rooms.expect_revertible(&group, &volume, member.pool).await?;
            let bytes = volume.size_bytes.max(member.volume.size_bytes);
            volume.state = volume.state.next(VolumeEvent::RevertSnapshotRequested)?;
            changes.extend([
                expect_in_use(member.pool),
                Change::expect(RecordKind::Snapshot, member.uuid, SnapshotState::BackedUp.as_str()),
                Change::ExpectUnused(volume.uuid),
                Change::update(&volume),
                Change::Reserve { store: member.pool, owner: volume.uuid, bytes },
            ]);
            with.exclusive.extend([volume.uuid, member.uuid]);
            with.shared.push(member.pool);
            state.volumes.push(volume.uuid);
        }
        // What its job answers with is the instance.
        let object = (RecordKind::Instance, instance.uuid);
        rooms.begin::<Flow>(request, object, with, changes, &state).await
    }
}

/// `vmsnapshot.revertto`: all parts are there, then every volume goes back.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    vm_snapshot: Uuid,
    volumes: Vec<Uuid>,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "vmsnapshot.revertto";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("look whether every part is there", step_fn!(look)),
        Step::outside("put every volume back", step_fn!(revert)).forward_only(),
    ];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.stay(state))
    }
}

impl Flow {
    async fn look(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let group = self.0.find_group(state.vm_snapshot).await?;
        for volume in self.volumes(state).await? {
            let pool = self.0.access(pool_of(&volume)?).await?;
            let lost = |what: &str| {
                Failure::new(
                    PluginErrorKind::NotFound,
                    format!(
                        "{what} of volume {:?} is not on storage pool {:?}, so no volume was put \
                         back; `storage-host orphans scan` tells what else is missing",
                        volume.name, pool.pool.name
                    ),
                )
            };
            if !self.0.is_on_pool(context, member_of(&group, &volume)?).await? {
                return Err(lost("the snapshot").into());
            }
            let shown = pool.describe(context, volume.as_seen_by_plugins(volume.id)).await?;
            if !shown.present {
                return Err(lost("the disk").into());
            }
        }
        Ok(Vec::new())
    }

    async fn revert(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let group = self.0.find_group(state.vm_snapshot).await?;
        let mut volumes = self.volumes(state).await?;
        Strategy::of(&group).revert(&self.0, context, &group, &mut volumes).await?;
        let mut vm_snapshot = group.vm_snapshot;
        let mut changes = self.0.no_longer_current(&vm_snapshot).await?;
        for mut volume in volumes {
            volume.state = volume.state.next(VolumeEvent::OperationSucceeded)?;
            changes.extend([promise(&volume)?, Change::update(&volume)]);
        }
        vm_snapshot.current = true;
        vm_snapshot.state = vm_snapshot.state.next(VmSnapshotEvent::OperationSucceeded)?;
        let told = format!(
            "the volumes of instance {} are as instance snapshot {:?} was",
            vm_snapshot.instance, vm_snapshot.name
        );
        let object = (RecordKind::VmSnapshot, vm_snapshot.uuid);
        changes.extend([
            Change::update(&vm_snapshot),
            context.event("VMSNAPSHOT.REVERTTO", object, told),
        ]);
        Ok(changes)
    }

    /// Nothing was overwritten.
    async fn stay(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let mut vm_snapshot = self.0.find_vm_snapshot(state.vm_snapshot).await?;
        vm_snapshot.state = vm_snapshot.state.next(VmSnapshotEvent::OperationFailed)?;
        let mut changes = vec![Change::update(&vm_snapshot)];
        for mut volume in self.volumes(state).await? {
            volume.state = volume.state.next(VolumeEvent::OperationFailed)?;
            changes.extend([promise(&volume)?, Change::update(&volume)]);
        }
        Ok(changes)
    }

    async fn volumes(&self, state: &State) -> Result<Vec<Stored<Volume>>, Failure> {
        let mut volumes = Vec::new();
        for uuid in &state.volumes {
            volumes.push(self.0.find_volume(*uuid).await?);
        }
        Ok(volumes)
    }
}

/// What is promised to a volume is its size again.
fn promise(volume: &Volume) -> Result<Change, Failure> {
    Ok(Change::Reserve { store: pool_of(volume)?, owner: volume.uuid, bytes: volume.size_bytes })
}
