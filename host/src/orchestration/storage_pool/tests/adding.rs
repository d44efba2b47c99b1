//! What is checked before a pool is added, and what is left when that fails.

use super::world::{World, request};
use crate::model::StoragePool;
use crate::store::{Filter, OperationFilter};
use storage_plugin_api::{Details, PluginError, PluginErrorKind};

#[tokio::test]
async fn a_pool_is_initialized_attached_and_connected() {
    let world = World::new().await;
    assert_eq!(world.recorder.heard(), ["host_added host1"]);
    let wish = world.wish("one", "a").await;
    let pool = world.done(world.host.storage_pools.create(&request(), wish).await).await;
    let heard = world.recorder.heard();
    assert_eq!(heard, ["initialize one", "attach_zone one", "host_connect host1 one"]);
    assert_eq!(world.state(pool).await, "Up");
    assert_eq!(world.host.storage_pools.unavailable(&world.find_pool(pool).await.record), None);
}

#[tokio::test]
async fn the_same_back_end_is_added_once() {
    let world = World::new().await;
    world.pool("one").await;
    let wish = world.wish("two", "one").await;
    let failure = world.undone(world.host.storage_pools.create(&request(), wish).await).await;
    assert_eq!(failure.kind, PluginErrorKind::AlreadyExists);
    assert!(failure.message.contains("\"one\""), "{failure}");
    let ever = Filter { removed: true, ..Filter::default() };
    assert_eq!(world.repository().list::<StoragePool>(&ever).await.unwrap().len(), 1);
}

#[tokio::test]
async fn details_are_checked_before_anything_begins() {
    let world = World::new().await;
    let before = world.repository().list_operations(&OperationFilter::default()).await.unwrap();
    for (details, field) in [
        (vec![("capacity_bytes", "many"), ("area", "a")], "capacity_bytes"),
        (vec![("capacity_bytes", "5")], "area"),
        (vec![("area", "a"), ("aera", "a")], "aera"),
    ] {
        let mut wish = world.wish("one", "a").await;
        wish.details = details.into_iter().collect::<Details>();
        let failure = world.host.storage_pools.create(&request(), wish).await.unwrap_err();
        assert_eq!(failure.kind, PluginErrorKind::InvalidConfig);
        assert!(failure.message.contains(field), "{failure}");
        assert!(failure.message.contains("it takes area, capacity_bytes"), "{failure}");
    }
    let after = world.repository().list_operations(&OperationFilter::default()).await.unwrap();
    assert_eq!(before.len(), after.len());
    let mut wish = world.wish("one", "a").await;
    wish.details.insert("capacity_bytes", "1048576");
    world.done(world.host.storage_pools.create(&request(), wish).await).await;
}

#[tokio::test]
async fn a_pool_that_cannot_be_attached_leaves_nothing() {
    let world = World::new().await;
    world.recorder.fail("attach_zone", PluginError::permission_denied("not for you"));
    let wish = world.wish("one", "a").await;
    let failure = world.undone(world.host.storage_pools.create(&request(), wish).await).await;
    assert!(failure.message.contains("not for you"), "{failure}");
    assert!(world.recorder.was_called("delete_data_store"));
    let ever = Filter { removed: true, ..Filter::default() };
    assert!(world.repository().list::<StoragePool>(&ever).await.unwrap().is_empty());
    assert!(world.repository().list_claims().await.unwrap().is_empty());
    world.recorder.heal("attach_zone");
    let wish = world.wish("one", "a").await;
    world.done(world.host.storage_pools.create(&request(), wish).await).await;
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let world = World::new().await;
    world.pool("one").await;
    let wish = world.wish("one", "other").await;
    let failure = world.host.storage_pools.create(&request(), wish).await.unwrap_err();
    assert_eq!(failure.kind, PluginErrorKind::AlreadyExists);
}

#[tokio::test]
async fn what_may_have_been_left_behind_is_not_forgotten() {
    let world = World::new().await;
    world.recorder.fail("initialize", PluginError::invalid_config("not so"));
    world.recorder.fail("delete_data_store", PluginError::internal("the array says no"));
    let wish = world.wish("one", "a").await;
    let begun = world.host.storage_pools.create(&request(), wish).await.unwrap();
    world
        .until(async || {
            let operation = world.host.rooms().jobs.find(begun.operation).await.unwrap();
            operation.waiting_for.is_some_and(|what| what.contains("the array says no"))
        })
        .await;
    world.recorder.heal("delete_data_store");
    let failure = world.undone(Ok(begun)).await;
    assert!(failure.message.contains("not so"), "{failure}");
}
