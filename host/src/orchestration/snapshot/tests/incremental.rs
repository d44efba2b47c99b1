//! Backups that begin with the one before.

use super::{see, take};
use crate::model::{ObjectInStore, Stored};
use crate::orchestration::testing::{MIB, World, request};
use crate::orchestration::volume::{CreateVolume, VolumeSource};
use storage_plugin_api::{PluginError, PluginErrorKind};
use uuid::Uuid;

const BLOCK: u64 = 64 << 10;

/// A pool, an image store, and a volume with bytes whose first snapshot is backed up.
async fn backed_up(world: &World) -> (Uuid, Uuid) {
    let pool = world.pool("a").await;
    world.image_store("images").await;
    let volume = world.volume(pool, 4 * MIB).await;
    write(world, volume, 0, b"first").await;
    write(world, volume, 2 * MIB, b"middle").await;
    let first = take(world, volume).await;
    back_up(world, first).await;
    (volume, first)
}

async fn write(world: &World, volume: Uuid, offset: u64, bytes: &[u8]) {
    world.provider.put(&world.see(volume).await.path.clone(), offset, bytes);
}

async fn back_up(world: &World, snapshot: Uuid) -> Stored<ObjectInStore> {
    let snapshots = &world.orchestration.snapshots;
    world.done(snapshots.back_up(&request(), snapshot, false).await).await;
    place(world, snapshot).await
}

async fn place(world: &World, snapshot: Uuid) -> Stored<ObjectInStore> {
    world.orchestration.snapshots.places(snapshot).await.unwrap().remove(0)
}

/// Checks that a backup has the bytes of its snapshot.
async fn expect_same(world: &World, snapshot: Uuid) {
    let one = place(world, snapshot).await;
    let on_pool = see(world, snapshot).await.path.clone();
    for offset in (0..4 * MIB).step_by(BLOCK as usize) {
        let bytes = |path: &str| world.provider.bytes(path, offset, BLOCK as usize);
        assert!(bytes(&one.path) == bytes(&on_pool), "the bytes from {offset} on");
    }
}

#[tokio::test]
async fn the_second_backup_moves_what_changed_and_stands_alone() {
    let world = World::new().await;
    let (volume, first) = backed_up(&world).await;
    assert_eq!(place(&world, first).await.moved_bytes, None);
    write(&world, volume, 3 * MIB, b"new").await;
    write(&world, volume, 2 * MIB, &[0; 6]).await;
    let second = take(&world, volume).await;
    let one = back_up(&world, second).await;
    assert_eq!(one.moved_bytes, Some(2 * BLOCK));
    assert!(one.digest.is_some() && one.length_bytes == 4 * MIB);
    expect_same(&world, second).await;
    // The third begins with the second, and nothing changed.
    let third = take(&world, volume).await;
    assert_eq!(back_up(&world, third).await.moved_bytes, Some(0));
    expect_same(&world, third).await;
    // In any order they go, and what is left is whole.
    let snapshots = &world.orchestration.snapshots;
    for gone in [first, second] {
        world.done(snapshots.delete(&request(), gone).await).await;
    }
    expect_same(&world, third).await;
    world.done(snapshots.back_up(&request(), third, true).await).await;
    let source = Some(VolumeSource::Snapshot(third));
    let wish = CreateVolume { source, ..CreateVolume::default() };
    let restored = world.done(world.orchestration.volumes.create(&request(), wish).await).await;
    let path = world.see(restored.object).await.path.clone();
    assert_eq!(world.provider.bytes(&path, 0, 5), b"first");
    assert_eq!(world.provider.bytes(&path, 3 * MIB, 3), b"new");
    world.nothing_is_held().await;
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_snapshot_are_not_believed() {
    let world = World::new().await;
    let (volume, first) = backed_up(&world).await;
    // As if the first backup had rotted, or the driver had named too little.
    world.provider.put(&place(&world, first).await.path.clone(), MIB, b"rot");
    write(&world, volume, 3 * MIB, b"new").await;
    let second = take(&world, volume).await;
    assert_eq!(back_up(&world, second).await.moved_bytes, None);
    expect_same(&world, second).await;
}

#[tokio::test]
async fn where_it_cannot_be_done_all_bytes_are_moved() {
    let world = World::new().await;
    let (volume, first) = backed_up(&world).await;
    let again = async |expected: Option<u64>| {
        let next = take(&world, volume).await;
        assert_eq!(back_up(&world, next).await.moved_bytes, expected);
        expect_same(&world, next).await;
        world.done(world.orchestration.snapshots.delete(&request(), next).await).await;
    };
    again(Some(0)).await;
    world.provider.fail("extents", 1, PluginError::unsupported("not of this one"));
    again(None).await;
    world.provider.fail("extents", 1, PluginError::not_found("it was forgotten"));
    again(None).await;
    world.provider.can(|can| can.changed_extents = false);
    again(None).await;
    world.provider.can(|can| can.write_over = false);
    again(None).await;
    world.provider.can(|_| ());
    // The pool has no bytes to compare with.
    world.done(world.orchestration.snapshots.back_up(&request(), first, true).await).await;
    again(None).await;
}

#[tokio::test]
async fn a_backup_stays_while_another_begins_with_it() {
    let world = World::new().await;
    let (volume, first) = backed_up(&world).await;
    let second = take(&world, volume).await;
    world.provider.hang("extents");
    let snapshots = &world.orchestration.snapshots;
    snapshots.back_up(&request(), second, false).await.unwrap();
    world.provider.hangs().await;
    let refused = snapshots.delete(&request(), first).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
}

#[tokio::test]
async fn a_store_that_does_not_answer_holds_up_no_backup_that_another_takes() {
    let world = World::new().await;
    let (volume, first) = backed_up(&world).await;
    let silent = place(&world, first).await.store;
    let other = world.image_store("others").await;
    world.provider.silence(silent);
    let second = take(&world, volume).await;
    let one = back_up(&world, second).await;
    assert_eq!((one.store, one.moved_bytes), (other, None));
    expect_same(&world, second).await;
}
