//! What can be done with image stores and image caches.

use super::{as_before, count, first_zone};
use crate::orchestration::image_store::AddImageStore;
use crate::orchestration::tests::scenario::{Begun, Scenario};
use crate::orchestration::tests::world::{Life, image_store, request};
use storage_plugin_api::DataStoreRole;

const STORE: &str = "image_store";

fn add(life: &Life, of_region: bool, role: DataStoreRole) -> Begun<'_> {
    Box::pin(async move {
        let zone = if of_region { None } else { Some(first_zone(life).await?) };
        let wish = AddImageStore { role, ..image_store("i", zone) };
        life.orchestration.image_stores.add(&request(), wish).await
    })
}

pub(super) fn all() -> Vec<Scenario> {
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
