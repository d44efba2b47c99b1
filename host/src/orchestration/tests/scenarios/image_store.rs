//! What can be done with image stores and image caches.

use super::template::{but_there, is_on, make, on, volume_of, with_template};
use super::{as_before, count, first_zone, volume, with_bytes_of};
use crate::model::Failure;
use crate::orchestration::image_store::{AddImageStore, Why};
use crate::orchestration::template::{Destination, TemplateSource};
use crate::orchestration::tests::picture::Picture;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, World, image_store, request};
use crate::store::Change;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

const STORE: &str = "image_store";

fn add(life: &Life, of_region: bool, role: DataStoreRole) -> Begun<'_> {
    Box::pin(async move {
        let zone = if of_region { None } else { Some(first_zone(life).await?) };
        let wish = AddImageStore { role, ..image_store("i", zone) };
        life.orchestration.image_stores.add(&request(), wish).await
    })
}

/// A pool, a volume, an image store with a template of the volume, the template, an image cache.
fn with_cache(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = with_template(world, life);
    ids.push(life.done(life.run(add_cache(life)).unwrap()));
    ids
}

/// The same, and the cache has the template.
fn filled(world: &World, life: &Life) -> Vec<Uuid> {
    let ids = with_cache(world, life);
    life.done(life.run(fill(life, &ids)).unwrap());
    ids
}

fn add_cache(life: &Life) -> Begun<'_> {
    Box::pin(async move {
        let role = DataStoreRole::ImageCache;
        let wish = AddImageStore { role, ..image_store("c", Some(first_zone(life).await?)) };
        life.orchestration.image_stores.add(&request(), wish).await
    })
}

fn fill<'a>(life: &'a Life, ids: &'a [Uuid]) -> Begun<'a> {
    let rooms = life.orchestration.rooms();
    Box::pin(async move { rooms.begin_bring(&request(), ids[3], Destination::Cache(ids[4])).await })
}

fn evict<'a>(life: &'a Life, ids: &'a [Uuid]) -> Begun<'a> {
    let rooms = life.orchestration.rooms();
    Box::pin(async move {
        let gone = || Failure::not_found("it is gone");
        let place = rooms.in_store(ids[3], ids[4]).await?.ok_or_else(gone)?;
        rooms.begin_evict(&request(), place.uuid, Why::Asked).await
    })
}

/// A pool, a volume, an image store of the region with a template of the volume, the template, an
/// image cache of the zone.
fn afar(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = volume(world, life);
    let stores = &life.orchestration.image_stores;
    ids.push(life.done(life.run(stores.add(&request(), image_store("i", None))).unwrap()));
    ids.push(life.done(life.run(make(life, TemplateSource::Volume(ids[1]))).unwrap()));
    ids.push(life.done(life.run(add_cache(life)).unwrap()));
    ids
}

/// What was brought to the cache and to the pool stays there.
fn but_staged(picture: &mut Picture, after: &Picture, ids: &[Uuid]) {
    but_there(picture, after, ids, ids[0]);
    but_there(picture, after, ids, ids[4]);
}

fn caches() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "template.copy",
            way: "to an image cache",
            prepare: with_cache,
            begin: fill,
            is_done: |picture, ids| is_on(picture, ids[4], ("volume", ids[1])),
            undone: as_before,
        },
        Scenario {
            flow: "image_cache.evict",
            way: "because it is asked for",
            prepare: filled,
            begin: evict,
            is_done: |picture, ids| {
                on(picture, ids[4]).next().is_none() && is_on(picture, ids[2], ("volume", ids[1]))
            },
            undone: as_before,
        },
        Scenario {
            flow: "volume.create",
            way: "from a template that comes through an image cache",
            prepare: afar,
            begin: volume_of,
            is_done: |picture, ids| with_bytes_of(picture, "volume", ids[1]) == 2,
            undone: but_staged,
        },
    ]
}

pub(super) fn all() -> Vec<Scenario> {
    [caches(), stores()].concat()
}

fn stores() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "image_store.add",
            way: "of a zone",
            prepare: |_, _| Vec::new(),
            begin: |life, _| add(life, false, DataStoreRole::Image),
            is_done: |picture, _| count(picture, STORE) == 1,
            undone: as_before,
        },
        Scenario {
            flow: "image_store.add",
            way: "an image cache of the region",
            prepare: |_, _| Vec::new(),
            begin: |life, _| add(life, true, DataStoreRole::ImageCache),
            is_done: |picture, _| count(picture, STORE) == 1,
            undone: as_before,
        },
        Scenario {
            flow: "image_store.release",
            way: "without a takeover",
            prepare: |_, life| {
                let store = life.image_store("i", life.zone());
                let mut stored = life.run(life.orchestration.image_stores.find(store)).unwrap();
                stored.quarantine = Some("a twin was here".to_owned());
                life.run(life.repository().transact(vec![Change::update(&stored)])).unwrap();
                vec![store]
            },
            begin: |life, ids| {
                let stores = &life.orchestration.image_stores;
                Box::pin(async move { stores.release_quarantine(&request(), ids[0], false).await })
            },
            is_done: |picture, ids| picture.record(STORE, ids[0]).unwrap()["quarantine"].is_null(),
            undone: as_before,
        },
        Scenario {
            flow: "image_store.delete",
            way: "an empty one",
            prepare: |_, life| vec![life.image_store("i", life.zone())],
            begin: |life, ids| {
                Box::pin(
                    async move { life.orchestration.image_stores.delete(&request(), ids[0]).await },
                )
            },
            is_done: |picture, _| {
                count(picture, STORE) == 0
                    && !picture.claims.iter().any(|claim| claim.starts_with("back-end:"))
            },
            undone: as_before,
        },
    ]
}
