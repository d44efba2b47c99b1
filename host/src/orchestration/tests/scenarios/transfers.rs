//! Bytes that come in several pieces, so that a transfer breaks off between them.

use super::backup::back_up;
use super::template::{begin_on_pool, is_on, make, with_image_of};
use super::{as_before, blank, create, other_zone, snapshot_of};
use crate::orchestration::template::TemplateSource;
use crate::orchestration::tests::scenario::Scenario;
use crate::orchestration::tests::world::{Life, World, request};
use crate::orchestration::volume::{CreateVolume, VolumeSource};
use uuid::Uuid;

const MIB: usize = 1 << 20;

/// Four mebibytes, as many as have a token each; of no two blocks of 64 KiB the same.
pub(in crate::orchestration::tests) fn content() -> Vec<u8> {
    (0..4 * MIB).map(|at| (at ^ (at >> 16)) as u8 | 1).collect()
}

/// A pool, a volume of several pieces, an image store, and a snapshot of the volume.
fn with_snapshot(world: &World, life: &Life) -> Vec<Uuid> {
    with_snapshot_of(world, life, &[(0, &content())])
}

/// The same in few pieces, of which all but the first come after the first token.
fn with_sparse_snapshot(world: &World, life: &Life) -> Vec<Uuid> {
    with_snapshot_of(world, life, &[(0, b"first"), (2 * MIB as u64, b"after a token")])
}

fn with_snapshot_of(world: &World, life: &Life, pieces: &[(u64, &[u8])]) -> Vec<Uuid> {
    let pool = life.pool("a");
    let volume = life.done(life.run(create(life, blank(pool, 4 * MIB as u64))).unwrap());
    let path = life.run(life.orchestration.volumes.find(volume)).unwrap().record.path;
    let written = world.memory.with_object(&path, |object| {
        pieces.iter().for_each(|(offset, bytes)| object.put(*offset, bytes));
        Ok(())
    });
    written.unwrap();
    vec![pool, volume, life.image_store("i", life.zone()), snapshot_of(life, volume)]
}

/// The same, and another pool.
fn with_other_pool(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_snapshot(world, life);
    ids.push(life.pool("b"));
    ids
}

/// The same as the first, backed up, and another zone with an image store.
fn with_other_zone(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_snapshot(world, life);
    life.done(life.run(back_up(life, &ids, false)).unwrap());
    ids.extend(other_zone(life));
    ids
}

/// A pool, its volume, an image store, and a template that was made of the volume.
fn with_template(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_snapshot(world, life);
    ids[3] = life.done(life.run(make(life, TemplateSource::Volume(ids[1]))).unwrap());
    ids
}

/// The one that suffers every accident.
pub(super) fn backup() -> Scenario {
    Scenario {
        flow: "snapshot.backup",
        way: "in several pieces",
        prepare: with_sparse_snapshot,
        begin: |life, ids| back_up(life, ids, false),
        is_done: |picture, ids| is_on(picture, ids[2], ("snapshot", ids[3])),
        undone: as_before,
    }
}

/// Those whose source is read from where they go on.
pub(in crate::orchestration::tests) fn copies() -> Vec<Scenario> {
    let is_done = |_: &_, _: &_| true;
    vec![
        Scenario { prepare: with_snapshot, ..backup() },
        Scenario {
            flow: "snapshot.copy",
            way: "to another zone",
            prepare: with_other_zone,
            begin: |life, ids| {
                let snapshots = &life.orchestration.snapshots;
                Box::pin(async move { snapshots.copy(&request(), ids[3], ids[4]).await })
            },
            is_done,
            undone: as_before,
        },
        Scenario {
            flow: "template.copy",
            way: "made of a volume",
            prepare: with_snapshot,
            begin: |life, ids| Box::pin(make(life, TemplateSource::Volume(ids[1]))),
            is_done,
            undone: as_before,
        },
        Scenario {
            flow: "template.copy",
            way: "onto a pool",
            prepare: with_template,
            begin: begin_on_pool,
            is_done,
            undone: as_before,
        },
        Scenario {
            flow: "volume.create",
            way: "from a snapshot, onto another pool",
            prepare: with_other_pool,
            begin: |life, ids| {
                let source = Some(VolumeSource::Snapshot(ids[3]));
                let wish = CreateVolume { source, size_bytes: None, ..blank(ids[4], 0) };
                Box::pin(create(life, wish))
            },
            is_done,
            undone: as_before,
        },
        Scenario {
            flow: "volume.migrate",
            way: "by host stream",
            prepare: with_other_pool,
            begin: |life, ids| {
                let volumes = &life.orchestration.volumes;
                Box::pin(async move { volumes.migrate(&request(), ids[1], ids[4]).await })
            },
            is_done,
            undone: as_before,
        },
    ]
}

/// The one whose source is converted once more from its beginning.
pub(in crate::orchestration::tests) fn conversion() -> Scenario {
    Scenario {
        flow: "template.copy",
        way: "onto a pool, of an image that is not raw",
        prepare: |world, life| with_image_of(world, life, &content()),
        begin: begin_on_pool,
        is_done: |_, _| true,
        undone: as_before,
    }
}
