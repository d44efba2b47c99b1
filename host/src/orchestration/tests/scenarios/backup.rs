//! What can be done with snapshots on image stores.

use super::template::{is_on, on};
use super::{as_before, blank, count, create, other_zone, snapshot_of, volume, write};
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, World, request};
use crate::orchestration::volume::{CreateVolume, VolumeSource};
use uuid::Uuid;

/// A pool, a volume with bytes on it, an image store, and a snapshot of the volume.
fn with_snapshot(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = volume(world, life);
    ids.push(life.image_store("i", life.zone()));
    ids.push(snapshot_of(life, ids[1]));
    ids
}

/// The same; the snapshot is on the image store only.
fn archived(world: &World, life: &Life) -> Vec<Uuid> {
    let ids = with_snapshot(world, life);
    life.done(life.run(back_up(life, &ids, true)).unwrap());
    ids
}

/// The same, with another zone and its image store.
fn with_other_zone(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_snapshot(world, life);
    life.done(life.run(back_up(life, &ids, false)).unwrap());
    ids.extend(other_zone(life));
    ids
}

/// The same; that snapshot is on both, and a newer one on the pool.
fn with_older_backup(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_snapshot(world, life);
    life.done(life.run(back_up(life, &ids, false)).unwrap());
    write(world, life, ids[1], b"newer bytes");
    ids.push(snapshot_of(life, ids[1]));
    ids
}

pub(super) fn back_up<'a>(life: &'a Life, ids: &'a [Uuid], archive: bool) -> Begun<'a> {
    let snapshots = &life.orchestration.snapshots;
    Box::pin(async move { snapshots.back_up(&request(), ids[3], archive).await })
}

fn is_ready(picture: &Picture, store: Uuid) -> bool {
    on(picture, store).any(|(_, state)| state == "Ready")
}

fn is_on_its_pool(picture: &Picture, snapshot: Uuid) -> bool {
    picture.record("snapshot", snapshot).is_some_and(|one| one["on_primary"] == true)
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "snapshot.backup",
            way: "and it stays on its pool",
            prepare: with_snapshot,
            begin: |life, ids| back_up(life, ids, false),
            is_done: |picture, ids| {
                is_on(picture, ids[2], ("snapshot", ids[3])) && is_on_its_pool(picture, ids[3])
            },
            undone: as_before,
        },
        Scenario {
            flow: "snapshot.backup",
            way: "and it leaves its pool",
            prepare: with_snapshot,
            begin: |life, ids| back_up(life, ids, true),
            is_done: |picture, ids| is_ready(picture, ids[2]) && !is_on_its_pool(picture, ids[3]),
            undone: as_before,
        },
        Scenario {
            flow: "snapshot.backup",
            way: "of what changed since the one before",
            prepare: with_older_backup,
            begin: |life, ids| {
                let snapshots = &life.orchestration.snapshots;
                Box::pin(async move { snapshots.back_up(&request(), ids[4], false).await })
            },
            is_done: |picture, ids| {
                let mut places = picture.all("object_in_store");
                places.any(|(_, one)| {
                    one["object"] == ids[4].to_string()
                        && one["state"] == "Ready"
                        && picture.objects.get(one["path"].as_str().unwrap_or_default())
                            == picture.objects.get(picture.word("snapshot", ids[4], "path"))
                })
            },
            undone: as_before,
        },
        Scenario {
            flow: "snapshot.copy",
            way: "to another zone",
            prepare: with_other_zone,
            begin: |life, ids| {
                let snapshots = &life.orchestration.snapshots;
                Box::pin(async move { snapshots.copy(&request(), ids[3], ids[4]).await })
            },
            is_done: |picture, ids| is_on(picture, ids[5], ("snapshot", ids[3])),
            undone: as_before,
        },
        Scenario {
            flow: "snapshot.delete",
            way: "of an archived one",
            prepare: archived,
            begin: |life, ids| {
                let snapshots = &life.orchestration.snapshots;
                Box::pin(async move { snapshots.delete(&request(), ids[3]).await })
            },
            is_done: |picture, ids| count(picture, "snapshot") == 0 && !is_ready(picture, ids[2]),
            undone: as_before,
        },
        Scenario {
            flow: "volume.create",
            way: "from an archived snapshot",
            prepare: archived,
            begin: |life, ids| {
                let source = Some(VolumeSource::Snapshot(ids[3]));
                let wish = CreateVolume { source, size_bytes: None, ..blank(ids[0], 0) };
                Box::pin(create(life, wish))
            },
            is_done: |picture, ids| {
                let expected = picture.bytes("volume", ids[1]);
                let mut others = picture.all("volume").filter(|(uuid, _)| *uuid != ids[1]);
                others.any(|(uuid, _)| picture.bytes("volume", uuid) == expected)
            },
            undone: as_before,
        },
    ]
}
