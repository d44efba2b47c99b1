//! What providers are told of hypervisor hosts, and when.

use super::{AddHost, UpdateHost};
use crate::model::{Cluster, HostPool, Instance, InstanceState};
use crate::orchestration::storage_pool::tests::world::{World, request};
use crate::store::{Change, Filter};
use storage_plugin_api::{HypervisorType, PluginError, PluginErrorKind};
use uuid::Uuid;

impl World {
    async fn host_wish(&self, name: &str) -> AddHost {
        let clusters = self.host.zones.list::<Cluster>(&Filter::default()).await.unwrap();
        AddHost {
            name: name.to_owned(),
            cluster: clusters[0].uuid,
            hypervisor: HypervisorType::Kvm,
            address: Some("10.0.0.7".to_owned()),
            storage_address: None,
            initiator: Some("iqn.2026-11.org.example:kvm".to_owned()),
            world_wide_port_names: Vec::new(),
        }
    }

    async fn add(&self, name: &str) -> Uuid {
        let wish = self.host_wish(name).await;
        self.done(self.host.hypervisor_hosts.add(&request(), wish).await).await
    }

    async fn pools_known(&self, host: Uuid) -> usize {
        let filter = Filter { name: Some(host.to_string()), ..Filter::default() };
        self.repository().list::<HostPool>(&filter).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_new_host_is_told_to_providers_and_connected_to_pools() {
    let world = World::new().await;
    world.pool("one").await;
    let host = world.add("kvm2").await;
    assert_eq!(world.recorder.heard(), ["host_added kvm2", "host_connect kvm2 one"]);
    assert_eq!(world.pools_known(host).await, 1);
    assert_eq!(world.host.hypervisor_hosts.find(host).await.unwrap().warning, None);
    // A pool that comes later connects both.
    let wish = world.wish("two", "two").await;
    world.done(world.host.storage_pools.create(&request(), wish).await).await;
    let heard = world.recorder.heard();
    assert_eq!(heard[2..], ["host_connect host1 two", "host_connect kvm2 two"]);
}

#[tokio::test]
async fn what_a_provider_says_against_a_new_host_is_shown_with_it() {
    let world = World::new().await;
    world.pool("one").await;
    world.recorder.fail("host_added", PluginError::internal("no group"));
    world.recorder.fail("host_connect", PluginError::internal("no path"));
    let host = world.add("kvm2").await;
    let warning = world.host.hypervisor_hosts.find(host).await.unwrap().record.warning.unwrap();
    assert!(warning.contains("\"Recorder\": no group"), "{warning}");
    assert!(warning.contains("storage pool \"one\": no path"), "{warning}");
    assert_eq!(world.pools_known(host).await, 0);

    // Enabled again, it is connected, and nothing is said against it any more.
    world.recorder.heal("host_connect");
    let switch = |enabled| UpdateHost { enabled: Some(enabled), name: None };
    let hosts = &world.host.hypervisor_hosts;
    world.done(hosts.update(&request(), host, switch(false)).await).await;
    world.recorder.heard();
    world.done(hosts.update(&request(), host, switch(true)).await).await;
    assert_eq!(world.recorder.heard(), ["host_enabled kvm2", "host_connect kvm2 one"]);
    let enabled = hosts.find(host).await.unwrap();
    assert_eq!((enabled.state.as_str(), enabled.warning.as_deref()), ("Up", None));
}

#[tokio::test]
async fn a_disabled_host_is_not_connected_to_new_pools() {
    let world = World::new().await;
    let host = world.first_host().await.uuid;
    let wish = UpdateHost { enabled: Some(false), name: Some("spare".to_owned()) };
    world.done(world.host.hypervisor_hosts.update(&request(), host, wish).await).await;
    world.recorder.heard();
    let wish = world.wish("one", "a").await;
    world.done(world.host.storage_pools.create(&request(), wish).await).await;
    assert_eq!(world.recorder.heard(), ["initialize one", "attach_zone one"]);
}

#[tokio::test]
async fn a_host_that_goes_leaves_its_pools_first() {
    let world = World::new().await;
    world.pool("one").await;
    let host = world.first_host().await.uuid;
    world.done(world.host.hypervisor_hosts.delete(&request(), host, false).await).await;
    assert_eq!(
        world.recorder.heard(),
        ["host_about_to_be_removed host1", "host_disconnected host1 one", "host_removed host1"]
    );
    assert_eq!(world.pools_known(host).await, 0);
    let gone = world.host.hypervisor_hosts.find(host).await.unwrap_err();
    assert_eq!(gone.kind, PluginErrorKind::NotFound);
}

#[tokio::test]
async fn a_provider_keeps_a_host_unless_it_is_forced() {
    let world = World::new().await;
    world.pool("one").await;
    let (host, hosts) = (world.first_host().await.uuid, &world.host.hypervisor_hosts);
    world.recorder.fail("host_about_to_be_removed", PluginError::in_use("luns are mapped"));
    let failure = world.undone(hosts.delete(&request(), host, false).await).await;
    assert!(failure.message.contains("luns are mapped"), "{failure}");
    assert!(failure.message.contains("forced=true"), "{failure}");
    let kept = hosts.find(host).await.unwrap();
    assert_eq!((kept.state.as_str(), world.pools_known(host).await), ("Up", 1));
    // Those that had agreed let it in again.
    assert!(world.recorder.was_called("host_added"));
    world.done(hosts.delete(&request(), host, true).await).await;
    assert!(hosts.find(host).await.is_err());
}

#[tokio::test]
async fn a_host_with_instances_that_run_stays_even_if_forced() {
    let world = World::new().await;
    let host = world.first_host().await;
    let instance = Instance {
        uuid: Uuid::new_v4(),
        name: "web".to_owned(),
        state: InstanceState::Running,
        hypervisor: HypervisorType::Kvm,
        zone: host.zone,
        host: Some(host.uuid),
    };
    world.repository().transact(vec![Change::insert(&instance)]).await.unwrap();
    let refused =
        world.host.hypervisor_hosts.delete(&request(), host.uuid, true).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    assert!(refused.message.contains("instance \"web\" runs on it"), "{refused}");
}

#[tokio::test]
async fn a_host_is_of_its_clusters_hypervisor() {
    let world = World::new().await;
    let mut wish = world.host_wish("esx1").await;
    wish.hypervisor = HypervisorType::Vmware;
    let refused = world.host.hypervisor_hosts.add(&request(), wish).await.unwrap_err();
    assert!(refused.message.contains("KVM") && refused.message.contains("VMware"), "{refused}");
    let wish = world.host_wish("host1").await;
    let refused = world.host.hypervisor_hosts.add(&request(), wish).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_host_stays_while_an_instance_is_on_its_way() {
    let world = World::new().await;
    let host = world.first_host().await;
    for state in [InstanceState::Starting, InstanceState::Stopping] {
        let instance = Instance {
            uuid: Uuid::new_v4(),
            name: state.to_string(),
            state,
            hypervisor: HypervisorType::Kvm,
            zone: host.zone,
            host: Some(host.uuid),
        };
        world.repository().transact(vec![Change::insert(&instance)]).await.unwrap();
    }
    let refused =
        world.host.hypervisor_hosts.delete(&request(), host.uuid, false).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::InUse);
    for state in ["Starting", "Stopping"] {
        assert!(refused.message.contains(state), "{refused}");
    }
}

#[tokio::test]
async fn a_host_stays_that_was_taken_into_use_while_the_providers_were_asked() {
    let world = World::new().await;
    let host = world.first_host().await;
    let name = format!("use:{}:{}", host.uuid, Uuid::nil());
    let hosts = &world.host.hypervisor_hosts;
    world.recorder.hang("host_about_to_be_removed");
    let begun = hosts.delete(&request(), host.uuid, false).await.unwrap();
    world.until(async || world.recorder.was_called("host_about_to_be_removed")).await;
    let claim = Change::Claim { name, holder: Uuid::nil() };
    world.repository().transact(vec![claim]).await.unwrap();
    world.recorder.go_on("host_about_to_be_removed");
    let failure = world.undone(Ok(begun)).await;
    assert_eq!(failure.kind, PluginErrorKind::InUse);
    assert_eq!(hosts.find(host.uuid).await.unwrap().state.as_str(), "Up");
}
