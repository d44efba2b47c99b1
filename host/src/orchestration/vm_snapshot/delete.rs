//! An instance snapshot goes, with all of its members; those that were taken after it stay.
//!
//! **Invariant:** one of which a part is gone is in state Error: it can be deleted again, and
//! nothing else.

use super::Group;
use super::strategies::Strategy;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, Machine, RecordKind, Snapshot, SnapshotEvent, Stored, VmSnapshot, VmSnapshotEvent,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::VmSnapshots {
    /// Begins to delete an instance snapshot (`deleteVMSnapshot`).
    ///
    /// # Errors
    /// `InUse` while a volume is made from a member; `Conflict` in a state that does not allow it.
    pub async fn delete(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let Group { mut vm_snapshot, members } = self.rooms.find_group(uuid).await?;
        vm_snapshot.state = vm_snapshot.state.next(VmSnapshotEvent::ExpungeRequested)?;
        vm_snapshot.note = None;
        let mut changes = vec![Change::update(&vm_snapshot)];
        let mut with = With::default();
        for mut member in members {
            // A pool that cannot be reached is told of before anything begins.
            self.rooms.access(member.pool).await?;
            member.state = member.state.next(SnapshotEvent::DestroyRequested)?;
            member.note = None;
            changes.extend([Change::ExpectUnused(member.uuid), Change::update(&member)]);
            with.exclusive.push(member.uuid);
            with.shared.push(member.pool);
        }
        let state = State { vm_snapshot: uuid, gone: Vec::new() };
        let object = (RecordKind::VmSnapshot, uuid);
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }
}

/// `vmsnapshot.delete`: the members are removed, then the records say so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    vm_snapshot: Uuid,
    /// The members whose bytes the way back found gone.
    gone: Vec<Uuid>,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "vmsnapshot.delete";
    const VERSION: u32 = 1;
    // What is gone cannot come back: the way back looks what is.
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("remove every volume's snapshot", step_fn!(remove))
            .undone_by(step_fn!(look))];

    fn abandon<'a>(&'a self, context: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.stay(context, state))
    }
}

impl Flow {
    async fn remove(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let group = self.0.find_group(state.vm_snapshot).await?;
        Strategy::of(&group).delete(&self.0, context, &group).await?;
        self.removed(context, group).await
    }

    async fn look(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        state.gone.clear();
        for member in self.0.find_group(state.vm_snapshot).await?.members {
            if !self.0.is_on_pool(context, &member).await? {
                state.gone.push(member.uuid);
            }
        }
        Ok(Vec::new())
    }

    async fn stay(&self, context: &StepContext, state: &State) -> Result<Vec<Change>, StepError> {
        let mut group = self.0.find_group(state.vm_snapshot).await?;
        if group.members.iter().all(|member| state.gone.contains(&member.uuid)) {
            return self.removed(context, group).await;
        }
        let why = context.failure().map(|failure| format!("it cannot be deleted: {failure}"));
        let mut changes = Vec::new();
        for mut member in group.members {
            if state.gone.contains(&member.uuid) {
                changes.extend(self.member_removed(member).await?);
                continue;
            }
            member.state = member.state.next(SnapshotEvent::OperationFailed)?;
            member.note.clone_from(&why);
            changes.push(Change::update(&member));
        }
        group.vm_snapshot.state = group.vm_snapshot.state.next(VmSnapshotEvent::OperationFailed)?;
        group.vm_snapshot.note = why;
        changes.push(Change::update(&group.vm_snapshot));
        Ok(changes)
    }

    async fn removed(&self, context: &StepContext, group: Group) -> Result<Vec<Change>, StepError> {
        let mut changes = Vec::new();
        for member in group.members {
            changes.extend(self.member_removed(member).await?);
        }
        changes.extend(self.inherited(&group.vm_snapshot).await?);
        let mut vm_snapshot = group.vm_snapshot;
        vm_snapshot.current = false;
        vm_snapshot.state = vm_snapshot.state.next(VmSnapshotEvent::OperationSucceeded)?;
        changes.extend([
            Change::update(&vm_snapshot),
            Change::remove(&vm_snapshot.record),
            context.event(
                "VMSNAPSHOT.DELETE",
                (RecordKind::VmSnapshot, vm_snapshot.uuid),
                format!("instance snapshot {:?} was deleted", vm_snapshot.name),
            ),
        ]);
        Ok(changes)
    }

    async fn member_removed(&self, mut member: Stored<Snapshot>) -> Result<Vec<Change>, StepError> {
        member.state = member.state.next(SnapshotEvent::OperationSucceeded)?;
        self.0.without_snapshot(&member).await
    }

    /// Its children become those of its parent; where the instance was on it, it is on that.
    async fn inherited(&self, gone: &VmSnapshot) -> Result<Vec<Change>, StepError> {
        let mut changes = Vec::new();
        for mut other in self.0.vm_snapshots_of(gone.instance).await? {
            let is_child = other.parent == Some(gone.uuid);
            let is_heir = gone.current && gone.parent == Some(other.uuid);
            if is_child {
                other.parent = gone.parent;
            }
            other.current |= is_heir;
            if is_child || is_heir {
                changes.push(Change::update(&other));
            }
        }
        Ok(changes)
    }
}
