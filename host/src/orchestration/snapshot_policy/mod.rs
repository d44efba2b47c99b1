//! Snapshot policies: snapshots of a volume by a schedule, and their end.
//!
//! What it is not: how a snapshot is taken, copied or deleted; a policy begins the ordinary
//! operations of [`Snapshots`], in the name of the host.
//!
//! **Invariants:** a due moment has one snapshot: the policy's `last_due_us` moves in the very
//! transaction that begins it. Moments that were missed (the host was down, the volume was busy)
//! are made up for by one snapshot, not by many. A policy deletes snapshots that it took itself and
//! no others, and only as [`Retention`](crate::model::Retention) says.

mod create;
mod delete;
mod run;
mod settle;
mod update;
mod watch;

#[cfg(test)]
mod tests;

pub use create::CreateSnapshotPolicy;

use super::rooms::Rooms;
use super::snapshot::Snapshots;
use crate::model::{EventLevel, Failure, NewEvent, RecordKind, SnapshotPolicy, Stored};
use crate::store::{Change, Filter, Refused};
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::PluginErrorKind;
use tokio::sync::Notify;
use uuid::Uuid;

/// How long a snapshot that could not be copied or deleted is left alone.
const AFTER_A_FAILURE: Duration = Duration::from_hours(1);

/// The service of snapshot policies.
#[derive(Debug, Clone)]
pub struct SnapshotPolicies {
    rooms: Arc<Rooms>,
    snapshots: Snapshots,
    /// Told when there may be something to do before its time.
    wake: Arc<Notify>,
}

impl SnapshotPolicies {
    pub(super) fn new(rooms: Arc<Rooms>, snapshots: Snapshots) -> Self {
        rooms.jobs.add_flow(Arc::new(update::Flow(Arc::clone(&rooms))));
        Self { rooms, snapshots, wake: Arc::default() }
    }

    /// The same service once more, over rooms that know its flows.
    fn over(rooms: Arc<Rooms>, wake: Arc<Notify>) -> Self {
        Self { snapshots: Snapshots::over(Arc::clone(&rooms)), rooms, wake }
    }

    /// A policy that was not removed.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn find(&self, uuid: Uuid) -> Result<Stored<SnapshotPolicy>, Failure> {
        self.rooms.find_snapshot_policy(uuid).await
    }

    /// Policies, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Stored<SnapshotPolicy>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }

    /// Writes what a policy is now; nothing where somebody came between, who knows better.
    async fn write(&self, changes: Vec<Change>) -> Result<(), Failure> {
        match self.rooms.repository.transact(changes).await {
            Err(Refused::Changed { .. } | Refused::Missing { .. }) => Ok(()),
            written => Ok(written?),
        }
    }
}

impl Rooms {
    /// A policy that was not removed.
    pub(super) async fn find_snapshot_policy(
        &self,
        uuid: Uuid,
    ) -> Result<Stored<SnapshotPolicy>, Failure> {
        let found = self.repository.find::<SnapshotPolicy>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no snapshot policy {uuid}")))
    }

    /// The end of a volume's policies, together with that of the volume.
    pub(super) async fn without_policies(&self, volume: Uuid) -> Result<Vec<Change>, Failure> {
        let filter = Filter { owner: Some(volume), ..Filter::default() };
        let policies = self.repository.list::<SnapshotPolicy>(&filter).await?;
        Ok(policies.iter().map(|policy| Change::remove(&policy.record)).collect())
    }
}

/// Something that happened to a policy.
fn event(
    (event_type, level): (&str, EventLevel),
    account: &str,
    policy: Uuid,
    description: String,
) -> Change {
    Change::Event(NewEvent {
        event_type: event_type.to_owned(),
        level,
        object: Some((RecordKind::SnapshotPolicy, policy)),
        account: account.to_owned(),
        operation: None,
        description,
    })
}

/// Whether somebody else has what is needed, or it is not there now: a later round will see.
fn may_do_next_round(failure: &Failure) -> bool {
    use PluginErrorKind::{Conflict, InUse, Timeout, Unavailable};
    matches!(failure.kind, Conflict | InUse | Timeout | Unavailable)
}
