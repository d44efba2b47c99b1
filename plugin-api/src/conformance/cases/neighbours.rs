//! A shared back end: what another installation made is not ours to see or to delete.

use super::super::failure::{Checked, Doing, equal};
use super::super::scene::{Named, Scene, without_path};
use std::sync::Arc;

pub(in super::super) async fn other_installations_are_left_alone(scene: Arc<Scene>) -> Checked {
    let neighbour = scene.guest();
    // A back end may insist that one place is added once: then the neighbour does without.
    neighbour.add().await.ok();
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
