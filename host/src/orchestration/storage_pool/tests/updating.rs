//! Names, tags, limits, enabling and disabling; and how full a pool is.

use super::recorder::NAME;
use super::world::{World, request};
use crate::orchestration::storage_pool::UpdateStoragePool;
use crate::orchestration::take_report;
use storage_plugin_api::{CapacityReport, PluginError, PluginErrorKind};
use uuid::Uuid;

const GIB: u64 = 1 << 30;

#[tokio::test]
async fn names_and_tags_need_nobody() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let wish = UpdateStoragePool {
        name: Some("fast".to_owned()),
        tags: Some(vec!["ssd".to_owned()]),
        enabled: Some(true),
        ..UpdateStoragePool::default()
    };
    world.done(world.host.storage_pools.update(&request(), pool, wish).await).await;
    let changed = world.find_pool(pool).await;
    assert_eq!((changed.name.as_str(), changed.tags.as_slice()), ("fast", &["ssd".to_owned()][..]));
    assert!(world.recorder.heard().is_empty());
}

#[tokio::test]
async fn the_life_cycle_may_refuse_new_limits() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let pools = &world.host.storage_pools;
    let before = world.find_pool(pool).await.capacity_bytes;
    let wish = || UpdateStoragePool {
        capacity_bytes: Some(GIB),
        name: Some("small".to_owned()),
        ..UpdateStoragePool::default()
    };
    world.recorder.fail("update_storage_pool", PluginError::invalid_argument("more is used"));
    let failure = world.undone(pools.update(&request(), pool, wish()).await).await;
    assert!(failure.message.contains("more is used"), "{failure}");
    let unchanged = world.find_pool(pool).await;
    assert_eq!((unchanged.name.as_str(), unchanged.capacity_bytes), ("one", before));

    world.recorder.heal("update_storage_pool");
    world.done(pools.update(&request(), pool, wish()).await).await;
    let changed = world.find_pool(pool).await;
    assert_eq!((changed.name.as_str(), changed.capacity_bytes), ("small", GIB));
    let limit = world.repository().capacity(pool).await.unwrap().limit;
    assert_eq!(limit, Some(changed.promisable_bytes()));
    // The operator's limit is kept by virtual sizes: nothing is promised beyond it.
    assert_eq!(limit, Some(GIB));
}

#[tokio::test]
async fn a_limit_that_never_was_is_not_told_on_the_way_back() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let pools = &world.host.storage_pools;
    let wish = |bytes| UpdateStoragePool {
        capacity_bytes: Some(bytes),
        enabled: Some(false),
        ..UpdateStoragePool::default()
    };
    world.recorder.fail("disable_storage_pool", PluginError::internal("no"));
    world.undone(pools.update(&request(), pool, wish(GIB)).await).await;
    let limits = |heard: Vec<String>| -> Vec<String> {
        heard.into_iter().filter(|line| line.starts_with("update_storage_pool")).collect()
    };
    assert_eq!(limits(world.recorder.heard()), [format!("update_storage_pool {GIB}")]);

    // One that was set is told again.
    let limit = UpdateStoragePool { capacity_bytes: Some(GIB), ..Default::default() };
    world.done(pools.update(&request(), pool, limit).await).await;
    world.recorder.heard();
    world.undone(pools.update(&request(), pool, wish(2 * GIB)).await).await;
    let told = [2 * GIB, GIB].map(|bytes| format!("update_storage_pool {bytes}"));
    assert_eq!(limits(world.recorder.heard()), told);
}

#[tokio::test]
async fn a_report_leaves_a_pool_alone_that_an_operation_holds() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    world.recorder.hang("update_storage_pool");
    let limit = UpdateStoragePool { capacity_bytes: Some(GIB), ..Default::default() };
    let begun = world.host.storage_pools.update(&request(), pool, limit).await.unwrap();
    world.until(async || world.recorder.was_called("update_storage_pool")).await;
    let before = world.find_pool(pool).await;
    let report = CapacityReport::new(pool, 4 * GIB, 3 * GIB);
    take_report(world.repository().as_ref(), NAME, &report).await.unwrap();
    assert_eq!(world.find_pool(pool).await, before);
    world.recorder.heal("update_storage_pool");
    world.host.rooms().jobs.cancel(begun.operation).await.unwrap();
    world.ended(Ok(begun)).await;
    take_report(world.repository().as_ref(), NAME, &report).await.unwrap();
    assert_eq!(world.find_pool(pool).await.used_bytes, 3 * GIB);
}

#[tokio::test]
async fn a_pool_is_disabled_and_enabled_through_its_life_cycle() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let pools = &world.host.storage_pools;
    let switch = |enabled| UpdateStoragePool { enabled: Some(enabled), ..Default::default() };
    world.done(pools.update(&request(), pool, switch(false)).await).await;
    assert_eq!(
        (world.state(pool).await, world.recorder.heard()),
        ("Disabled", vec!["disable_storage_pool one".to_owned()])
    );
    world.done(pools.update(&request(), pool, switch(true)).await).await;
    assert_eq!(
        (world.state(pool).await, world.recorder.heard()),
        ("Up", vec!["enable_storage_pool one".to_owned()])
    );
    world.done(pools.enable_maintenance(&request(), pool).await).await;
    let refused = pools.update(&request(), pool, switch(false)).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
}

#[tokio::test]
async fn what_a_back_end_says_of_its_space_is_written_down_within_the_operators_limit() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let repository = world.repository().as_ref();
    let report = CapacityReport::new(pool, 4 * GIB, 3 * GIB);
    let refused = take_report(repository, "Another", &report).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::NotFound);
    let nothing = CapacityReport::new(Uuid::nil(), 1_u64, 1_u64);
    assert!(take_report(repository, NAME, &nothing).await.is_err());

    take_report(repository, NAME, &report).await.unwrap();
    let full = world.find_pool(pool).await;
    assert_eq!((full.capacity_bytes, full.used_bytes), (4 * GIB, 3 * GIB));
    // Asked, the driver says what is true.
    world.host.storage_pools.refresh_capacity(pool).await.unwrap();
    let asked = world.find_pool(pool).await;
    assert_eq!((asked.capacity_bytes, asked.used_bytes), (1 << 40, 0));

    let limit = UpdateStoragePool { capacity_bytes: Some(GIB), ..Default::default() };
    world.done(world.host.storage_pools.update(&request(), pool, limit).await).await;
    take_report(repository, NAME, &report).await.unwrap();
    let limited = world.find_pool(pool).await;
    assert_eq!((limited.capacity_bytes, limited.used_bytes), (GIB, 3 * GIB));
}

#[tokio::test]
async fn pools_a_volume_could_move_to_are_told_with_the_reason_against_others() {
    let world = World::new().await;
    let (here, there) = (world.pool("here").await, world.pool("there").await);
    let closed = world.pool("closed").await;
    let volume = world.volume("v", here).await;
    world.done(world.host.storage_pools.enable_maintenance(&request(), closed).await).await;
    let found = world.host.storage_pools.for_migration(volume.uuid).await.unwrap();
    let told: Vec<_> = found.iter().map(|(pool, why)| (pool.uuid, why.as_deref())).collect();
    assert_eq!(told, [(there, None), (closed, Some("is in state Maintenance"))]);
}

#[tokio::test]
async fn a_bandwidth_needs_nobody_and_is_kept_until_it_is_lifted() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let pools = &world.host.storage_pools;
    for (wish, kept) in [(Some(1 << 20), Some(1 << 20)), (None, Some(1 << 20)), (Some(0), None)] {
        let wish = UpdateStoragePool { bandwidth: wish, ..UpdateStoragePool::default() };
        world.done(pools.update(&request(), pool, wish).await).await;
        assert_eq!(world.find_pool(pool).await.bandwidth, kept);
    }
    assert!(world.recorder.heard().is_empty());
    let wish = UpdateStoragePool { bandwidth: Some(9), ..UpdateStoragePool::default() };
    let refused = pools.update(&request(), pool, wish).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InvalidArgument);
}
