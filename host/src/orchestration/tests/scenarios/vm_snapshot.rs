//! What can be done with instance snapshots, by the host's own strategy and by a provider's.

use super::{as_before, attach, count, deploy, volume, volume_on, write};
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, World, request};
use crate::orchestration::vm_snapshot::CreateVmSnapshot;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// A pool, and an instance that is stopped with a volume there and one on a second pool: pool,
/// volume, instance, volume.
pub(in crate::orchestration::tests) fn two_volumes(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = volume(world, life);
    let other = life.pool("b");
    ids.extend([deploy(life, true), volume_on(world, life, other)]);
    attach(life, ids[1], ids[2]);
    attach(life, ids[3], ids[2]);
    ids
}

fn create<'a>(life: &'a Life, instance: Uuid) -> Begun<'a> {
    Box::pin(async move {
        let wish = CreateVmSnapshot { instance, ..CreateVmSnapshot::default() };
        life.orchestration.vm_snapshots.create(&request(), wish).await
    })
}

/// As above, and a chain of instance snapshots (4, 5, 6); the bytes of both volumes changed after
/// each.
fn chain(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = two_volumes(world, life);
    for bytes in [b"one bytes", b"two bytes", b"3rd bytes"] {
        ids.push(life.done(life.run(create(life, ids[2])).unwrap()));
        write(world, life, ids[1], bytes);
        write(world, life, ids[3], &bytes[1..]);
    }
    ids
}

/// The same; the provider takes them.
fn chain_by_provider(world: &World, life: &Life) -> Vec<Uuid> {
    world.takes_groups.store(true, Ordering::Relaxed);
    chain(world, life)
}

fn delete_the_middle<'a>(life: &'a Life, ids: &'a [Uuid]) -> Begun<'a> {
    Box::pin(async { life.orchestration.vm_snapshots.delete(&request(), ids[5]).await })
}

fn revert_to_the_first<'a>(life: &'a Life, ids: &'a [Uuid]) -> Begun<'a> {
    Box::pin(async { life.orchestration.vm_snapshots.revert(&request(), ids[4]).await })
}

/// The members of an instance snapshot with the bytes that their volumes have now.
fn members_like_volumes(picture: &Picture, group: Uuid) -> usize {
    let members = picture.all("snapshot").filter(|(uuid, member)| {
        let volume: Uuid = member["volume"]["uuid"].as_str().unwrap().parse().unwrap();
        member["vm_snapshot"] == group.to_string()
            && picture.bytes("snapshot", *uuid) == picture.bytes("volume", volume)
    });
    members.count()
}

fn is_taken(picture: &Picture, ids: &[Uuid], strategy: Option<&str>) -> bool {
    let newest = picture.all("vm_snapshot").find(|(uuid, _)| !ids.contains(uuid));
    newest.is_some_and(|(uuid, one)| {
        one["current"] == true
            && one["parent"] == ids[6].to_string()
            && one["strategy"].as_str() == strategy
            && members_like_volumes(picture, uuid) == 2
    })
}

fn is_deleted(picture: &Picture, ids: &[Uuid]) -> bool {
    count(picture, "vm_snapshot") == 2
        && count(picture, "snapshot") == 4
        && picture.word("vm_snapshot", ids[6], "parent") == ids[4].to_string()
}

fn is_reverted(picture: &Picture, ids: &[Uuid]) -> bool {
    members_like_volumes(picture, ids[4]) == 2
        && picture.record("vm_snapshot", ids[4]).is_some_and(|one| one["current"] == true)
}

/// What a failed attempt has removed does not come back: the rest can be deleted only.
fn error_without_the_gone(picture: &mut Picture, after: &Picture, ids: &[Uuid]) {
    picture.set("vm_snapshot", ids[5], "state", "Error");
    assert_eq!(after.word("vm_snapshot", ids[5], "state"), "Error");
    let members: Vec<Uuid> = picture
        .all("snapshot")
        .filter(|(_, one)| one["vm_snapshot"] == ids[5].to_string())
        .map(|(uuid, _)| uuid)
        .collect();
    for member in members {
        if after.record("snapshot", member).is_none() {
            let (parent, path) = ["parent", "path"]
                .map(|field| picture.word("snapshot", member, field).to_owned())
                .into();
            let children: Vec<Uuid> = picture
                .all("snapshot")
                .filter(|(_, one)| one["parent"] == member.to_string())
                .map(|(uuid, _)| uuid)
                .collect();
            for child in children {
                picture.set("snapshot", child, "parent", &parent);
            }
            picture.records.remove(&format!("snapshot {member}"));
            picture.objects.remove(&path);
        }
    }
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "vmsnapshot.create",
            way: "by the host",
            prepare: chain,
            begin: |life, ids| create(life, ids[2]),
            is_done: |picture, ids| is_taken(picture, ids, None),
            undone: as_before,
        },
        Scenario {
            flow: "vmsnapshot.create",
            way: "by the provider",
            prepare: chain_by_provider,
            begin: |life, ids| create(life, ids[2]),
            is_done: |picture, ids| is_taken(picture, ids, Some("In Memory")),
            undone: as_before,
        },
        Scenario {
            flow: "vmsnapshot.delete",
            way: "of the middle of a chain, by the host",
            prepare: chain,
            begin: delete_the_middle,
            is_done: is_deleted,
            undone: error_without_the_gone,
        },
        Scenario {
            flow: "vmsnapshot.delete",
            way: "of the middle of a chain, by the provider",
            prepare: chain_by_provider,
            begin: delete_the_middle,
            is_done: is_deleted,
            undone: error_without_the_gone,
        },
        Scenario {
            flow: "vmsnapshot.revertto",
            way: "the first of a chain, by the host",
            prepare: chain,
            begin: revert_to_the_first,
            is_done: is_reverted,
            undone: as_before,
        },
        Scenario {
            flow: "vmsnapshot.revertto",
            way: "the first of a chain, by the provider",
            prepare: chain_by_provider,
            begin: revert_to_the_first,
            is_done: is_reverted,
            undone: as_before,
        },
    ]
}
