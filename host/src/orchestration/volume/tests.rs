//! What happens to volumes: state, record, promise, and bytes in the provider.

mod edges;

use super::{CreateVolume, ImportVolume, ResizeVolume, VolumeSource};
use crate::model::{Attachment, DiskOffering, Phase, Stored, VolumeState};
use crate::orchestration::Policy;
use crate::orchestration::instance::DeployInstance;

use crate::orchestration::testing::{MIB, World, request};
use crate::store::{Filter, now_us};
use std::time::Duration;
use storage_plugin_api::{PluginError, PluginErrorKind};
use uuid::Uuid;

const NOBODY: [Uuid; 0] = [];

async fn resize(world: &World, volume: Uuid, size: u64, shrink_ok: bool) -> ResizeOutcome {
    let wish = ResizeVolume { size_bytes: Some(size), shrink_ok, ..ResizeVolume::default() };
    world.orchestration.volumes.resize(&request(), volume, wish).await
}

type ResizeOutcome = Result<crate::orchestration::Started, crate::model::Failure>;

async fn instance(world: &World, stopped: bool) -> Uuid {
    let wish = DeployInstance { zone: world.zone, stopped, ..DeployInstance::default() };
    let begun = world.orchestration.instances.deploy(&request(), wish).await;
    world.done(begun).await.object
}

async fn attachments(world: &World) -> Vec<Stored<Attachment>> {
    world.rooms().repository.list::<Attachment>(&Filter::default()).await.unwrap()
}

async fn attach(world: &World, volume: Uuid, instance: Uuid) {
    let begun = world.orchestration.volumes.attach(&request(), volume, instance, None).await;
    world.done(begun).await;
}

#[tokio::test]
async fn a_volume_grows_and_keeps_its_bytes() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let path = world.see(volume).await.path.clone();
    world.provider.put(&path, 100, b"kept");
    world.done(resize(&world, volume, 3 * MIB, false).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.size_bytes), (VolumeState::Ready, 3 * MIB));
    assert_eq!(world.reserved(pool, volume).await, Some(3 * MIB));
    assert_eq!(world.provider.bytes(&path, 100, 4), b"kept");
    world.nothing_is_held().await;
}

#[tokio::test]
async fn a_volume_shrinks_with_consent_and_capability_only() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, 4 * MIB).await;
    let refused = resize(&world, volume, MIB, false).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InvalidArgument);
    assert!(refused.message.contains("shrinkok=true"), "{refused}");
    world.done(resize(&world, volume, 2 * MIB, true).await).await;
    assert_eq!(world.see(volume).await.size_bytes, 2 * MIB);
    assert_eq!(world.reserved(pool, volume).await, Some(2 * MIB));
    world.provider.can(|can| can.shrink = false);
    let refused = resize(&world, volume, MIB, true).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Unsupported);
}

#[tokio::test]
async fn a_resize_that_is_undone_leaves_the_true_size() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    world.provider.fail("resize", 1, PluginError::capacity_exceeded("full"));
    world.undone(resize(&world, volume, 2 * MIB, false).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.size_bytes), (VolumeState::Ready, MIB));
    assert_eq!(world.reserved(pool, volume).await, Some(MIB));
    // The driver says that it failed, and did it all the same.
    world.provider.fail_late("resize", PluginError::internal("lost the answer"));
    world.undone(resize(&world, volume, 2 * MIB, false).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.size_bytes), (VolumeState::Ready, 2 * MIB));
    assert_eq!(world.reserved(pool, volume).await, Some(2 * MIB));
}

#[tokio::test]
async fn a_resize_beyond_the_promise_of_the_pool_begins_nothing() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let refused = resize(&world, volume, 1 << 42, false).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::CapacityExceeded);
    assert_eq!(world.see(volume).await.state, VolumeState::Ready);
    assert_eq!(world.provider.calls("resize"), 0);
}

#[tokio::test]
async fn other_qualities_change_no_size() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let filter = Filter { name: Some("Custom".to_owned()), ..Filter::default() };
    let zones = &world.orchestration.zones;
    let offering = zones.list::<DiskOffering>(&filter).await.unwrap().remove(0).uuid;
    world.provider.can(|can| (can.quality_of_service, can.resize) = (true, false));
    let wish = ResizeVolume { disk_offering: Some(offering), ..ResizeVolume::default() };
    let volumes = &world.orchestration.volumes;
    world.done(volumes.resize(&request(), volume, wish).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.disk_offering, seen.size_bytes), (Some(offering), MIB));
    assert_eq!(world.provider.calls("update_quality_of_service"), 1);
    assert_eq!(world.provider.calls("resize"), 0);
}

#[tokio::test]
async fn a_driver_that_wants_to_know_is_told_which_instance_has_a_volume() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let instance = instance(&world, true).await;
    world.provider.can(|can| can.vm_info_needed = true);
    // Nothing waits for it.
    world.provider.fail("provide_vm_info", 1, PluginError::internal("not interested"));
    attach(&world, volume, instance).await;
    let volumes = &world.orchestration.volumes;
    world.done(volumes.detach(&request(), volume).await).await;
    assert_eq!(world.provider.calls("provide_vm_info"), 2);
}

#[tokio::test]
async fn attaching_to_a_running_instance_grants_access_and_detaching_takes_it() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let path = world.see(volume).await.path.clone();
    let instance = instance(&world, false).await;
    attach(&world, volume, instance).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.instance), (VolumeState::Ready, Some(instance)));
    assert_eq!(seen.device_id, Some(1));
    assert_eq!(world.provider.access(&path), [world.host]);
    let attached = attachments(&world).await.remove(0);
    assert_eq!(attached.host, Some(world.host));
    assert_eq!(attached.connection.as_ref().unwrap().path, format!("/memory/{path}"));

    let volumes = &world.orchestration.volumes;
    let twice = volumes.attach(&request(), volume, instance, None).await.unwrap_err();
    assert_eq!(twice.kind, PluginErrorKind::InUse);
    let destroyed = volumes.destroy(&request(), volume).await.unwrap_err();
    assert_eq!(destroyed.kind, PluginErrorKind::InUse);
    assert_eq!(volumes.find_device(instance, 1).await.unwrap(), volume);

    world.done(volumes.detach(&request(), volume).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.instance, seen.device_id), (VolumeState::Ready, None, None));
    assert_eq!(world.provider.access(&path), NOBODY);
    assert!(attachments(&world).await.is_empty());
    let again = volumes.detach(&request(), volume).await.unwrap_err();
    assert_eq!(again.kind, PluginErrorKind::Conflict);
    world.nothing_is_held().await;
}

#[tokio::test]
async fn a_device_has_one_volume() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let (one, other) = (world.volume(pool, MIB).await, world.volume(pool, MIB).await);
    let instance = instance(&world, true).await;
    let volumes = &world.orchestration.volumes;
    world.done(volumes.attach(&request(), one, instance, Some(1)).await).await;
    let taken = volumes.attach(&request(), other, instance, Some(1)).await.unwrap_err();
    assert_eq!(taken.kind, PluginErrorKind::InUse);
    attach(&world, other, instance).await;
    assert_eq!(world.see(other).await.device_id, Some(2));
    // A stopped instance has no access to anything.
    assert_eq!(world.provider.calls("grant_access"), 0);
}

#[tokio::test]
async fn an_attach_that_is_undone_revokes() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let path = world.see(volume).await.path.clone();
    let instance = instance(&world, false).await;
    world.provider.fail_late("grant_access", PluginError::internal("lost the answer"));
    let volumes = &world.orchestration.volumes;
    world.undone(volumes.attach(&request(), volume, instance, None).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.instance, seen.device_id), (VolumeState::Ready, None, None));
    assert_eq!(world.provider.access(&path), NOBODY);
    assert!(attachments(&world).await.is_empty());
}

#[tokio::test]
async fn a_detach_that_is_undone_grants_again() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let path = world.see(volume).await.path.clone();
    let instance = instance(&world, false).await;
    attach(&world, volume, instance).await;
    world.provider.fail_late("revoke_access", PluginError::internal("lost the answer"));
    let volumes = &world.orchestration.volumes;
    world.undone(volumes.detach(&request(), volume).await).await;
    assert_eq!(world.provider.access(&path), [world.host]);
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.instance), (VolumeState::Ready, Some(instance)));
    assert_eq!(attachments(&world).await.remove(0).host, Some(world.host));
}

#[tokio::test]
async fn a_destroyed_volume_comes_back_with_its_bytes() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let path = world.see(volume).await.path.clone();
    let volumes = &world.orchestration.volumes;
    world.done(volumes.destroy(&request(), volume).await).await;
    let seen = world.see(volume).await;
    assert_eq!(seen.state, VolumeState::Destroy);
    assert!(seen.destroyed_us.is_some() && world.provider.paths().contains(&path));
    world.done(volumes.recover(&request(), volume).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.destroyed_us), (VolumeState::Ready, None));
    let again = volumes.recover(&request(), volume).await.unwrap_err();
    assert_eq!(again.kind, PluginErrorKind::Conflict);
    // What has lost its bytes does not come back.
    world.done(volumes.destroy(&request(), volume).await).await;
    world.provider.memory.with(|all| all.clear());
    let refused = world.undone(volumes.recover(&request(), volume).await).await;
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    assert_eq!(world.see(volume).await.state, VolumeState::Destroy);
}

#[tokio::test]
async fn what_was_destroyed_is_expunged_when_its_time_is_over() {
    let policy = Policy { expunge_delay: Duration::from_hours(1), ..Policy::default() };
    let world = World::with_policy(policy).await;
    let pool = world.pool("a").await;
    let (early, late) = (world.volume(pool, MIB).await, world.volume(pool, MIB).await);
    let volumes = &world.orchestration.volumes;
    world.done(volumes.destroy(&request(), early).await).await;
    assert!(volumes.expunge_due(now_us()).await.unwrap().is_empty());
    let begun = volumes.expunge_due(now_us() + 3_600_000_000).await.unwrap();
    assert_eq!(begun.iter().map(|one| one.object).collect::<Vec<_>>(), [early]);
    world.rests(begun[0]).await;
    let seen = world.see(early).await;
    assert!(seen.removed_us.is_some() && seen.state == VolumeState::Expunged);
    assert_eq!(world.reserved(pool, early).await, None);
    assert_eq!(world.provider.paths(), [world.see(late).await.path.clone()]);
}

#[tokio::test]
async fn a_volume_that_cannot_be_expunged_stays_destroyed_with_the_reason() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let volumes = &world.orchestration.volumes;
    world.provider.fail("delete_async", 1, PluginError::in_use("a clone needs it"));
    world.undone(volumes.expunge(&request(), volume).await).await;
    let seen = world.see(volume).await;
    assert_eq!(seen.state, VolumeState::Destroy);
    assert!(seen.note.as_ref().unwrap().contains("a clone needs it"), "{:?}", seen.note);
    // It is left alone for a while.
    let delay = i64::try_from(Policy::default().expunge_delay.as_micros()).unwrap();
    assert!(volumes.expunge_due(now_us()).await.unwrap().is_empty());
    let begun = volumes.expunge_due(now_us() + delay).await.unwrap();
    assert_eq!(begun.len(), 1);
    assert_eq!(world.rests(begun[0]).await.phase, Phase::Done);
}

#[tokio::test]
async fn a_volume_is_renamed() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let volumes = &world.orchestration.volumes;
    world.done(volumes.rename(&request(), volume, "data".to_owned()).await).await;
    assert_eq!(world.see(volume).await.name, "data");
    let refused = volumes.rename(&request(), volume, " ".to_owned()).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InvalidArgument);
}

#[tokio::test]
async fn a_volume_moves_with_its_bytes_and_its_holes() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, 64 * MIB).await;
    let before = world.see(volume).await.path.clone();
    world.provider.put(&before, 7 * MIB, b"moved");
    let volumes = &world.orchestration.volumes;
    world.done(volumes.migrate(&request(), volume, b).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.pool), (VolumeState::Ready, Some(b)));
    assert_eq!(world.provider.paths(), std::slice::from_ref(&seen.path));
    assert!(seen.path.starts_with("b/"), "{}", seen.path);
    assert_eq!(world.provider.bytes(&seen.path, 7 * MIB, 5), b"moved");
    // Raised for the move, and restored.
    let limits = "handle_quality_of_service_for_volume_migration";
    assert_eq!(world.provider.calls(limits), 2);
    assert_eq!(world.provider.blocks(&seen.path), 1);
    assert_eq!(world.reserved(a, volume).await, None);
    assert_eq!(world.reserved(b, volume).await, Some(64 * MIB));
    world.nothing_is_held().await;
}

#[tokio::test]
async fn a_move_that_fails_leaves_the_source_and_nothing_else() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, MIB).await;
    let before = world.see(volume).await.path.clone();
    let volumes = &world.orchestration.volumes;
    for method in ["create_async", "open_reader", "open_writer"] {
        world.provider.fail(method, 1, PluginError::internal("no"));
        world.undone(volumes.migrate(&request(), volume, b).await).await;
        let seen = world.see(volume).await;
        assert_eq!((seen.state, seen.pool), (VolumeState::Ready, Some(a)), "{method}");
        assert_eq!(world.provider.paths(), std::slice::from_ref(&before), "{method}");
        assert_eq!(world.reserved(b, volume).await, None, "{method}");
        assert_eq!(world.reserved(a, volume).await, Some(MIB), "{method}");
    }
}

#[tokio::test]
async fn a_source_that_cannot_be_removed_is_tried_again_until_it_is() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, MIB).await;
    world.provider.fail("delete_async", 2, PluginError::internal("not now"));
    let volumes = &world.orchestration.volumes;
    world.done(volumes.migrate(&request(), volume, b).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.pool, world.provider.paths()), (Some(b), vec![seen.path.clone()]));
    assert_eq!(world.reserved(a, volume).await, None);
}

#[tokio::test]
async fn a_copy_that_broke_off_begins_anew() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, MIB).await;
    world.provider.put(&world.see(volume).await.path.clone(), 0, b"moved");
    world.provider.fail_late("open_writer", PluginError::unavailable("the link is down"));
    let volumes = &world.orchestration.volumes;
    world.done(volumes.migrate(&request(), volume, b).await).await;
    let seen = world.see(volume).await;
    assert_eq!((seen.pool, world.provider.calls("open_writer")), (Some(b), 2));
    assert_eq!(world.provider.bytes(&seen.path, 0, 5), b"moved");
}

#[tokio::test]
async fn a_move_that_is_cancelled_leaves_the_source_and_nothing_else() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, MIB).await;
    let before = world.see(volume).await.path.clone();
    world.provider.hang("open_writer");
    let volumes = &world.orchestration.volumes;
    let begun = volumes.migrate(&request(), volume, b).await.unwrap();
    world.provider.hangs().await;
    let jobs = &world.rooms().jobs;
    assert_eq!(jobs.progress(begun.operation).unwrap().total_bytes, Some(MIB));
    assert_eq!(world.see(volume).await.state, VolumeState::Migrating);
    let other = resize(&world, volume, 2 * MIB, false).await.unwrap_err();
    assert_eq!(other.kind, PluginErrorKind::Conflict);
    jobs.cancel(begun.operation).await.unwrap();
    let failure = world.undone(Ok(begun)).await;
    assert_eq!(failure.kind, PluginErrorKind::Cancelled);
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.pool), (VolumeState::Ready, Some(a)));
    assert_eq!(world.provider.paths(), std::slice::from_ref(&before));
    world.nothing_is_held().await;
}

#[tokio::test]
async fn a_driver_that_copies_by_itself_is_preferred() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, MIB).await;
    let before = world.see(volume).await.path.clone();
    world.provider.put(&before, 0, b"moved");
    world.provider.copies_itself();
    let volumes = &world.orchestration.volumes;
    world.done(volumes.migrate(&request(), volume, b).await).await;
    assert_eq!(world.provider.calls("copy_async"), 1);
    assert_eq!(world.provider.calls("open_reader"), 0);
    let path = world.see(volume).await.path.clone();
    assert_eq!(world.provider.bytes(&path, 0, 5), b"moved");
}

#[tokio::test]
async fn only_detached_volumes_without_dependent_snapshots_move() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, MIB).await;
    let volumes = &world.orchestration.volumes;
    let there = volumes.migrate(&request(), volume, a).await.unwrap_err();
    assert_eq!(there.kind, PluginErrorKind::InvalidArgument);
    let snapshot = world.orchestration.snapshots.create(&request(), volume, None).await;
    world.done(snapshot).await;
    world.provider.can(|can| can.snapshots_outlive_volume = false);
    let refused = volumes.migrate(&request(), volume, b).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    let other = world.volume(a, MIB).await;
    let instance = instance(&world, true).await;
    attach(&world, other, instance).await;
    let refused = volumes.migrate(&request(), other, b).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    world.provider.can(|can| can.write = false);
    let third = world.volume(a, MIB).await;
    let refused = volumes.migrate(&request(), third, b).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Unsupported);
}

#[tokio::test]
async fn a_copy_begins_on_another_pool_or_where_the_driver_makes_no_clones() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, MIB).await;
    world.provider.put(&world.see(volume).await.path.clone(), 5, b"cloned");
    let snapshots = &world.orchestration.snapshots;
    let snapshot = world.done(snapshots.create(&request(), volume, None).await).await.object;
    let copy = async |source, pool, size: Option<u64>| {
        let wish = CreateVolume {
            source: Some(source),
            pool,
            size_bytes: size,
            ..CreateVolume::default()
        };
        let begun = world.orchestration.volumes.create(&request(), wish).await;
        let copy = world.see(world.done(begun).await.object).await;
        assert_eq!(world.provider.bytes(&copy.path, 5, 6), b"cloned");
        copy
    };
    let clone = copy(VolumeSource::Volume(volume), None, None).await;
    assert_eq!((clone.pool, world.provider.calls("open_writer")), (Some(a), 0));
    let there = copy(VolumeSource::Snapshot(snapshot), Some(b), Some(2 * MIB)).await;
    assert_eq!((there.pool, there.size_bytes), (Some(b), 2 * MIB));
    assert_eq!(world.provider.calls("open_writer"), 1);
    assert_eq!(there.snapshot, Some(snapshot));
    world.provider.can(|can| can.can_create_volume_from_volume = false);
    let here = copy(VolumeSource::Volume(volume), None, None).await;
    assert_eq!((here.pool, world.provider.calls("open_writer")), (Some(a), 2));
    world.nothing_is_held().await;
    // A volume that is written at this moment cannot be read over some time.
    let instance = instance(&world, false).await;
    attach(&world, volume, instance).await;
    let source = Some(VolumeSource::Volume(volume));
    let wish = CreateVolume { source, pool: Some(b), ..CreateVolume::default() };
    let refused = world.orchestration.volumes.create(&request(), wish).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
}

#[tokio::test]
async fn what_has_no_owner_is_listed_and_imported() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let ours = world.volume(pool, MIB).await;
    world.provider.foreign("a/theirs", 3 * MIB);
    let volumes = &world.orchestration.volumes;
    let paths = async || -> Vec<String> {
        let listed = volumes.list_for_import(pool, None).await.unwrap();
        listed.into_iter().map(|object| object.path).collect()
    };
    assert_eq!(paths().await, ["a/theirs"]);
    assert!(volumes.list_for_import(pool, Some("a/other")).await.unwrap().is_empty());
    let wish = ImportVolume {
        pool,
        path: "a/theirs".to_owned(),
        name: Some("adopted".to_owned()),
        disk_offering: None,
    };
    let imported = world.done(volumes.import(&request(), wish.clone()).await).await.object;
    let seen = world.see(imported).await;
    assert_eq!((seen.state, seen.size_bytes), (VolumeState::Ready, 3 * MIB));
    assert_eq!((seen.name.as_str(), seen.path.as_str()), ("adopted", "a/theirs"));
    assert_eq!(world.reserved(pool, imported).await, Some(3 * MIB));
    assert!(paths().await.is_empty());
    let twice = world.undone(volumes.import(&request(), wish.clone()).await).await;
    assert_eq!(twice.kind, PluginErrorKind::AlreadyExists);
    let missing = ImportVolume { path: "a/nothing".to_owned(), ..wish };
    let missing = world.undone(volumes.import(&request(), missing).await).await;
    assert_eq!(missing.kind, PluginErrorKind::NotFound);
    assert_eq!(world.provider.paths().len(), 2);
    world.done(volumes.expunge(&request(), ours).await).await;
    assert_eq!(world.provider.paths(), ["a/theirs"]);
}

#[tokio::test]
async fn a_released_volume_keeps_its_bytes_and_can_be_taken_back() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let path = world.see(volume).await.path.clone();
    world.provider.put(&path, 0, b"theirs");
    let volumes = &world.orchestration.volumes;
    world.done(volumes.unmanage(&request(), volume).await).await;
    let seen = world.see(volume).await;
    assert!(seen.released && seen.removed_us.is_some());
    assert_eq!(world.reserved(pool, volume).await, None);
    assert_eq!(world.provider.bytes(&path, 0, 6), b"theirs");
    assert_eq!(world.provider.calls("delete_async"), 0);
    let listed = volumes.list_for_import(pool, None).await.unwrap();
    assert_eq!(listed[0].path, path);
    let wish = ImportVolume { pool, path: path.clone(), name: None, disk_offering: None };
    let back = world.done(volumes.import(&request(), wish).await).await.object;
    assert_ne!(back, volume);
    assert_eq!(world.see(back).await.path, path);
}
