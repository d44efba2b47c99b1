//! A provider that is missing, and a back end that another life has.

use super::world::{World, request};
use crate::orchestration::storage_pool::UpdateStoragePool;
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

impl World {
    async fn unavailable(&self, pool: Uuid) -> Option<String> {
        self.host.storage_pools.unavailable(&self.find_pool(pool).await.record)
    }
}

#[tokio::test]
async fn a_pool_without_its_provider_stays_and_connects_once_it_is_there() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let world = world.restarted(false).await;
    let why = world.unavailable(pool).await.unwrap();
    assert!(why.contains("\"Recorder\" is not loaded"), "{why}");
    let pools = &world.host.storage_pools;
    for refused in [
        pools.enable_maintenance(&request(), pool).await,
        pools.cancel_maintenance(&request(), pool).await,
        pools
            .update(
                &request(),
                pool,
                UpdateStoragePool { enabled: Some(false), ..Default::default() },
            )
            .await,
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, PluginErrorKind::Unavailable);
        assert!(refused.message.contains("is not loaded"), "{refused}");
    }
    // What needs no provider is done.
    let rename = UpdateStoragePool { name: Some("renamed".to_owned()), ..Default::default() };
    world.done(pools.update(&request(), pool, rename).await).await;

    world.add_provider();
    world.until(async || world.unavailable(pool).await.is_none()).await;
    assert_eq!(world.recorder.heard(), ["attach_zone renamed", "host_connect host1 renamed"]);
}

#[tokio::test]
async fn a_quarantined_pool_is_released_by_a_takeover_only() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let refused =
        world.host.storage_pools.release_quarantine(&request(), pool, true).await.unwrap_err();
    assert!(refused.message.contains("in no quarantine"), "{refused}");
    world.recorder.set_mark(41);
    let world = world.restarted(true).await;
    world.until(async || world.find_pool(pool).await.quarantine.is_some()).await;
    let pools = &world.host.storage_pools;
    let refused = pools.enable_maintenance(&request(), pool).await.unwrap_err();
    assert!(refused.message.contains("releaseStoragePoolQuarantine"), "{refused}");

    let failure = world.undone(pools.release_quarantine(&request(), pool, false).await).await;
    assert!(failure.message.contains("takeover=true"), "{failure}");
    world.done(pools.release_quarantine(&request(), pool, true).await).await;
    assert!(world.repository().epoch() > 41);
    assert_eq!(world.find_pool(pool).await.quarantine, None);
    assert_eq!(world.unavailable(pool).await, None);
    world.volume("v", pool).await;
}
