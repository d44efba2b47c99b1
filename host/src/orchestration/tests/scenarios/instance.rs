//! What can be done with instances that have volumes.

use super::{as_before, attach, count, deploy, volume, volume_on};
use crate::orchestration::instance::DeployInstance;
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, World, request};
use crate::store::Filter;
use uuid::Uuid;

/// An instance with two volumes: pool, volume, instance, volume.
fn with_volumes(world: &World, life: &Life, stopped: bool) -> Vec<Uuid> {
    let mut ids = volume(world, life);
    ids.extend([deploy(life, stopped), volume_on(world, life, ids[0])]);
    attach(life, ids[1], ids[2]);
    attach(life, ids[3], ids[2]);
    ids
}

fn running(world: &World, life: &Life) -> Vec<Uuid> {
    with_volumes(world, life, false)
}

fn stopped(world: &World, life: &Life) -> Vec<Uuid> {
    with_volumes(world, life, true)
}

fn destroy<'a>(life: &'a Life, instance: Uuid, expunge: bool) -> Begun<'a> {
    Box::pin(
        async move { life.orchestration.instances.destroy(&request(), instance, expunge).await },
    )
}

fn state<'a>(picture: &'a Picture, ids: &[Uuid]) -> &'a str {
    picture.word("instance", ids[2], "state")
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "vm.create",
            way: "running",
            prepare: |_, _| Vec::new(),
            begin: |life, _| {
                Box::pin(async move {
                    let repository = life.repository();
                    let zones = repository.list::<crate::model::Zone>(&Filter::default()).await?;
                    let wish = DeployInstance { zone: zones[0].uuid, ..Default::default() };
                    life.orchestration.instances.deploy(&request(), wish).await
                })
            },
            is_done: |picture, _| count(picture, "instance") == 1,
            undone: as_before,
        },
        Scenario {
            flow: "vm.start",
            way: "with two volumes",
            prepare: stopped,
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.instances.start(&request(), ids[2], None).await
                })
            },
            is_done: |picture, ids| state(picture, ids) == "Running",
            // The host it was to run on is where it is tried first the next time.
            undone: |picture, after, ids| {
                let host = after.word("instance", ids[2], "host").to_owned();
                picture.set("instance", ids[2], "host", &host);
            },
        },
        Scenario {
            flow: "vm.stop",
            way: "with two volumes",
            prepare: running,
            begin: |life, ids| {
                Box::pin(async move { life.orchestration.instances.stop(&request(), ids[2]).await })
            },
            is_done: |picture, ids| state(picture, ids) == "Stopped",
            undone: as_before,
        },
        Scenario {
            flow: "vm.destroy",
            way: "running",
            prepare: running,
            begin: |life, ids| destroy(life, ids[2], false),
            is_done: |picture, ids| state(picture, ids) == "Destroyed",
            undone: as_before,
        },
        Scenario {
            flow: "vm.destroy",
            way: "stopped, and expunged",
            prepare: stopped,
            begin: |life, ids| destroy(life, ids[2], true),
            is_done: |picture, _| count(picture, "instance") == 0,
            undone: as_before,
        },
    ]
}
