//! Volumes come to instances, and leave them.

use super::{as_before, attach, deploy, volume};
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, World, request};
use uuid::Uuid;

/// A pool, a volume, and an instance.
fn with_instance(world: &World, life: &Life, stopped: bool) -> Vec<Uuid> {
    let mut ids = volume(world, life);
    ids.push(deploy(life, stopped));
    ids
}

/// The same, and the volume is attached to it.
fn attached(world: &World, life: &Life, stopped: bool) -> Vec<Uuid> {
    let ids = with_instance(world, life, stopped);
    attach(life, ids[1], ids[2]);
    ids
}

fn begin_to_attach<'a>(life: &'a Life, ids: &'a [Uuid]) -> Begun<'a> {
    Box::pin(
        async move { life.orchestration.volumes.attach(&request(), ids[1], ids[2], None).await },
    )
}

fn begin_to_detach<'a>(life: &'a Life, ids: &'a [Uuid]) -> Begun<'a> {
    Box::pin(async move { life.orchestration.volumes.detach(&request(), ids[1]).await })
}

fn is_attached(picture: &Picture, ids: &[Uuid]) -> bool {
    picture.word("volume", ids[1], "instance") == ids[2].to_string()
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "volume.attach",
            way: "to a running instance",
            prepare: |world, life| with_instance(world, life, false),
            begin: begin_to_attach,
            is_done: is_attached,
            undone: as_before,
        },
        Scenario {
            flow: "volume.attach",
            way: "to a stopped instance",
            prepare: |world, life| with_instance(world, life, true),
            begin: begin_to_attach,
            is_done: is_attached,
            undone: as_before,
        },
        Scenario {
            flow: "volume.detach",
            way: "from a running instance",
            prepare: |world, life| attached(world, life, false),
            begin: begin_to_detach,
            is_done: |picture, ids| !is_attached(picture, ids),
            undone: as_before,
        },
        Scenario {
            flow: "volume.detach",
            way: "from a stopped instance",
            prepare: |world, life| attached(world, life, true),
            begin: begin_to_detach,
            is_done: |picture, ids| !is_attached(picture, ids),
            undone: as_before,
        },
    ]
}
