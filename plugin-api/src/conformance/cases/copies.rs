//! Copies by the driver's own means.

use super::super::failure::{Checked, Doing, ensure, equal, refused};
use super::super::scene::{Named, Scene, set_path};
use crate::{CopyRequest, DataObject, DataStore, DataStoreRole, PluginErrorKind, StoredObject};
use std::sync::Arc;

fn on(store: &DataStore, object: &DataObject) -> StoredObject {
    StoredObject::new(store.clone(), object.clone())
}

/// From the store to itself. What the driver says no to it must refuse.
pub(in super::super) async fn own_copy_has_the_same_bytes(scene: Arc<Scene>) -> Checked {
    let (source, pattern) = if scene.moves_bytes() {
        let (object, pattern) = scene.filled().await?;
        (object, Some(pattern))
    } else {
        (scene.whole().await?, None)
    };
    let mut copy = scene.new_object(source.size_bytes());
    scene.track(&copy);
    let store = scene.store();
    let request = CopyRequest::new(on(&store, &source), on(&store, &copy));
    let offered = scene.can_copy(request.clone()).await;
    if !offered.doing("asking whether the driver copies on its own store")? {
        return refused_copy(&scene, request).await;
    }
    let result = scene.copy_async(request.clone()).await;
    let result = result.doing(format_args!("copying {}", Named(&source)))?;
    let again = scene.copy_async(request).await;
    let again = again.doing(format_args!("copying {} again", Named(&source)))?;
    equal("the path when copied again", &result.path, &again.path)?;
    set_path(&mut copy, result.path);
    scene.track(&copy);
    ensure(copy.path() != source.path(), || {
        format!("the path of a copy: expected one of its own, got {:?}", copy.path())
    })?;
    scene.expect_present(&copy).await?;
    if let Some(pattern) = pattern {
        scene.expect_bytes(&copy, &pattern).await.doing("reading the copy")?;
    }
    scene.delete(&source).await?;
    scene.expect_present(&copy).await.doing("after its source was deleted")?;
    scene.delete(&copy).await
}

async fn refused_copy(scene: &Scene, request: CopyRequest) -> Checked {
    let copy = request.destination.object.clone();
    let answer = scene.copy_async(request).await;
    let what = "copying although can_copy said no";
    refused(answer, &[PluginErrorKind::Unsupported], what)?;
    scene.expect_absent(&copy, "after its copy was refused").await
}

/// From a store that no driver can know.
pub(in super::super) async fn copy_needs_can_copy(scene: Arc<Scene>) -> Checked {
    let mut nowhere = DataStore::new(scene.stage.uuid(), DataStoreRole::Unknown);
    nowhere.url = "conformance://nowhere".to_owned();
    let mut source = scene.new_object(scene.usual_size());
    set_path(&mut source, "nowhere".to_owned());
    let copy = scene.new_object(scene.usual_size());
    scene.track(&copy);
    let request = CopyRequest::new(on(&nowhere, &source), on(&scene.store(), &copy));
    let offered = scene.can_copy(request.clone()).await;
    let offered = offered.doing("asking for a copy from a store that nobody knows")?;
    equal("whether a copy from a store that nobody knows is offered", false, offered)?;
    refused_copy(&scene, request).await
}
