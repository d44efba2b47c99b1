//! Policies go; the snapshots that they took stay, and nobody deletes them by himself from then on.

use super::event;
use crate::model::{EventLevel, Failure};
use crate::orchestration::request::RequestContext;
use crate::store::Change;
use uuid::Uuid;

impl super::SnapshotPolicies {
    /// Removes policies (`deleteSnapshotPolicies`): all of them, or none.
    ///
    /// # Errors
    /// `NotFound` for one that is not there.
    pub async fn delete(&self, request: &RequestContext, uuids: &[Uuid]) -> Result<(), Failure> {
        let mut changes = Vec::new();
        for uuid in uuids {
            let policy = self.find(*uuid).await?;
            let told = format!(
                "the {} snapshot policy of volume {} was deleted",
                policy.schedule.interval, policy.volume
            );
            let account = &request.caller.account;
            changes.extend([
                Change::remove(&policy.record),
                event(("SNAPSHOTPOLICY.DELETE", EventLevel::Info), account, *uuid, told),
            ]);
        }
        Ok(self.rooms.repository.transact(changes).await?)
    }
}
