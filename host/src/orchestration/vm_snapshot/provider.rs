//! A vendor's strategy: all volumes of an instance in one call, across the boundary.
//!
//! **Invariant:** every call goes through the guard, as those to drivers do, and what the strategy
//! says that it did is believed once the drivers' descriptions show it.

use super::Group;
use super::question::Question;
use super::strategies::member_of;
use crate::jobs::{GuardedCall, StepContext, StepError};
use crate::model::{Failure, Snapshot, Stored, VmSnapshot, Volume};
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::rooms::Rooms;
use std::sync::Arc;
use storage_plugin_api as plugin;
use storage_plugin_api::{
    CallContext, DataStore, PluginError, SnapshotInfo, StrategyPriority, VmSnapshotStrategy,
    VolumeSnapshot,
};
use uuid::Uuid;

/// Whether a provider's strategy can take it (`canHandle`). An error counts as a no, and is the
/// reason.
pub(super) async fn can_handle(
    rooms: &Rooms,
    question: &Question<'_>,
    name: &str,
    strategy: &dyn VmSnapshotStrategy,
) -> Result<(StrategyPriority, String), Failure> {
    let mut volumes = Vec::new();
    for part in &question.parts {
        let pool = &part.access.pool;
        if pool.provider != name {
            let reason = format!(
                "volume {:?} is on storage pool {:?} of provider {:?}, and a provider's strategy is \
                 asked about its own pools only",
                part.volume.name, pool.name, pool.provider
            );
            return Ok((StrategyPriority::CantHandle, reason));
        }
        let volume = part.volume.as_seen_by_plugins(part.volume.id);
        let snapshot = SnapshotInfo::new(Uuid::new_v4(), part.volume.name.clone(), volume);
        volumes.push(VolumeSnapshot::new(DataStore::clone(&part.access.context), snapshot));
    }
    let vm = rooms.instance_as_seen(&question.instance).await?;
    let mut asked = plugin::VmSnapshot::new(Uuid::new_v4(), vm, volumes);
    asked.snapshot_type = Some(question.snapshot_type);
    asked.quiesce_vm = question.quiesce_vm;
    let call = CallContext::new(asked.uuid);
    // It answers from memory: no pool is to blame if it does not.
    let about = GuardedCall { provider: name, window: (rooms.windows)(name), store: None };
    let verdict = rooms.guard.call(about, &call, strategy.can_handle(&call, asked)).await;
    Ok(match verdict {
        Ok(verdict) => (verdict.priority, verdict.reason),
        Err(error) => (StrategyPriority::CantHandle, format!("it failed to answer: {error}")),
    })
}

pub(super) async fn take(
    rooms: &Rooms,
    context: &StepContext,
    group: &mut Group,
    name: &str,
) -> Result<(), StepError> {
    let Asked { strategy, pool, asked } = ask(rooms, group, name, &[]).await?;
    let call = context.call();
    let taken = pool.guarded(&call, strategy.take_vm_snapshot(&call, asked)).await?;
    if !taken.paths.is_empty() && taken.paths.len() != group.members.len() {
        return Err(PluginError::internal(format!(
            "the strategy of provider {name:?} took {} volumes and answered {} paths",
            group.members.len(),
            taken.paths.len()
        ))
        .into());
    }
    group.vm_snapshot.details = taken.details;
    for (member, path) in group.members.iter_mut().zip(taken.paths) {
        member.path = path;
    }
    for member in &mut group.members {
        rooms.expect_taken(context, member).await?;
    }
    Ok(())
}

pub(super) async fn delete(
    rooms: &Rooms,
    context: &StepContext,
    group: &Group,
    name: &str,
) -> Result<(), StepError> {
    if group.members.is_empty() {
        return Ok(());
    }
    let Asked { strategy, pool, asked } = ask(rooms, group, name, &[]).await?;
    let call = context.call();
    let deleted = pool.guarded(&call, strategy.delete_vm_snapshot(&call, asked)).await;
    // Whatever was answered, only a look tells what is true: it is worth another try.
    for member in &group.members {
        let is_there = rooms.is_on_pool(context, member).await;
        match (&deleted, is_there.map_err(StepError::worth_another_try)?) {
            (_, false) => {}
            (Ok(()), true) => {
                return Err(pool.contradiction("deleted the snapshot", "is still there"));
            }
            (Err(_), true) => return Ok(deleted?),
        }
    }
    Ok(())
}

pub(super) async fn revert(
    rooms: &Rooms,
    context: &StepContext,
    group: &Group,
    volumes: &mut [Stored<Volume>],
    name: &str,
) -> Result<(), StepError> {
    let Asked { strategy, pool, asked } = ask(rooms, group, name, volumes).await?;
    let call = context.call();
    pool.guarded(&call, strategy.revert_vm_snapshot(&call, asked)).await?;
    for volume in volumes {
        rooms.expect_reverted(context, member_of(group, volume)?, volume).await?;
    }
    Ok(())
}

/// A strategy, what it is asked, and the pool that its calls are noted of.
struct Asked<'a> {
    strategy: Arc<dyn VmSnapshotStrategy>,
    pool: PoolAccess<'a>,
    asked: plugin::VmSnapshot,
}

/// The strategy of a provider, and a group as it sees it: with the volumes as they are now, where
/// those are given, or as they were when it was taken.
async fn ask<'a>(
    rooms: &'a Rooms,
    group: &Group,
    name: &str,
    volumes: &[Stored<Volume>],
) -> Result<Asked<'a>, StepError> {
    let strategies = rooms.providers.vm_snapshot_strategies();
    let strategy = strategies.into_iter().find(|(one, _)| one == name).ok_or_else(|| {
        PluginError::unavailable(format!(
            "instance snapshot {:?} is the affair of the strategy of provider {name:?}, which is \
             not loaded, or has none any more; see `storage-host plugins list`",
            group.vm_snapshot.name
        ))
    })?;
    let mut pool = None;
    let mut asked = Vec::new();
    for member in &group.members {
        let access = rooms.access(member.pool).await?;
        let volume = volumes.iter().find(|volume| volume.uuid == member.volume.uuid);
        let info = match volume {
            Some(volume) => rooms.snapshot_info_with(member, volume).await?,
            None => rooms.snapshot_info(member).await?,
        };
        asked.push(VolumeSnapshot::new(DataStore::clone(&access.context), info));
        pool.get_or_insert(access);
    }
    let pool = pool.ok_or_else(|| no_members(&group.vm_snapshot, &group.members))?;
    let instance = rooms.find_instance(group.vm_snapshot.instance).await?;
    let vm = rooms.instance_as_seen(&instance).await?;
    let asked = seen(&group.vm_snapshot, vm, asked);
    Ok(Asked { strategy: strategy.1, pool, asked })
}

fn seen(
    stored: &Stored<VmSnapshot>,
    vm: plugin::VmInstance,
    volumes: Vec<VolumeSnapshot>,
) -> plugin::VmSnapshot {
    let mut asked = plugin::VmSnapshot::new(stored.uuid, vm, volumes);
    asked.id = stored.id;
    asked.name.clone_from(&stored.name);
    asked.snapshot_type = Some(stored.snapshot_type);
    asked.quiesce_vm = stored.quiesce_vm;
    asked.parent = stored.parent;
    asked.details.clone_from(&stored.details);
    asked
}

fn no_members(vm_snapshot: &VmSnapshot, members: &[Stored<Snapshot>]) -> Failure {
    Failure::internal(format!(
        "instance snapshot {:?} should have {} members, and {} are there",
        vm_snapshot.name,
        vm_snapshot.members.len(),
        members.len()
    ))
}
