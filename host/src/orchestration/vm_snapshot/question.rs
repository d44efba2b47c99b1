//! What strategies are asked: this instance, these volumes, so and so.

use crate::model::{Failure, Instance, Stored, Volume};
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::rooms::Rooms;
use crate::orchestration::volume::pool_of;
use storage_plugin_api::{CallContext, DataStoreCapabilities, VmSnapshotType};
use uuid::Uuid;

/// A volume of the instance, its pool, and what that can do.
pub(super) struct Part<'a> {
    pub(super) volume: Stored<Volume>,
    pub(super) access: PoolAccess<'a>,
    pub(super) can: DataStoreCapabilities,
}

/// An instance snapshot that somebody thinks of.
pub(super) struct Question<'a> {
    pub(super) instance: Stored<Instance>,
    /// Root first.
    pub(super) parts: Vec<Part<'a>>,
    pub(super) snapshot_type: VmSnapshotType,
    pub(super) quiesce_vm: bool,
}

impl<'a> Question<'a> {
    /// The instance is read before its volumes: its version tells whether one came or went.
    ///
    /// # Errors
    /// `Conflict` for an instance without volumes; `Unavailable` where a pool cannot be reached.
    pub(super) async fn about(
        rooms: &'a Rooms,
        instance: Uuid,
        memory: bool,
        quiesce_vm: bool,
    ) -> Result<Self, Failure> {
        let instance = rooms.find_instance(instance).await?;
        let call = CallContext::new(instance.uuid);
        let mut parts = Vec::new();
        for attachment in rooms.attachments_of(instance.uuid).await? {
            let volume = rooms.find_volume(attachment.volume).await?;
            let access = rooms.access(pool_of(&volume)?).await?;
            let can = access.capabilities(&call).await?;
            parts.push(Part { volume, access, can });
        }
        if parts.is_empty() {
            return Err(Failure::conflict(format!(
                "instance {:?} has no volumes, so there is nothing to take a snapshot of; attach \
                 one first",
                instance.name
            )));
        }
        let snapshot_type =
            if memory { VmSnapshotType::DiskAndMemory } else { VmSnapshotType::Disk };
        Ok(Self { instance, parts, snapshot_type, quiesce_vm })
    }
}
