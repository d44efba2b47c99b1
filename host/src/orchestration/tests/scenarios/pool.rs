//! What can be done with storage pools.

use super::template::with_cached;
use super::{as_before, count, volume};
use crate::model::StoragePool;
use crate::orchestration::storage_pool::UpdateStoragePool;
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::Scenario;
use crate::orchestration::tests::world::{Life, World, request};
use crate::store::Change;
use uuid::Uuid;

const POOL: &str = "storage_pool";
const IN_STORE: &str = "object_in_store";

/// A pool in maintenance, and a destroyed volume on it.
fn maintained(world: &World, life: &Life) -> Vec<Uuid> {
    let ids = volume(world, life);
    life.done(life.run(life.orchestration.volumes.destroy(&request(), ids[1])).unwrap());
    let pools = &life.orchestration.storage_pools;
    life.done(life.run(pools.enable_maintenance(&request(), ids[0])).unwrap());
    ids
}

/// A pool in quarantine.
fn quarantined(_: &World, life: &Life) -> Vec<Uuid> {
    let pool = life.pool("a");
    let mut stored = life.run(life.orchestration.storage_pools.find(pool)).unwrap();
    stored.quarantine = Some("a twin".to_owned());
    life.run(life.repository().transact(vec![Change::update::<StoragePool>(&stored)])).unwrap();
    vec![pool]
}

/// A way into maintenance, or out of it, that was undone ends here.
fn in_error(picture: &mut Picture, _: &Picture, ids: &[Uuid]) {
    picture.set(POOL, ids[0], "state", "ErrorInMaintenance");
}

/// Bytes that are gone do not come back.
fn without_expunged(picture: &mut Picture, after: &Picture, ids: &[Uuid]) {
    if after.record("volume", ids[1]).is_none() {
        let path = picture.word("volume", ids[1], "path").to_owned();
        picture.objects.remove(&path);
        picture.promises.remove(&(ids[0], ids[1]));
        picture.records.remove(&format!("volume {}", ids[1]));
    }
}

/// A template that is cached no more is brought anew.
fn without_cached(picture: &mut Picture, after: &Picture, ids: &[Uuid]) {
    let cached: Vec<_> = picture.all(IN_STORE).map(|(uuid, _)| uuid).collect();
    for uuid in cached.into_iter().filter(|uuid| after.record(IN_STORE, *uuid).is_none()) {
        let path = picture.word(IN_STORE, uuid, "path").to_owned();
        picture.objects.remove(&path);
        picture.promises.remove(&(ids[0], uuid));
        picture.records.remove(&format!("{IN_STORE} {uuid}"));
        picture.claims.retain(|claim| *claim != format!("copy:{}:{}", ids[0], ids[3]));
    }
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "pool.create",
            way: "of a zone",
            prepare: |_, _| Vec::new(),
            begin: |life, _| Box::pin(life.create_pool("a")),
            is_done: |picture, _| count(picture, POOL) == 1,
            undone: as_before,
        },
        Scenario {
            flow: "pool.update",
            way: "name, limit, disabled",
            prepare: |_, life| vec![life.pool("a")],
            begin: |life, ids| {
                let wish = UpdateStoragePool {
                    name: Some("other".to_owned()),
                    capacity_bytes: Some(1 << 30),
                    enabled: Some(false),
                    ..UpdateStoragePool::default()
                };
                Box::pin(async move {
                    life.orchestration.storage_pools.update(&request(), ids[0], wish).await
                })
            },
            is_done: |picture, ids| {
                picture.word(POOL, ids[0], "state") == "Disabled"
                    && picture.word(POOL, ids[0], "name") == "other"
            },
            undone: as_before,
        },
        Scenario {
            flow: "pool.maintain",
            way: "with a volume",
            prepare: volume,
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.storage_pools.enable_maintenance(&request(), ids[0]).await
                })
            },
            is_done: |picture, ids| {
                picture.word(POOL, ids[0], "state") == "Maintenance"
                    && picture.host_pools.is_empty()
            },
            undone: in_error,
        },
        Scenario {
            flow: "pool.cancel_maintenance",
            way: "from maintenance",
            prepare: maintained,
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.storage_pools.cancel_maintenance(&request(), ids[0]).await
                })
            },
            is_done: |picture, ids| {
                picture.word(POOL, ids[0], "state") == "Up" && picture.host_pools.len() == 1
            },
            undone: in_error,
        },
        Scenario {
            flow: "pool.release",
            way: "without a takeover",
            prepare: quarantined,
            begin: |life, ids| {
                Box::pin(async move {
                    let pools = &life.orchestration.storage_pools;
                    pools.release_quarantine(&request(), ids[0], false).await
                })
            },
            is_done: |picture, ids| picture.record(POOL, ids[0]).unwrap()["quarantine"].is_null(),
            undone: as_before,
        },
        Scenario {
            flow: "pool.delete",
            way: "with a cached template",
            prepare: |world, life| {
                let ids = with_cached(world, life);
                life.done(
                    life.run(life.orchestration.volumes.expunge(&request(), ids[1])).unwrap(),
                );
                let pools = &life.orchestration.storage_pools;
                life.done(life.run(pools.enable_maintenance(&request(), ids[0])).unwrap());
                ids
            },
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.storage_pools.delete(&request(), ids[0], false).await
                })
            },
            is_done: |picture, _| count(picture, POOL) == 0 && count(picture, IN_STORE) == 1,
            undone: without_cached,
        },
        Scenario {
            flow: "pool.delete",
            way: "forced, with a destroyed volume",
            prepare: maintained,
            begin: |life, ids| {
                Box::pin(async move {
                    life.orchestration.storage_pools.delete(&request(), ids[0], true).await
                })
            },
            is_done: |picture, _| count(picture, POOL) == 0 && count(picture, "volume") == 0,
            undone: without_expunged,
        },
    ]
}
