//! Into maintenance, out of it, and half the way.

use super::world::{World, request};
use crate::jobs::StepContext;
use crate::model::{
    Caller, HostPool, Instance, InstanceState, Journal, Operation, Phase, RecordKind, Stored,
    Volume,
};
use crate::store::{Change, Filter};
use storage_plugin_api::{HypervisorType, PluginError, PluginErrorKind};
use uuid::Uuid;

impl World {
    async fn attach(&self, mut volume: Stored<Volume>, name: &str, state: InstanceState) {
        let instance = Instance {
            uuid: Uuid::new_v4(),
            name: name.to_owned(),
            state,
            hypervisor: HypervisorType::Kvm,
            zone: volume.zone,
            host: Some(self.first_host().await.uuid),
        };
        volume.instance = Some(instance.uuid);
        let changes = vec![Change::insert(&instance), Change::update(&volume)];
        self.repository().transact(changes).await.unwrap();
    }

    async fn known_hosts(&self, pool: Uuid) -> usize {
        let filter = Filter { owner: Some(pool), ..Filter::default() };
        self.repository().list::<HostPool>(&filter).await.unwrap().len()
    }
}

#[tokio::test]
async fn hosts_leave_for_maintenance_and_come_back() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    assert_eq!(world.known_hosts(pool).await, 1);
    world.done(world.host.storage_pools.enable_maintenance(&request(), pool).await).await;
    assert_eq!(world.recorder.heard(), ["host_disconnected host1 one", "maintain one"]);
    assert_eq!((world.state(pool).await, world.known_hosts(pool).await), ("Maintenance", 0));
    // And nothing gets to it any more: its file system is to be unmounted.
    let refused = world.host.rooms().access(pool).await.unwrap_err().failure;
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    assert!(refused.message.contains("in state Maintenance"), "{refused}");

    world.done(world.host.storage_pools.cancel_maintenance(&request(), pool).await).await;
    let heard = world.recorder.heard();
    assert_eq!(heard, ["cancel_maintain one", "attach_zone one", "host_connect host1 one"]);
    assert_eq!((world.state(pool).await, world.known_hosts(pool).await), ("Up", 1));
    world.host.rooms().access(pool).await.unwrap();
}

#[tokio::test]
async fn a_running_instance_keeps_a_pool_out_of_maintenance() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let idle = world.volume("idle", pool).await;
    world.attach(idle, "stopped", InstanceState::Stopped).await;
    let busy = world.volume("busy", pool).await;
    world.attach(busy, "web", InstanceState::Running).await;
    let refused = world.host.storage_pools.enable_maintenance(&request(), pool).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    assert!(refused.message.contains("\"busy\" of instance \"web\""), "{refused}");
    assert!(!refused.message.contains("stopped\""), "{refused}");
    assert_eq!((world.state(pool).await, world.recorder.heard().len()), ("Up", 0));
}

#[tokio::test]
async fn a_failed_way_into_maintenance_is_an_error_that_can_be_retried_or_cancelled() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let pools = &world.host.storage_pools;
    world.recorder.fail("maintain", PluginError::internal("the array says no"));
    let failure = world.undone(pools.enable_maintenance(&request(), pool).await).await;
    assert!(failure.message.contains("the array says no"), "{failure}");
    // Undone as far as it goes: the hosts are back.
    assert_eq!((world.state(pool).await, world.known_hosts(pool).await), ("ErrorInMaintenance", 1));
    assert!(world.recorder.was_called("cancel_maintain"));
    world.host.rooms().access(pool).await.unwrap();

    world.done(pools.cancel_maintenance(&request(), pool).await).await;
    assert_eq!(world.state(pool).await, "Up");
    world.undone(pools.enable_maintenance(&request(), pool).await).await;
    world.recorder.heal("maintain");
    world.done(pools.enable_maintenance(&request(), pool).await).await;
    assert_eq!(world.state(pool).await, "Maintenance");
}

#[tokio::test]
async fn what_cannot_be_undone_does_not_hold_the_pool_for_ever() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    world.recorder.fail("maintain", PluginError::internal("no"));
    world.recorder.fail("cancel_maintain", PluginError::internal("no"));
    world.recorder.fail("host_connect", PluginError::internal("no"));
    world.undone(world.host.storage_pools.enable_maintenance(&request(), pool).await).await;
    assert_eq!(world.state(pool).await, "ErrorInMaintenance");
    world.undone(world.host.storage_pools.cancel_maintenance(&request(), pool).await).await;
    assert_eq!(world.state(pool).await, "ErrorInMaintenance");
}

#[tokio::test]
async fn maintenance_is_cancelled_on_the_way_into_it() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let pools = &world.host.storage_pools;
    world.recorder.hang("maintain");
    let begun = pools.enable_maintenance(&request(), pool).await.unwrap();
    world.until(async || world.recorder.was_called("maintain")).await;
    assert_eq!(world.state(pool).await, "PrepareForMaintenance");

    world.done(pools.cancel_maintenance(&request(), pool).await).await;
    assert_eq!((world.state(pool).await, world.known_hosts(pool).await), ("Up", 1));
    let cancelled = world.host.rooms().jobs.find(begun.operation).await.unwrap();
    assert_eq!(cancelled.phase, Phase::Undone);
    assert_eq!(cancelled.failure.unwrap().kind, PluginErrorKind::Cancelled);
}

#[tokio::test]
async fn maintenance_waits_for_the_work_on_a_pool() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let volume = world.volume("v", pool).await;
    let mut work = Operation {
        uuid: Uuid::new_v4(),
        flow: "volume.resize".to_owned(),
        flow_version: 1,
        state: "{}".to_owned(),
        position: 0,
        phase: Phase::Running,
        attempt: 1,
        failure: None,
        waiting_for: None,
        cancel_requested: false,
        caller: Caller::system(),
        command: "resizeVolume".to_owned(),
        object: Some((RecordKind::Volume, volume.uuid)),
        journal: Journal::default(),
        epoch: world.repository().epoch(),
        created_us: 0,
        updated_us: 0,
    };
    let begin = vec![Change::Begin(Box::new(work.clone()))];
    world.repository().transact(begin).await.unwrap();
    let begun = world.host.storage_pools.enable_maintenance(&request(), pool).await.unwrap();
    world
        .until(async || {
            let operation = world.host.rooms().jobs.find(begun.operation).await.unwrap();
            operation.waiting_for.is_some_and(|what| what.contains("volume.resize"))
        })
        .await;
    assert!(world.recorder.heard().is_empty());
    work.phase = Phase::Done;
    let end = vec![Change::Journal(Box::new(work))];
    world.repository().transact(end).await.unwrap();
    world.done(Ok(begun)).await;
}

#[tokio::test]
async fn only_a_pool_in_use_goes_into_maintenance_and_only_one_in_it_comes_back() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let pools = &world.host.storage_pools;
    let refused = pools.cancel_maintenance(&request(), pool).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    world.done(pools.enable_maintenance(&request(), pool).await).await;
    let refused = pools.enable_maintenance(&request(), pool).await.unwrap_err();
    assert!(refused.message.contains("Maintenance"), "{refused}");
}

#[tokio::test]
async fn hosts_that_connect_while_a_pool_goes_into_maintenance_leave_again() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let rooms = world.host.rooms();
    let access = rooms.access(pool).await.unwrap();
    world.done(world.host.storage_pools.enable_maintenance(&request(), pool).await).await;
    world.recorder.heard();
    let (context, host) = (StepContext::detached("test"), world.first_host().await);
    let known = rooms.connect_host(&context, &access, &host).await.unwrap();
    let written = rooms.write_connected(&context, &access, known, &[host]).await.unwrap_err();
    assert_eq!(written.failure.kind, PluginErrorKind::Conflict);
    assert_eq!(world.recorder.heard(), ["host_connect host1 one", "host_disconnected host1 one"]);
    assert_eq!(world.known_hosts(pool).await, 0);
}

#[tokio::test]
async fn two_that_connect_a_host_at_the_same_time_make_one_record() {
    let world = World::new().await;
    let pool = world.pool("one").await;
    let rooms = world.host.rooms();
    let (context, host) = (StepContext::detached("test"), world.first_host().await);
    let access = rooms.access(pool).await.unwrap();
    let left = rooms.disconnect(&context, &access).await.unwrap();
    world.repository().transact(left).await.unwrap();
    let first = rooms.connect_host(&context, &access, &host).await.unwrap();
    let second = rooms.connect_host(&context, &access, &host).await.unwrap();
    world.repository().transact(first).await.unwrap();
    assert!(world.repository().transact(second).await.is_err());
    assert_eq!(world.known_hosts(pool).await, 1);
}
