//! Listings: how the host finds what nobody owns.

use super::super::failure::{Checked, Doing, Failure, ensure, equal};
use super::super::scene::{Named, Scene};
use super::added::paths;
use crate::{DataObject, ListedObject};
use std::sync::Arc;

pub(in super::super) async fn listing_shows_what_is_there(scene: Arc<Scene>) -> Checked {
    let object = scene.whole().await?;
    let listed = scene.list_all(0).await?;
    let found = find(&listed, &object)?.ok_or_else(|| {
        Failure::new(format!(
            "listing the store: expected {} among {} objects, got none with its path or uuid",
            Named(&object),
            listed.len()
        ))
    })?;
    equal("the path in the listing", object.path(), &found.path)?;
    equal("the uuid in the listing", Some(object.uuid()), found.uuid)?;
    let installation = scene.store().installation_id.clone();
    equal("the installation id in the listing", Some(installation), found.installation_id.clone())?;
    if let Some(size) = found.size_bytes {
        equal("the size in the listing", object.size_bytes(), size)?;
    }
    if let Some(object_type) = found.object_type {
        equal("the kind in the listing", object.object_type(), object_type)?;
    }
    scene.delete(&object).await?;
    let listed = scene.list_all(0).await?;
    ensure(find(&listed, &object)?.is_none(), || {
        format!("listing the store: expected {} to be gone, got it listed", Named(&object))
    })
}

/// The entry of an object.
fn find<'a>(listed: &'a [ListedObject], object: &DataObject) -> Checked<Option<&'a ListedObject>> {
    let is_it = |one: &&ListedObject| one.uuid == Some(object.uuid()) || one.path == object.path();
    let found: Vec<_> = listed.iter().filter(is_it).collect();
    ensure(found.len() <= 1, || {
        format!("listing the store: expected {} once, got it {} times", Named(object), found.len())
    })?;
    Ok(found.first().copied())
}

pub(in super::super) async fn listing_pages_are_complete(scene: Arc<Scene>) -> Checked {
    let mut objects = Vec::new();
    for _ in 0..5 {
        objects.push(scene.whole().await?);
    }
    for limit in [0, 2, 1000] {
        check_listing(&scene, &objects, limit).await.doing(format_args!("with limit {limit}"))?;
    }
    let whole = scene.list_all(0).await?;
    let pages = scene.list_all(2).await?;
    equal("the paths of all pages", paths(&whole), paths(&pages))?;
    for object in &objects {
        scene.delete(object).await?;
    }
    Ok(())
}

async fn check_listing(scene: &Scene, objects: &[DataObject], limit: u32) -> Checked {
    let listed = scene.list_all(limit).await?;
    for pair in listed.windows(2) {
        ensure(pair[0].path < pair[1].path, || {
            format!(
                "listing: expected the order of paths, none twice, got {:?} before {:?}",
                pair[0].path, pair[1].path
            )
        })?;
    }
    for object in objects {
        ensure(find(&listed, object)?.is_some(), || {
            format!("listing: expected {}, got {} others", Named(object), listed.len())
        })?;
    }
    Ok(())
}
