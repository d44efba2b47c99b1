//! What can be done with snapshots.

use super::{as_before, count, snapshot_of, volume, write};
use crate::orchestration::tests::scenario::Scenario;
use crate::orchestration::tests::world::{Life, World, request};
use uuid::Uuid;

/// A pool, a volume, and a chain of snapshots; the bytes of the volume changed after each.
fn chain(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = volume(world, life);
    for bytes in [b"one bytes", b"two bytes", b"3rd bytes"] {
        ids.push(snapshot_of(life, ids[1]));
        write(world, life, ids[1], bytes);
    }
    ids
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "snapshot.create",
            way: "the second",
            prepare: |world, life| {
                let mut ids = volume(world, life);
                ids.push(snapshot_of(life, ids[1]));
                ids
            },
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.snapshots.create(&request(), ids[1], None).await
                })
            },
            is_done: |picture, ids| {
                let mut newest = picture.all("snapshot").filter(|(uuid, _)| *uuid != ids[2]);
                newest.next().is_some_and(|(uuid, one)| {
                    one["parent"] == ids[2].to_string()
                        && picture.bytes("snapshot", uuid) == picture.bytes("volume", ids[1])
                })
            },
            undone: as_before,
        },
        Scenario {
            flow: "snapshot.delete",
            way: "of the middle of a chain",
            prepare: chain,
            begin: |life, ids| {
                Box::pin(
                    async move { life.orchestration.snapshots.delete(&request(), ids[3]).await },
                )
            },
            is_done: |picture, ids| {
                count(picture, "snapshot") == 2
                    && picture.word("snapshot", ids[4], "parent") == ids[2].to_string()
            },
            undone: as_before,
        },
        Scenario {
            flow: "snapshot.revert",
            way: "to the first of a chain",
            prepare: chain,
            begin: |life, ids| {
                Box::pin(
                    async move { life.orchestration.snapshots.revert(&request(), ids[2]).await },
                )
            },
            is_done: |picture, ids| {
                picture.bytes("volume", ids[1]) == picture.bytes("snapshot", ids[2])
            },
            undone: as_before,
        },
    ]
}
