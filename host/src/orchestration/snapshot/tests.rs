//! What happens to snapshots: state, graph, and bytes in the provider.

mod incremental;

use crate::model::{Snapshot, SnapshotState, Stored, VolumeState};
use crate::orchestration::instance::DeployInstance;
use crate::orchestration::testing::{MIB, World, request};
use crate::orchestration::volume::ResizeVolume;
use crate::store::Key;
use storage_plugin_api::{PluginError, PluginErrorKind};
use uuid::Uuid;

async fn take(world: &World, volume: Uuid) -> Uuid {
    let begun = world.orchestration.snapshots.create(&request(), volume, None).await;
    world.done(begun).await.object
}

async fn see(world: &World, snapshot: Uuid) -> Stored<Snapshot> {
    let found = world.rooms().repository.find_any::<Snapshot>(Key::Uuid(snapshot)).await;
    found.unwrap().unwrap()
}

#[tokio::test]
async fn a_snapshot_keeps_the_bytes_of_its_moment() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let path = world.see(volume).await.path.clone();
    world.provider.put(&path, 0, b"then");
    let snapshot = see(&world, take(&world, volume).await).await;
    world.provider.put(&path, 0, b"now!");
    assert_eq!((snapshot.state, snapshot.pool), (SnapshotState::BackedUp, pool));
    assert_eq!(world.provider.bytes(&snapshot.path, 0, 4), b"then");
    assert_eq!(snapshot.volume.state, VolumeState::Ready);
    assert_eq!(world.see(volume).await.state, VolumeState::Ready);
    world.nothing_is_held().await;
}

#[tokio::test]
async fn a_snapshot_that_fails_leaves_nothing() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    world.provider.fail_late("take_snapshot", PluginError::internal("lost the answer"));
    let snapshots = &world.orchestration.snapshots;
    let begun = snapshots.create(&request(), volume, None).await;
    let snapshot = begun.as_ref().unwrap().object;
    world.undone(begun).await;
    let seen = see(&world, snapshot).await;
    assert!(seen.removed_us.is_some() && seen.state == SnapshotState::Error);
    assert_eq!(world.see(volume).await.state, VolumeState::Ready);
    assert_eq!(world.provider.paths(), [world.see(volume).await.path.clone()]);
}

#[tokio::test]
async fn a_volume_has_no_more_snapshots_than_its_pool_keeps() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    world.provider.can(|can| can.limits.snapshots_per_volume = Some(1));
    let first = take(&world, volume).await;
    let snapshots = &world.orchestration.snapshots;
    let refused = snapshots.create(&request(), volume, None).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::CapacityExceeded);
    world.done(snapshots.delete(&request(), first).await).await;
    take(&world, volume).await;
    world.provider.can(|can| can.storage_system_snapshot = false);
    let refused = snapshots.create(&request(), volume, None).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Unsupported);
}

#[tokio::test]
async fn the_children_of_a_snapshot_that_goes_become_those_of_its_parent() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let (first, second) = (take(&world, volume).await, take(&world, volume).await);
    let third = take(&world, volume).await;
    assert_eq!(see(&world, first).await.parent, None);
    assert_eq!(see(&world, third).await.parent, Some(second));
    let snapshots = &world.orchestration.snapshots;
    world.done(snapshots.delete(&request(), second).await).await;
    assert_eq!(see(&world, third).await.parent, Some(first));
    world.done(snapshots.delete(&request(), first).await).await;
    assert_eq!(see(&world, third).await.parent, None);
    let gone = see(&world, first).await;
    assert!(gone.removed_us.is_some() && gone.state == SnapshotState::Destroyed);
    assert_eq!(world.provider.paths().len(), 2);
}

#[tokio::test]
async fn a_snapshot_that_clones_need_stays_with_the_reason() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let snapshot = take(&world, volume).await;
    world.provider.fail("delete_async", 1, PluginError::in_use("two clones need it"));
    let snapshots = &world.orchestration.snapshots;
    let failure = world.undone(snapshots.delete(&request(), snapshot).await).await;
    assert_eq!(failure.kind, PluginErrorKind::InUse);
    let seen = see(&world, snapshot).await;
    assert_eq!(seen.state, SnapshotState::BackedUp);
    assert!(seen.note.as_ref().unwrap().contains("two clones need it"), "{:?}", seen.note);
    world.done(snapshots.delete(&request(), snapshot).await).await;
}

#[tokio::test]
async fn a_snapshot_that_could_not_be_looked_at_is_looked_at_again() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let snapshot = take(&world, volume).await;
    let path = see(&world, snapshot).await.path.clone();
    world.provider.fail("describe", 1, PluginError::internal("cannot look"));
    let snapshots = &world.orchestration.snapshots;
    world.done(snapshots.delete(&request(), snapshot).await).await;
    let seen = see(&world, snapshot).await;
    assert!(!world.provider.paths().contains(&path));
    assert!(seen.removed_us.is_some() && seen.state == SnapshotState::Destroyed);
}

#[tokio::test]
async fn a_volume_goes_back_to_a_snapshot_in_bytes_and_size() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let path = world.see(volume).await.path.clone();
    world.provider.put(&path, 0, b"then");
    let snapshot = take(&world, volume).await;
    world.provider.put(&path, 0, b"now!");
    let wish = ResizeVolume { size_bytes: Some(2 * MIB), ..ResizeVolume::default() };
    world.done(world.orchestration.volumes.resize(&request(), volume, wish).await).await;
    let snapshots = &world.orchestration.snapshots;
    world.done(snapshots.revert(&request(), snapshot).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.size_bytes), (VolumeState::Ready, MIB));
    assert_eq!(world.reserved(pool, volume).await, Some(MIB));
    assert_eq!(world.provider.bytes(&path, 0, 4), b"then");
    assert_eq!(see(&world, snapshot).await.state, SnapshotState::BackedUp);
    world.provider.fail("revert_snapshot", 1, PluginError::internal("half-way"));
    world.undone(snapshots.revert(&request(), snapshot).await).await;
    let seen = world.see(volume).await;
    assert_eq!(seen.state, VolumeState::Ready);
    assert!(seen.note.as_ref().unwrap().contains("half-way"), "{:?}", seen.note);
    world.nothing_is_held().await;
}

#[tokio::test]
async fn no_instance_runs_with_a_volume_that_goes_back() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let snapshot = take(&world, volume).await;
    let wish = DeployInstance { zone: world.zone, ..DeployInstance::default() };
    let instances = &world.orchestration.instances;
    let instance = world.done(instances.deploy(&request(), wish).await).await.object;
    let volumes = &world.orchestration.volumes;
    world.done(volumes.attach(&request(), volume, instance, None).await).await;
    let snapshots = &world.orchestration.snapshots;
    let refused = snapshots.revert(&request(), snapshot).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    // A snapshot can be taken while it runs.
    take(&world, volume).await;
    world.done(instances.stop(&request(), instance).await).await;
    world.done(snapshots.revert(&request(), snapshot).await).await;
    world.provider.can(|can| can.can_revert_volume_to_snapshot = false);
    let refused = snapshots.revert(&request(), snapshot).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Unsupported);
}

#[tokio::test]
async fn snapshots_outlive_their_volume_only_where_the_driver_says_so() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let (one, other) = (world.volume(pool, MIB).await, world.volume(pool, MIB).await);
    let snapshot = take(&world, one).await;
    take(&world, other).await;
    let volumes = &world.orchestration.volumes;
    world.done(volumes.expunge(&request(), one).await).await;
    let snapshots = &world.orchestration.snapshots;
    world.done(snapshots.delete(&request(), snapshot).await).await;
    world.provider.can(|can| can.snapshots_outlive_volume = false);
    let refused = volumes.expunge(&request(), other).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    assert!(refused.message.contains("has 1 snapshots"), "{refused}");
    assert_eq!(world.see(other).await.state, VolumeState::Ready);
}

#[tokio::test]
async fn snapshots_that_a_volume_left_behind_hold_it_nowhere() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, MIB).await;
    let snapshot = take(&world, volume).await;
    let volumes = &world.orchestration.volumes;
    world.done(volumes.migrate(&request(), volume, b).await).await;
    world.provider.can(|can| can.snapshots_outlive_volume = false);
    world.done(volumes.expunge(&request(), volume).await).await;
    assert_eq!(see(&world, snapshot).await.state, SnapshotState::BackedUp);
}

#[tokio::test]
async fn a_driver_is_told_the_chain_before_a_snapshot_with_the_oldest_first() {
    let world = World::new().await;
    let volume = world.volume(world.pool("a").await, MIB).await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        let snapshot = take(&world, volume).await;
        paths.push(see(&world, snapshot).await.path.clone());
    }
    let newest = see(&world, take(&world, volume).await).await;
    let info = world.rooms().snapshot_info(&newest).await.unwrap();
    assert_eq!(info.parents, paths);
    assert_eq!(info.parent_path, paths.pop());
}
