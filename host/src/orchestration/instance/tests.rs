//! What happens to instances, and who has access to their volumes.

use super::DeployInstance;
use crate::model::{Attachment, Instance, InstanceState, Stored};
use crate::orchestration::testing::{MIB, World, request};
use crate::store::{Filter, Key};
use storage_plugin_api::{PluginError, PluginErrorKind};
use uuid::Uuid;

const NOBODY: [Uuid; 0] = [];

/// An instance with two volumes, and their paths.
async fn with_volumes(world: &World, stopped: bool) -> (Uuid, Vec<Uuid>, Vec<String>) {
    let pool = world.pool("a").await;
    let wish = DeployInstance { zone: world.zone, stopped, ..DeployInstance::default() };
    let begun = world.orchestration.instances.deploy(&request(), wish).await;
    let instance = world.done(begun).await.object;
    let mut volumes = Vec::new();
    let mut paths = Vec::new();
    for _ in 0..2 {
        let volume = world.volume(pool, MIB).await;
        let all = &world.orchestration.volumes;
        world.done(all.attach(&request(), volume, instance, None).await).await;
        paths.push(world.see(volume).await.path.clone());
        volumes.push(volume);
    }
    (instance, volumes, paths)
}

async fn see(world: &World, instance: Uuid) -> Stored<Instance> {
    let found = world.rooms().repository.find_any::<Instance>(Key::Uuid(instance)).await;
    found.unwrap().unwrap()
}

#[tokio::test]
async fn starting_lets_the_host_in_and_stopping_shuts_it_out() {
    let world = World::new().await;
    let (instance, _, paths) = with_volumes(&world, true).await;
    let instances = &world.orchestration.instances;
    assert_eq!(see(&world, instance).await.state, InstanceState::Stopped);
    assert_eq!(world.provider.access(&paths[0]), NOBODY);
    world.done(instances.start(&request(), instance, None).await).await;
    assert_eq!(see(&world, instance).await.state, InstanceState::Running);
    assert_eq!(see(&world, instance).await.host, Some(world.host));
    for path in &paths {
        assert_eq!(world.provider.access(path), [world.host]);
    }
    let twice = instances.start(&request(), instance, None).await.unwrap_err();
    assert_eq!(twice.kind, PluginErrorKind::Conflict);
    world.done(instances.stop(&request(), instance).await).await;
    for path in &paths {
        assert_eq!(world.provider.access(path), NOBODY);
    }
    let all = world.rooms().repository.list::<Attachment>(&Filter::default()).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|one| one.host.is_none() && one.connection.is_none()));
    let other = world.add_host("node2").await;
    world.done(instances.start(&request(), instance, Some(other)).await).await;
    assert_eq!(world.provider.access(&paths[1]), [other]);
    world.nothing_is_held().await;
}

#[tokio::test]
async fn a_start_that_is_undone_leaves_no_access() {
    let world = World::new().await;
    let (instance, _, paths) = with_volumes(&world, true).await;
    world.provider.fail_late("grant_access", PluginError::conflict("another host has it"));
    let instances = &world.orchestration.instances;
    world.undone(instances.start(&request(), instance, None).await).await;
    assert_eq!(see(&world, instance).await.state, InstanceState::Stopped);
    for path in &paths {
        assert_eq!(world.provider.access(path), NOBODY);
    }
}

#[tokio::test]
async fn a_stop_that_is_undone_grants_again() {
    let world = World::new().await;
    let (instance, _, paths) = with_volumes(&world, false).await;
    world.provider.fail_late("revoke_access", PluginError::internal("lost the answer"));
    let instances = &world.orchestration.instances;
    world.undone(instances.stop(&request(), instance).await).await;
    assert_eq!(see(&world, instance).await.state, InstanceState::Running);
    for path in &paths {
        assert_eq!(world.provider.access(path), [world.host]);
    }
}

#[tokio::test]
async fn the_volumes_of_a_destroyed_instance_are_detached_and_stay() {
    let world = World::new().await;
    let (instance, volumes, paths) = with_volumes(&world, false).await;
    let instances = &world.orchestration.instances;
    world.done(instances.destroy(&request(), instance, false).await).await;
    assert_eq!(see(&world, instance).await.state, InstanceState::Destroyed);
    for (volume, path) in volumes.iter().zip(&paths) {
        let volume = world.see(*volume).await;
        assert_eq!((volume.instance, volume.device_id), (None, None));
        assert_eq!(world.provider.access(path), NOBODY);
        assert!(world.provider.paths().contains(path));
    }
    world.done(instances.destroy(&request(), instance, true).await).await;
    let seen = see(&world, instance).await;
    assert!(seen.removed_us.is_some() && seen.state == InstanceState::Expunging);
}

#[tokio::test]
async fn an_instance_needs_a_host_that_is_up_only_to_run() {
    let world = World::new().await;
    let elsewhere = DeployInstance {
        zone: world.zone,
        host: Some(Uuid::new_v4()),
        ..DeployInstance::default()
    };
    let instances = &world.orchestration.instances;
    let refused = instances.deploy(&request(), elsewhere).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    let nowhere = DeployInstance { zone: Uuid::new_v4(), ..DeployInstance::default() };
    let refused = instances.deploy(&request(), nowhere).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::NotFound);
}

#[tokio::test]
async fn no_host_is_removed_under_an_instance_that_starts() {
    let world = World::new().await;
    let (instance, ..) = with_volumes(&world, true).await;
    world.provider.hang("grant_access");
    let begun = world.orchestration.instances.start(&request(), instance, None).await.unwrap();
    world.provider.hangs().await;
    let hosts = &world.orchestration.hypervisor_hosts;
    let refused = hosts.delete(&request(), world.host, true).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    world.rooms().jobs.cancel(begun.operation).await.unwrap();
    world.undone(Ok(begun)).await;
    assert!(hosts.find(world.host).await.is_ok());
    world.nothing_is_held().await;
}

#[tokio::test]
async fn a_driver_that_wants_to_know_is_told_how_the_instance_of_a_volume_is() {
    let world = World::new().await;
    let (instance, ..) = with_volumes(&world, true).await;
    world.provider.can(|can| can.vm_info_needed = true);
    let instances = &world.orchestration.instances;
    let lost = || PluginError::internal("lost the answer");
    world.provider.fail_late("grant_access", lost());
    world.undone(instances.start(&request(), instance, None).await).await;
    assert_eq!(world.provider.told(), [Some(false); 2]);
    world.done(instances.start(&request(), instance, None).await).await;
    assert_eq!(world.provider.told(), [Some(true); 2]);
    world.provider.fail_late("revoke_access", lost());
    world.undone(instances.stop(&request(), instance).await).await;
    assert_eq!(world.provider.told(), [Some(true); 2]);
    world.done(instances.stop(&request(), instance).await).await;
    assert_eq!(world.provider.told(), [Some(false); 2]);
    world.done(instances.destroy(&request(), instance, false).await).await;
    assert_eq!(world.provider.told(), [None; 2]);
}
