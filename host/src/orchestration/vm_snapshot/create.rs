//! An instance snapshot is taken: every volume's, or none.

use super::question::Question;
use super::strategies::{Strategy, winner};
use super::{Group, barrier};
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, GROUP, Instance, InstanceState, Machine, RecordKind, Snapshot, SnapshotEvent, Stored,
    VmSnapshot, VmSnapshotEvent, VmSnapshotState, VolumeEvent,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::Details;
use uuid::Uuid;

/// What a new instance snapshot is to be.
#[derive(Debug, Clone, Default)]
pub struct CreateVmSnapshot {
    /// The instance.
    pub instance: Uuid,
    /// Its name; one is made of that of the instance if none is given.
    pub name: Option<String>,
    /// What somebody writes about it.
    pub description: Option<String>,
    /// Whether it is to hold the memory of the instance as well.
    pub memory: bool,
    /// Whether the guest is to quiesce.
    pub quiesce_vm: bool,
}

impl super::VmSnapshots {
    /// Begins to take a snapshot of an instance (`createVMSnapshot`). Its record and those of its
    /// members are there when this returns, in state Creating.
    ///
    /// # Errors
    /// `Unsupported`, with the reason of each strategy, where none can; `Conflict` where the
    /// instance is neither Running nor Stopped, or has no volumes, or a volume is not Ready;
    /// `AlreadyExists` for a name that another snapshot of the instance has; `CapacityExceeded`
    /// where a volume has as many snapshots as it may.
    pub async fn create(
        &self,
        request: &RequestContext,
        wish: CreateVmSnapshot,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let question = Question::about(rooms, wish.instance, wish.memory, wish.quiesce_vm).await?;
        let instance = &question.instance;
        expect_takable(instance, wish.memory)?;
        let strategy = winner(rooms.verdicts(&question).await?, &instance.name)?;
        let uuid = Uuid::new_v4();
        let others = rooms.vm_snapshots_of(instance.uuid).await?;
        let parent = others.iter().find(|other| other.current).map(|parent| parent.uuid);
        let mut vm_snapshot = VmSnapshot {
            uuid,
            name: wish.name.unwrap_or_else(|| format!("{}_VS_{uuid}", instance.name)),
            description: wish.description,
            state: VmSnapshotState::Allocated,
            note: None,
            instance: instance.uuid,
            zone: instance.zone,
            snapshot_type: question.snapshot_type,
            quiesce_vm: wish.quiesce_vm,
            parent,
            current: false,
            strategy: strategy.into_name(),
            details: Details::new(),
            members: Vec::new(),
        };
        vm_snapshot.state = vm_snapshot.state.next(VmSnapshotEvent::CreateRequested)?;
        // None came or went since the volumes were read, and no name was taken.
        let mut changes = vec![
            Change::update(instance),
            Change::expect_name_free(&vm_snapshot, Some(instance.uuid)),
        ];
        changes.extend(parent.map(|uuid| {
            Change::expect(RecordKind::VmSnapshot, uuid, VmSnapshotState::Ready.as_str())
        }));
        let mut with = With { exclusive: vec![instance.uuid], shared: Vec::new() };
        for part in question.parts {
            let (mut volume, access) = (part.volume, part.access);
            let name = Some(format!("{}_{}", vm_snapshot.name, volume.name));
            let limits = &part.can.limits;
            let (mut member, more) = rooms.plan_snapshot(&access, &volume, limits, name).await?;
            GROUP.clone_into(&mut member.snapshot_type);
            member.vm_snapshot = Some(uuid);
            member.state = member.state.next(SnapshotEvent::CreateRequested)?;
            volume.state = volume.state.next(VolumeEvent::SnapshotRequested)?;
            changes.extend(more);
            changes.extend([Change::update(&volume), Change::insert(&member)]);
            vm_snapshot.members.push(member.uuid);
            with.exclusive.extend([volume.uuid, member.uuid]);
            with.shared.push(access.pool.uuid);
        }
        changes.push(Change::insert(&vm_snapshot));
        let state = State { vm_snapshot: uuid };
        rooms.begin::<Flow>(request, (RecordKind::VmSnapshot, uuid), with, changes, &state).await
    }
}

/// Refuses an instance on its way, and memory where there is none.
fn expect_takable(instance: &Instance, memory: bool) -> Result<(), Failure> {
    match instance.state {
        InstanceState::Running => Ok(()),
        InstanceState::Stopped if !memory => Ok(()),
        InstanceState::Stopped => Err(Failure::conflict(format!(
            "instance {:?} is Stopped, and has no memory to save; ask without snapshotmemory=true",
            instance.name
        ))),
        state => Err(Failure::conflict(format!(
            "instance {:?} is in state {state}; it has to be Running or Stopped",
            instance.name
        ))),
    }
}

/// `vmsnapshot.create`: all members are taken behind one barrier, then the records say so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    vm_snapshot: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "vmsnapshot.create";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("take every volume's snapshot", step_fn!(take)).undone_by(step_fn!(void))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.forget(state))
    }
}

impl Flow {
    async fn take(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut group = self.0.find_group(state.vm_snapshot).await?;
        let strategy = Strategy::of(&group);
        if context.attempt() > 1 {
            // What an attempt that broke off has taken is of an earlier moment.
            strategy.delete(&self.0, context, &group).await?;
        }
        let instance = self.0.find_instance(group.vm_snapshot.instance).await?;
        if strategy == Strategy::Host {
            barrier::holds_still(&instance).map_err(Failure::conflict)?;
        }
        strategy.take(&self.0, context, &mut group).await?;
        self.taken(context, group, &instance).await
    }

    async fn taken(
        &self,
        context: &StepContext,
        group: Group,
        instance: &Stored<Instance>,
    ) -> Result<Vec<Change>, StepError> {
        let Group { mut vm_snapshot, members } = group;
        let told = format!(
            "instance snapshot {:?} of instance {:?} was taken: {} volumes",
            vm_snapshot.name,
            instance.name,
            members.len()
        );
        let mut changes = self.0.no_longer_current(&vm_snapshot).await?;
        for mut member in members {
            member.state = member.state.next(SnapshotEvent::OperationNotPerformed)?;
            changes.push(self.volume_rests(&member, VolumeEvent::OperationSucceeded).await?);
            changes.push(Change::update(&member));
        }
        vm_snapshot.current = true;
        vm_snapshot.state = vm_snapshot.state.next(VmSnapshotEvent::OperationSucceeded)?;
        changes.extend([
            Change::update(&vm_snapshot),
            context.event("VMSNAPSHOT.CREATE", (RecordKind::VmSnapshot, vm_snapshot.uuid), told),
        ]);
        Ok(changes)
    }

    async fn void(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let group = self.0.find_group(state.vm_snapshot).await?;
        Strategy::of(&group).delete(&self.0, context, &group).await?;
        Ok(Vec::new())
    }

    /// The records stay, removed, as proof that the objects may not exist.
    async fn forget(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let Group { mut vm_snapshot, members } = self.0.find_group(state.vm_snapshot).await?;
        let mut changes = Vec::new();
        for mut member in members {
            member.state = member.state.next(SnapshotEvent::OperationFailed)?;
            changes.push(self.volume_rests(&member, VolumeEvent::OperationFailed).await?);
            changes.extend([Change::update(&member), Change::remove(&member.record)]);
        }
        vm_snapshot.state = vm_snapshot.state.next(VmSnapshotEvent::OperationFailed)?;
        changes.extend([Change::update(&vm_snapshot), Change::remove(&vm_snapshot.record)]);
        Ok(changes)
    }

    async fn volume_rests(
        &self,
        member: &Snapshot,
        event: VolumeEvent,
    ) -> Result<Change, StepError> {
        let mut volume = self.0.find_volume(member.volume.uuid).await?;
        volume.state = volume.state.next(event)?;
        Ok(Change::update(&volume))
    }
}
