//! A shared back end: what another installation made is not ours to see or to delete.

use super::super::failure::{Checked, Doing, equal, refused};
use super::super::scene::{Named, Scene, without_path};
use crate::{CreateRequest, PluginErrorKind};
use std::sync::Arc;

/// How a place that is one store's alone says so to another.
const TAKEN: [PluginErrorKind; 3] =
    [PluginErrorKind::AlreadyExists, PluginErrorKind::Conflict, PluginErrorKind::InUse];

pub(in super::super) async fn other_installations_are_left_alone(scene: Arc<Scene>) -> Checked {
    let neighbour = scene.guest();
    // A back end may insist that one place is added once: then the neighbour is shut out, or does
    // without.
    if neighbour.add().await.is_err() && is_shut_out(&neighbour).await {
        return stays_outside(&scene, &neighbour).await;
    }
    meet(&scene, &neighbour).await?;
    // Its objects are not in the ledger of the store under test.
    for object in neighbour.ledger() {
        neighbour.delete(&object).await?;
    }
    let removed = neighbour.delete_data_store(&neighbour.store()).await;
    removed.doing("removing the store of another installation")?;
    let ours = scene.whole().await.doing("after our neighbour has left")?;
    scene.delete(&ours).await
}

/// Whether a store that could not be added cannot be used either.
async fn is_shut_out(neighbour: &Scene) -> bool {
    let object = neighbour.new_object(neighbour.usual_size());
    let answer = neighbour.create_async(CreateRequest::new(object.clone())).await;
    let is_refused = answer.is_err_and(|error| TAKEN.contains(&error.kind()));
    if !is_refused {
        // It was made: it is removed with what the neighbour makes besides.
        neighbour.track(&object);
    }
    is_refused
}

/// A neighbour that is let in nowhere harms nothing: neither an object, nor the store.
async fn stays_outside(scene: &Scene, neighbour: &Scene) -> Checked {
    let ours = scene.whole().await?;
    let answer = neighbour.delete_async(without_path(&ours)).await;
    let what = format!("deleting {} as another installation", Named(&ours));
    refused(answer, &TAKEN, what)?;
    let removed = neighbour.delete_data_store(&neighbour.store()).await;
    removed.doing("removing the store of another installation, which could not be added")?;
    scene.expect_present(&ours).await.doing("after another installation came to its place")?;
    scene.delete(&ours).await
}

async fn meet(scene: &Scene, neighbour: &Scene) -> Checked {
    let theirs = neighbour.whole().await.doing("as another installation")?;
    let bare = without_path(&theirs);
    scene.expect_absent(&bare, "asked for by the uuid of another installation's object").await?;
    let answer = scene.delete_async(bare).await;
    answer.doing("deleting by the uuid of another installation's object")?;
    let kept = neighbour.expect_present(&theirs).await;
    kept.doing(format_args!("after we deleted by its uuid; {}", Named(&theirs)))?;
    if !scene.can.list_objects {
        return Ok(());
    }
    let listed = scene.list_all(0).await?;
    let found = listed.iter().find(|one| one.path == theirs.path());
    // Listed or not; but never as ours.
    if let Some(found) = found {
        let installation = neighbour.store().installation_id.clone();
        let what = "the installation id of another installation's object in our listing";
        equal(what, Some(installation), found.installation_id.clone())?;
    }
    Ok(())
}
