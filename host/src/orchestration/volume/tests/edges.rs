//! What comes between, and what only half succeeds.

use super::{attach, instance, resize};
use crate::model::{DiskOffering, RecordKind, VolumeState};
use crate::orchestration::testing::{MIB, World, request};
use crate::orchestration::volume::{CreateVolume, ImportVolume, ResizeVolume, VolumeSource};
use crate::store::{Change, Filter};
use std::sync::atomic::{AtomicBool, Ordering};
use storage_plugin_api::{ImageFormat, PluginError, PluginErrorKind};
use uuid::Uuid;

#[tokio::test]
async fn a_volume_that_came_back_since_it_was_listed_is_not_expunged() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let volumes = &world.orchestration.volumes;
    world.done(volumes.destroy(&request(), volume).await).await;
    let listed = world.see(volume).await;
    world.done(volumes.recover(&request(), volume).await).await;
    let refused = volumes.expunge_as_read(&request(), listed).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    assert_eq!(world.see(volume).await.state, VolumeState::Ready);
    assert_eq!(world.provider.calls("delete_async"), 0);
}

#[tokio::test]
async fn a_volume_that_was_attached_since_it_was_read_is_not_destroyed() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let read = world.see(volume).await;
    let instance = instance(&world, true).await;
    attach(&world, volume, instance).await;
    let volumes = &world.orchestration.volumes;
    let refused = volumes.destroy_as_read(&request(), &read).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    assert_eq!(world.see(volume).await.state, VolumeState::Ready);
}

#[tokio::test]
async fn a_pool_that_does_not_answer_or_is_too_small_is_passed_over() {
    let world = World::new().await;
    world.pool("a").await;
    world.pool("b").await;
    let create = async || {
        let wish = CreateVolume {
            zone: Some(world.zone),
            size_bytes: Some(MIB),
            ..CreateVolume::default()
        };
        world.orchestration.volumes.create(&request(), wish).await
    };
    world.provider.fail("get_capabilities", 1, PluginError::unavailable("no route"));
    world.done(create().await).await;
    let first = AtomicBool::new(true);
    world.provider.can(move |can| {
        if first.swap(false, Ordering::Relaxed) {
            can.limits.max_size_bytes = 1;
        }
    });
    world.done(create().await).await;
    // Where nobody takes it, the reason is that of a pool.
    world.provider.can(|can| can.limits.max_size_bytes = 1);
    let refused = create().await.unwrap_err();
    assert!(refused.message.contains("at most 1"), "{refused}");
}

#[tokio::test]
async fn what_has_an_owner_is_not_imported() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let path = world.see(volume).await.path.clone();
    let snapshots = &world.orchestration.snapshots;
    let snapshot = world.done(snapshots.create(&request(), volume, None).await).await.object;
    let snapshot = snapshots.find(snapshot).await.unwrap().path.clone();
    let volumes = &world.orchestration.volumes;
    let import = async |path: &str| {
        let wish = ImportVolume { pool, path: path.to_owned(), name: None, disk_offering: None };
        world.undone(volumes.import(&request(), wish).await).await
    };
    assert_eq!(import(&snapshot).await.kind, PluginErrorKind::AlreadyExists);
    // By another name for the same place it would have two.
    let refused = import(&format!("./{path}")).await;
    assert!(refused.message.contains("import it by that path"), "{refused}");
    // An object of ours that the store has forgotten is adopted, not imported.
    let forget = vec![Change::Forget(RecordKind::Volume, volume)];
    world.rooms().repository.transact(forget).await.unwrap();
    assert!(volumes.list_for_import(pool, None).await.unwrap().is_empty());
    let refused = import(&path).await;
    assert_eq!(refused.kind, PluginErrorKind::AlreadyExists);
    assert!(refused.message.contains("orphans adopt"), "{refused}");
}

#[tokio::test]
async fn a_driver_that_cannot_say_whether_it_copies_has_not_said_no() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let volume = world.volume(a, MIB).await;
    let volumes = &world.orchestration.volumes;
    world.provider.copies_itself();
    world.provider.fail("can_copy", 1, PluginError::unavailable("no route"));
    let refused = volumes.migrate(&request(), volume, b).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Unavailable);
    world.provider.fail("can_copy", 4, PluginError::unsupported("what is that?"));
    world.done(volumes.migrate(&request(), volume, b).await).await;
    assert_eq!(world.provider.calls("copy_async"), 0);
}

#[tokio::test]
async fn moved_bytes_keep_their_format_and_go_where_it_is_stored() {
    let world = World::new().await;
    let (a, b) = (world.pool("a").await, world.pool("b").await);
    let source = world.volume(a, MIB).await;
    let mut record = world.see(source).await;
    record.format = ImageFormat::Qcow2;
    world.rooms().repository.transact(vec![Change::update(&record)]).await.unwrap();
    let create = async || {
        let source = Some(VolumeSource::Volume(source));
        let wish = CreateVolume { source, pool: Some(b), ..CreateVolume::default() };
        world.orchestration.volumes.create(&request(), wish).await
    };
    world.provider.can(|can| can.formats = vec![ImageFormat::Raw]);
    assert_eq!(create().await.unwrap_err().kind, PluginErrorKind::Unsupported);
    world.provider.can(|can| can.formats = vec![ImageFormat::Raw, ImageFormat::Qcow2]);
    let copy = world.done(create().await).await.object;
    assert_eq!(world.see(copy).await.format, ImageFormat::Qcow2);
}

async fn other_offering(world: &World) -> Uuid {
    let mut offering = world
        .orchestration
        .zones
        .list::<DiskOffering>(&Filter { name: Some("Custom".to_owned()), ..Filter::default() })
        .await
        .unwrap()
        .remove(0);
    offering.quality_of_service.max_iops = Some(500);
    world.rooms().repository.transact(vec![Change::update(&offering)]).await.unwrap();
    offering.uuid
}

#[tokio::test]
async fn qualities_that_took_effect_are_set_back() {
    let world = World::new().await;
    let pool = world.pool("a").await;
    let volume = world.volume(pool, MIB).await;
    let offering = other_offering(&world).await;
    let before = world.see(volume).await.quality_of_service;
    world.provider.can(|can| can.quality_of_service = true);
    let volumes = &world.orchestration.volumes;
    let wish = || ResizeVolume { disk_offering: Some(offering), ..ResizeVolume::default() };
    world.provider.fail("describe", 1, PluginError::internal("lost the answer"));
    world.undone(volumes.resize(&request(), volume, wish()).await).await;
    let set = world.provider.qualities();
    assert_eq!((set.len(), set[0].max_iops, set[1]), (2, Some(500), before));
    let seen = world.see(volume).await;
    assert_eq!((seen.state, seen.note.as_ref()), (VolumeState::Ready, None));
    // A driver that does not take them back holds nothing up, and what is true is told.
    world.provider.fail("update_quality_of_service", 2, PluginError::internal("no"));
    world.undone(volumes.resize(&request(), volume, wish()).await).await;
    let note = world.see(volume).await.record.note.unwrap();
    assert!(note.contains("cannot be set back"), "{note}");
    // What has no other qualities is not asked.
    let asked = world.provider.calls("update_quality_of_service");
    world.provider.fail("resize", 1, PluginError::capacity_exceeded("full"));
    world.undone(resize(&world, volume, 2 * MIB, false).await).await;
    assert_eq!(world.provider.calls("update_quality_of_service"), asked);
}
