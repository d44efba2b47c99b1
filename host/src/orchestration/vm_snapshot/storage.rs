//! The host's own strategy (CloudStack's `StorageVMSnapshotStrategy`): each volume's snapshot
//! through its own driver, on pools of any providers, one after the other behind one barrier.

use super::question::Question;
use super::strategies::member_of;
use super::{Group, barrier};
use crate::jobs::{StepContext, StepError};
use crate::model::{Stored, Volume};
use crate::orchestration::rooms::Rooms;
use storage_plugin_api::{StrategyPriority, VmSnapshotType};

/// Whether the host can take it (`canHandle`).
pub(super) fn can_handle(question: &Question<'_>) -> (StrategyPriority, String) {
    match obstacle(question) {
        Some(why) => (StrategyPriority::CantHandle, why),
        None => (
            StrategyPriority::Default,
            format!(
                "the driver of each pool takes snapshots of its volumes, {} in all, while nothing \
                 changes them",
                question.parts.len()
            ),
        ),
    }
}

fn obstacle(question: &Question<'_>) -> Option<String> {
    if question.snapshot_type != VmSnapshotType::Disk {
        return Some(
            "the host cannot save the memory of a guest; ask without snapshotmemory=true"
                .to_owned(),
        );
    }
    if question.quiesce_vm {
        return Some("the host cannot quiesce a guest; ask without quiescevm=true".to_owned());
    }
    if let Err(why) = barrier::holds_still(&question.instance) {
        return Some(why);
    }
    question.parts.iter().find_map(|part| {
        let lacks = match (part.can.storage_system_snapshot, part.can.can_revert_volume_to_snapshot)
        {
            (true, true) => return None,
            (false, _) => "takes no snapshots",
            (true, false) => "cannot put a volume back to a snapshot",
        };
        let (volume, pool) = (&part.volume.name, &part.access.pool);
        Some(format!(
            "volume {volume:?} is on storage pool {:?}, whose provider {:?} {lacks}",
            pool.name, pool.provider
        ))
    })
}

pub(super) async fn take(
    rooms: &Rooms,
    context: &StepContext,
    group: &mut Group,
) -> Result<(), StepError> {
    for member in &mut group.members {
        let taken = rooms.take_on_pool(context, member).await;
        taken.map_err(|error| error.context(format!("volume {:?}", member.volume.name)))?;
    }
    Ok(())
}

pub(super) async fn delete(
    rooms: &Rooms,
    context: &StepContext,
    group: &Group,
) -> Result<(), StepError> {
    // One that is held up keeps no other from going; the first reason is told.
    let mut kept = Ok(());
    for member in &group.members {
        let deleted = rooms.delete_on_pool(context, member).await;
        let deleted = deleted
            .map_err(|error| error.context(format!("the snapshot of {:?}", member.volume.name)));
        kept = kept.and(deleted);
    }
    kept
}

pub(super) async fn revert(
    rooms: &Rooms,
    context: &StepContext,
    group: &Group,
    volumes: &mut [Stored<Volume>],
) -> Result<(), StepError> {
    for volume in volumes {
        let reverted = rooms.revert_on_pool(context, member_of(group, volume)?, volume).await;
        reverted.map_err(|error| error.context(format!("volume {:?}", volume.name)))?;
    }
    Ok(())
}
