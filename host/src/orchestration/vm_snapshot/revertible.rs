//! Whether an instance can be put back to an instance snapshot: it is in a state for that, and has
//! the volumes that it had, where they were.

use super::Group;
use super::strategies::Strategy;
use crate::model::{Failure, Instance, InstanceState, Stored, Volume};
use crate::orchestration::rooms::Rooms;
use crate::orchestration::volume::pool_of;
use storage_plugin_api::{CallContext, VmSnapshotType};
use uuid::Uuid;

/// Disks go back while nobody writes to them; memory goes back into an instance that runs.
pub(super) fn expect_state(
    instance: &Instance,
    snapshot_type: VmSnapshotType,
) -> Result<(), Failure> {
    let with_memory = snapshot_type == VmSnapshotType::DiskAndMemory;
    match (instance.state, with_memory) {
        (InstanceState::Stopped, false) | (InstanceState::Running, true) => Ok(()),
        (state, false) => Err(Failure::in_use(format!(
            "instance {:?} is {state}, and its volumes go back while it is Stopped only; stop it \
             first",
            instance.name
        ))),
        (state, true) => Err(Failure::conflict(format!(
            "instance {:?} is {state}, and a snapshot with memory goes back into one that runs; \
             start it first",
            instance.name
        ))),
    }
}

impl Rooms {
    /// The volumes of an instance, where they are those that it had when its snapshot was taken.
    pub(super) async fn volumes_as_then(
        &self,
        group: &Group,
        instance: &Stored<Instance>,
    ) -> Result<Vec<Stored<Volume>>, Failure> {
        let mut volumes = Vec::new();
        for attachment in self.attachments_of(instance.uuid).await? {
            volumes.push(self.find_volume(attachment.volume).await?);
        }
        let (mut detached, mut gone) = (Vec::new(), Vec::new());
        for member in &group.members {
            let then = &member.volume;
            if volumes.iter().any(|volume| volume.uuid == then.uuid) {
                continue;
            }
            match self.repository.find::<Volume>(then.uuid).await? {
                Some(volume) => detached.push(quoted(&volume.name)),
                None => gone.push(quoted(&then.name)),
            }
        }
        let was_there =
            |volume: &Volume| group.members.iter().any(|one| one.volume.uuid == volume.uuid);
        let attached = volumes.iter().filter(|one| !was_there(one)).map(|one| quoted(&one.name));
        let told: Vec<String> = [
            ("attached", "detach them first", attached.collect()),
            ("detached", "attach them first", detached),
            ("removed", "make volumes from their members instead (createVolume)", gone),
        ]
        .into_iter()
        .filter(|(_, _, names): &(_, _, Vec<String>)| !names.is_empty())
        .map(|(what, way_out, names)| format!("{what}: {}; {way_out}", names.join(", ")))
        .collect();
        if told.is_empty() {
            return Ok(volumes);
        }
        Err(Failure::conflict(format!(
            "instance {:?} has not the volumes that it had when instance snapshot {:?} was taken; \
             since then were {}",
            instance.name,
            group.vm_snapshot.name,
            told.join("; and ")
        )))
    }

    /// Refuses a volume that cannot be put back where it is.
    pub(super) async fn expect_revertible(
        &self,
        group: &Group,
        volume: &Stored<Volume>,
        pool: Uuid,
    ) -> Result<(), Failure> {
        if pool_of(volume)? != pool {
            return Err(Failure::conflict(format!(
                "volume {:?} moved to another storage pool after instance snapshot {:?} was taken; \
                 move it back first, or make a volume from its snapshot instead",
                volume.name, group.vm_snapshot.name
            )));
        }
        let access = self.access(pool).await?;
        if Strategy::of(group) != Strategy::Host {
            return Ok(());
        }
        let call = CallContext::new(volume.uuid);
        if !access.capabilities(&call).await?.can_revert_volume_to_snapshot {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} cannot put volume {:?} back; make a volume \
                 from its snapshot instead",
                access.pool.provider, access.pool.name, volume.name
            )));
        }
        Ok(())
    }
}

fn quoted(name: &str) -> String {
    format!("{name:?}")
}
