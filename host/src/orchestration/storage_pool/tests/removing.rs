//! When a pool may be removed, and what is left of it.

use super::world::{World, request};
use crate::model::{
    HostPool, Machine, Snapshot, SnapshotState, StoragePool, Volume, VolumeEvent, VolumeState,
};
use crate::store::{Change, Filter, Key};
use storage_plugin_api::{Details, PluginError, PluginErrorKind};
use uuid::Uuid;

impl World {
    async fn maintained(&self, pool: Uuid) {
        self.done(self.host.storage_pools.enable_maintenance(&request(), pool).await).await;
        self.recorder.heard();
    }

    async fn destroyed(&self, name: &str, pool: Uuid) -> Uuid {
        let mut volume = self.volume(name, pool).await;
        volume.state = volume.state.next(VolumeEvent::DestroyRequested).unwrap();
        self.repository().transact(vec![Change::update(&volume)]).await.unwrap();
        volume.uuid
    }
}

#[tokio::test]
async fn a_removed_pool_leaves_a_tombstone_and_its_back_end() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let refused = world.host.storage_pools.delete(&request(), pool, false).await.unwrap_err();
    assert!(refused.message.contains("not in Maintenance state"), "{refused}");
    world.maintained(pool).await;
    world.done(world.host.storage_pools.delete(&request(), pool, false).await).await;
    assert_eq!(world.recorder.heard(), ["delete_data_store one"]);
    let gone = world.host.storage_pools.find(pool).await.unwrap_err();
    assert_eq!(gone.kind, PluginErrorKind::NotFound);
    let tombstone = world.repository().find_any::<StoragePool>(Key::Uuid(pool)).await.unwrap();
    assert_eq!(tombstone.unwrap().state.as_str(), "Removed");
    assert!(world.repository().list::<HostPool>(&Filter::default()).await.unwrap().is_empty());
    assert!(world.repository().list_claims().await.unwrap().is_empty());
    // Name and back end are free again.
    world.pool("one").await;
}

#[tokio::test]
async fn volumes_keep_a_pool_and_forced_takes_destroyed_ones_with_it() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let pools = &world.host.storage_pools;
    let alive = world.volume("alive", pool).await;
    let destroyed = world.destroyed("dead", pool).await;
    world.maintained(pool).await;
    let refused = pools.delete(&request(), pool, false).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    assert!(refused.message.contains("\"alive\" (Ready), \"dead\" (Destroy)"), "{refused}");
    let refused = pools.delete(&request(), pool, true).await.unwrap_err();
    assert!(refused.message.contains("\"alive\" (Ready);"), "{refused}");

    let mut alive = alive;
    alive.state = alive.state.next(VolumeEvent::DestroyRequested).unwrap();
    world.repository().transact(vec![Change::update(&alive)]).await.unwrap();
    world.done(pools.delete(&request(), pool, true).await).await;
    for volume in [alive.uuid, destroyed] {
        let proof = world.repository().find_any::<Volume>(Key::Uuid(volume)).await.unwrap();
        let proof = proof.unwrap();
        assert_eq!((proof.state, proof.removed_us.is_some()), (VolumeState::Expunged, true));
    }
    assert_eq!(world.repository().capacity(pool).await.unwrap().reserved, 0);
}

#[tokio::test]
async fn snapshots_keep_a_pool() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let volume = world.destroyed("dead", pool).await;
    let volume = world.host.volumes.find(volume).await.unwrap();
    let snapshot = Snapshot {
        uuid: Uuid::new_v4(),
        name: "yesterday".to_owned(),
        state: SnapshotState::ALL[0],
        volume_id: volume.id,
        volume: volume.record,
        pool,
        on_primary: true,
        parent: None,
        path: String::new(),
        physical_size_bytes: None,
        details: Details::new(),
        note: None,
        snapshot_type: "MANUAL".to_owned(),
        vm_snapshot: None,
        policy: None,
    };
    world.repository().transact(vec![Change::insert(&snapshot)]).await.unwrap();
    world.maintained(pool).await;
    let refused = world.host.storage_pools.delete(&request(), pool, true).await.unwrap_err();
    assert!(refused.message.contains("\"yesterday\""), "{refused}");
}

#[tokio::test]
async fn a_back_end_that_does_not_let_go_keeps_the_pool_and_its_volumes() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    world.maintained(pool).await;
    world.recorder.fail("delete_data_store", PluginError::in_use("an export is mounted"));
    let failure =
        world.undone(world.host.storage_pools.delete(&request(), pool, false).await).await;
    assert_eq!(failure.kind, PluginErrorKind::InUse);
    assert_eq!(world.state(pool).await, "Maintenance");
    world.recorder.heal("delete_data_store");
    world.done(world.host.storage_pools.delete(&request(), pool, false).await).await;
}
