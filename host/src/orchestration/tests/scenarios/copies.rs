//! Bytes that move: volumes of snapshots and volumes, on the pool and onto another one.

use super::{as_before, blank, create, snapshot_of, volume, with_bytes_of, write};
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, World, request};
use crate::orchestration::volume::{CreateVolume, VolumeSource};
use uuid::Uuid;

/// A pool, a volume on it, and another pool.
fn two_pools(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = volume(world, life);
    ids.push(life.pool("b"));
    ids
}

/// The same, and a snapshot of the volume, which has other bytes by now.
fn with_snapshot(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = two_pools(world, life);
    ids.push(snapshot_of(life, ids[1]));
    write(world, life, ids[1], b"other bytes!");
    ids
}

fn create_from<'a>(life: &'a Life, source: VolumeSource, pool: Uuid) -> Begun<'a> {
    let wish = CreateVolume { source: Some(source), size_bytes: None, ..blank(pool, 0) };
    Box::pin(create(life, wish))
}

/// So many volumes have the bytes of one, and one of them is on a pool.
fn are_copies(picture: &Picture, of: Uuid, copies: usize, pool: Uuid) -> bool {
    let mut here = picture.all("volume").filter(|(_, one)| one["pool"] == pool.to_string());
    with_bytes_of(picture, "volume", of) == copies && here.next().is_some()
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "volume.create",
            way: "from a snapshot",
            prepare: with_snapshot,
            begin: |life, ids| create_from(life, VolumeSource::Snapshot(ids[3]), ids[0]),
            is_done: |picture, ids| with_bytes_of(picture, "snapshot", ids[3]) == 1,
            undone: as_before,
        },
        Scenario {
            flow: "volume.create",
            way: "from a snapshot, onto another pool",
            prepare: with_snapshot,
            begin: |life, ids| create_from(life, VolumeSource::Snapshot(ids[3]), ids[2]),
            is_done: |picture, ids| with_bytes_of(picture, "snapshot", ids[3]) == 1,
            undone: as_before,
        },
        Scenario {
            flow: "volume.create",
            way: "clone",
            prepare: two_pools,
            begin: |life, ids| create_from(life, VolumeSource::Volume(ids[1]), ids[0]),
            is_done: |picture, ids| with_bytes_of(picture, "volume", ids[1]) == 2,
            undone: as_before,
        },
        Scenario {
            flow: "volume.create",
            way: "clone onto another pool",
            prepare: two_pools,
            begin: |life, ids| create_from(life, VolumeSource::Volume(ids[1]), ids[2]),
            is_done: |picture, ids| are_copies(picture, ids[1], 2, ids[2]),
            undone: as_before,
        },
        Scenario {
            flow: "volume.migrate",
            way: "by host stream",
            prepare: |world, life| {
                let mut ids = two_pools(world, life);
                ids.push(snapshot_of(life, ids[1]));
                ids
            },
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.volumes.migrate(&request(), ids[1], ids[2]).await
                })
            },
            is_done: |picture, ids| {
                // A snapshot outlives the volume on its pool, and tells which bytes they are.
                are_copies(picture, ids[1], 1, ids[2])
                    && with_bytes_of(picture, "snapshot", ids[3]) == 1
            },
            undone: as_before,
        },
    ]
}
