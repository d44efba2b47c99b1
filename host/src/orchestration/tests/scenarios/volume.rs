//! What can be done with one volume on its pool.

use super::{MIB, as_before, blank, count, create, volume};
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, World, request};
use crate::orchestration::volume::{ImportVolume, ResizeVolume};
use uuid::Uuid;

/// Where an object lies that nobody owns.
const FOREIGN: &str = "a/foreign.raw";

fn resize<'a>(life: &'a Life, volume: Uuid, size_bytes: u64) -> Begun<'a> {
    let wish = ResizeVolume { size_bytes: Some(size_bytes), disk_offering: None, shrink_ok: true };
    Box::pin(async move { life.orchestration.volumes.resize(&request(), volume, wish).await })
}

/// A pool and a volume on it that was destroyed.
fn destroyed(world: &World, life: &Life) -> Vec<Uuid> {
    let ids = volume(world, life);
    let volumes = &life.orchestration.volumes;
    life.done(life.run(volumes.destroy(&request(), ids[1])).unwrap());
    ids
}

fn has_size(picture: &Picture, volume: Uuid, size_bytes: u64) -> bool {
    let record = picture.record("volume", volume).unwrap();
    let (described, _) = &picture.objects[record["path"].as_str().unwrap()];
    record["size_bytes"] == size_bytes && *described == size_bytes
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "volume.create",
            way: "blank",
            prepare: |_, life| vec![life.pool("a")],
            begin: |life, ids| Box::pin(create(life, blank(ids[0], MIB))),
            is_done: |picture, _| count(picture, "volume") == 1,
            undone: as_before,
        },
        Scenario {
            flow: "volume.resize",
            way: "grow",
            prepare: volume,
            begin: |life, ids| resize(life, ids[1], 2 * MIB),
            is_done: |picture, ids| has_size(picture, ids[1], 2 * MIB),
            undone: as_before,
        },
        Scenario {
            flow: "volume.resize",
            way: "shrink",
            prepare: volume,
            begin: |life, ids| resize(life, ids[1], MIB - 4096),
            is_done: |picture, ids| has_size(picture, ids[1], MIB - 4096),
            undone: as_before,
        },
        Scenario {
            flow: "volume.update",
            way: "rename",
            prepare: volume,
            begin: |life, ids| {
                let name = "other".to_owned();
                Box::pin(async move {
                    life.orchestration.volumes.rename(&request(), ids[1], name).await
                })
            },
            is_done: |picture, ids| picture.word("volume", ids[1], "name") == "other",
            undone: as_before,
        },
        Scenario {
            flow: "volume.destroy",
            way: "ready",
            prepare: volume,
            begin: |life, ids| {
                Box::pin(
                    async move { life.orchestration.volumes.destroy(&request(), ids[1]).await },
                )
            },
            is_done: |picture, ids| picture.word("volume", ids[1], "state") == "Destroy",
            undone: as_before,
        },
        Scenario {
            flow: "volume.recover",
            way: "destroyed",
            prepare: destroyed,
            begin: |life, ids| {
                Box::pin(
                    async move { life.orchestration.volumes.recover(&request(), ids[1]).await },
                )
            },
            is_done: |picture, ids| picture.word("volume", ids[1], "state") == "Ready",
            undone: as_before,
        },
        Scenario {
            flow: "volume.expunge",
            way: "ready",
            prepare: volume,
            begin: |life, ids| {
                Box::pin(
                    async move { life.orchestration.volumes.expunge(&request(), ids[1]).await },
                )
            },
            is_done: |picture, ids| picture.record("volume", ids[1]).is_none(),
            undone: |picture, _, ids| picture.set("volume", ids[1], "state", "Destroy"),
        },
        Scenario {
            flow: "volume.unmanage",
            way: "ready",
            prepare: volume,
            begin: |life, ids| {
                Box::pin(
                    async move { life.orchestration.volumes.unmanage(&request(), ids[1]).await },
                )
            },
            is_done: |picture, _| count(picture, "volume") == 0 && picture.objects.len() == 1,
            undone: as_before,
        },
        Scenario {
            flow: "volume.import",
            way: "foreign",
            prepare: |world, life| {
                let pool = life.pool("a");
                world.memory.with(|objects| {
                    let object = objects.entry(FOREIGN.to_owned()).or_default();
                    (object.size, object.complete) = (MIB, true);
                    object.put(5, b"of somebody else");
                });
                vec![pool]
            },
            begin: |life, ids| {
                let wish = ImportVolume {
                    pool: ids[0],
                    path: FOREIGN.to_owned(),
                    name: None,
                    disk_offering: None,
                };
                Box::pin(async move { life.orchestration.volumes.import(&request(), wish).await })
            },
            is_done: |picture, _| count(picture, "volume") == 1 && picture.objects.len() == 1,
            undone: as_before,
        },
    ]
}
