//! What is left of objects that should be gone.

use super::{as_before, volume};
use crate::model::Failure;
use crate::orchestration::Started;
use crate::orchestration::tests::scenario::Scenario;
use crate::orchestration::tests::world::{Life, World, request};
use uuid::Uuid;

/// A pool, and on it the bytes of a volume that was expunged, as a call leaves them that takes
/// effect after it was given up.
fn leftover(world: &World, life: &Life) -> Vec<Uuid> {
    let ids = volume(world, life);
    let objects = world.memory.with(|objects| objects.clone());
    let expunged = life.run(life.orchestration.volumes.expunge(&request(), ids[1]));
    life.done(expunged.unwrap());
    world.memory.with(|now| *now = objects);
    ids
}

/// Purges a store, and gives the operation that ended or could not begin.
pub(super) async fn purge(life: &Life, pool: Uuid) -> Result<Started, Failure> {
    let purged = life.orchestration.reconcile.purge(&request(), Some(pool), false).await?;
    let Some(purged) = purged.into_iter().next() else {
        return Err(Failure::not_found("nothing is left over"));
    };
    match (purged.operation, purged.orphan.object, purged.failure) {
        (Some(operation), Some(object), _) => Ok(Started { operation, object }),
        (_, _, failure) => Err(failure.unwrap()),
    }
}

/// A pool, and on it an object of ours that the store never knew; its id.
fn stranger(world: &World, life: &Life) -> Vec<Uuid> {
    let (ids, unknown) = (volume(world, life), Uuid::new_v4());
    world.memory.with(|objects| {
        let known = objects.iter().find(|(path, _)| path.contains(&ids[1].to_string()));
        let (path, object) = known.map(|(path, object)| (path.clone(), object.clone())).unwrap();
        objects.insert(path.replace(&ids[1].to_string(), &unknown.to_string()), object);
    });
    vec![ids[0], unknown]
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "orphan.adopt",
            way: "a volume",
            prepare: stranger,
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.reconcile.adopt(&request(), ids[0], ids[1]).await
                })
            },
            is_done: |picture, ids| picture.record("volume", ids[1]).is_some(),
            undone: as_before,
        },
        Scenario {
            flow: "orphan.purge",
            way: "a volume",
            prepare: leftover,
            begin: |life, ids| Box::pin(purge(life, ids[0])),
            is_done: |picture, _| picture.objects.is_empty(),
            undone: as_before,
        },
    ]
}
