//! Objects come, are described, and go.

use super::super::failure::{Checked, Doing, ensure, equal};
use super::super::scene::{Named, Scene, without_path};
use crate::{CreateRequest, CreateSource, DataObject, DataStoreTo, ObjectDescription};
use std::sync::Arc;
use uuid::Uuid;

pub(in super::super) async fn create_describe_delete(scene: Arc<Scene>) -> Checked {
    let wanted = scene.usual_size();
    let object = scene.whole().await?;
    let description = scene.expect_present(&object).await?;
    check_description(&object, &description, wanted)?;
    let by_uuid = without_path(&object);
    let found = scene.expect_present(&by_uuid).await.doing("by its uuid alone")?;
    check_description(&object, &found, wanted).doing("by its uuid alone")?;
    equal("the generation when nothing happened", description.generation, found.generation)?;
    scene.delete(&object).await?;
    scene.expect_absent(&by_uuid, "by its uuid, after it was deleted").await
}

fn check_description(object: &DataObject, got: &ObjectDescription, wanted: u64) -> Checked {
    ensure(got.size_bytes >= wanted, || {
        format!(
            "the size of {}: expected at least {wanted} bytes, got {}",
            Named(object),
            got.size_bytes
        )
    })?;
    equal("the size that create answered and describe tells", object.size_bytes(), got.size_bytes)?;
    if got.path.is_empty() {
        return Ok(());
    }
    equal("the path that create answered and describe tells", object.path(), &got.path)
}

pub(in super::super) async fn create_twice_is_once(scene: Arc<Scene>) -> Checked {
    let (object, pattern) = if scene.moves_bytes() {
        let (object, pattern) = scene.filled().await?;
        (object, Some(pattern))
    } else {
        (scene.whole().await?, None)
    };
    let again = CreateRequest::new(without_path(&object));
    let result = scene.create_async(again).await;
    let result = result.doing(format_args!("creating {} again", Named(&object)))?;
    equal("the path when created again", object.path(), &result.path)?;
    if let Some(size) = result.size_bytes {
        equal("the size when created again", object.size_bytes(), size)?;
    }
    if let Some(pattern) = pattern {
        scene.expect_bytes(&object, &pattern).await.doing("after it was created again")?;
    }
    let description = scene.expect_present(&object).await;
    description.doing("after it was created again")?;
    scene.delete(&object).await
}

pub(in super::super) async fn delete_of_missing_object_succeeds(scene: Arc<Scene>) -> Checked {
    let never = scene.new_object(scene.usual_size());
    let answer = scene.delete_async(never.clone()).await;
    answer.doing(format_args!("deleting {}, which never was", Named(&never)))?;
    let object = scene.whole().await?;
    scene.delete(&object).await?;
    let answer = scene.delete_async(object.clone()).await;
    answer.doing(format_args!("deleting {} again", Named(&object)))?;
    let answer = scene.delete_async(without_path(&object)).await;
    answer.doing(format_args!("deleting {} by its uuid, again", Named(&object)))
}

pub(in super::super) async fn delete_without_path_succeeds(scene: Arc<Scene>) -> Checked {
    let object = scene.whole().await?;
    let answer = scene.delete_async(without_path(&object)).await;
    answer.doing(format_args!("deleting {} by its uuid alone", Named(&object)))?;
    scene.expect_absent(&object, "after it was deleted by its uuid alone").await?;
    if !scene.is_primary() || !scene.can.storage_system_snapshot {
        return Ok(());
    }
    let volume = scene.volume().await?;
    let snapshot: DataObject = scene.take(scene.new_snapshot(&volume)).await?.into();
    let answer = scene.delete_async(without_path(&snapshot)).await;
    answer.doing(format_args!("deleting {} by its uuid alone", Named(&snapshot)))?;
    scene.expect_absent(&snapshot, "after it was deleted by its uuid alone").await?;
    scene.expect_present(&volume.into()).await.doing("after its snapshot was deleted")?;
    Ok(())
}

pub(in super::super) async fn describe_of_missing_object_is_absent(scene: Arc<Scene>) -> Checked {
    let never = scene.new_object(scene.usual_size());
    scene.expect_absent(&never, "which never was").await?;
    let object = scene.create(never, CreateSource::Blank).await?;
    let answer = scene.delete_async(object.clone()).await;
    answer.doing(format_args!("deleting {}", Named(&object)))?;
    scene.expect_absent(&object, "which is gone").await
}

pub(in super::super) async fn transfer_objects_name_their_object(scene: Arc<Scene>) -> Checked {
    let store = scene.get_store_to().await.doing("asking for the store's transfer object")?;
    check_store(&scene, &store)?;
    let object = scene.whole().await?;
    let answer = scene.get_to(object.clone()).await;
    let answer =
        answer.doing(format_args!("asking for the transfer object of {}", Named(&object)))?;
    // Without one, the host describes the object.
    if let Some(to) = answer.to {
        equal("the uuid in the transfer object", object.uuid(), to.object.uuid())?;
        equal("the kind in the transfer object", object.object_type(), to.object.object_type())?;
        check_store(&scene, &to.store)?;
    }
    scene.delete(&object).await
}

fn check_store(scene: &Scene, to: &DataStoreTo) -> Checked {
    let uuid: Option<Uuid> = match to {
        DataStoreTo::Primary(to) => Some(to.uuid),
        DataStoreTo::Nfs(to) => Some(to.uuid),
        DataStoreTo::S3(to) => Some(to.uuid),
        DataStoreTo::Driver(to) => Some(to.uuid),
        DataStoreTo::Swift(_) => None,
    };
    match uuid {
        Some(uuid) => equal("the uuid in the store's transfer object", scene.store().uuid, uuid),
        None => Ok(()),
    }
}
