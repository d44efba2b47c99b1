//! What can be done with hypervisor hosts.

use super::{as_before, count, first_host};
use crate::model::{Cluster, Failure};
use crate::orchestration::Started;
use crate::orchestration::hypervisor_host::{AddHost, UpdateHost};
use crate::orchestration::tests::scenario::Scenario;
use crate::orchestration::tests::world::{Life, World, request};
use crate::store::Filter;
use storage_plugin_api::HypervisorType;
use uuid::Uuid;

async fn add(life: &Life) -> Result<Started, Failure> {
    let clusters = life.repository().list::<Cluster>(&Filter::default()).await?;
    let wish = AddHost {
        name: "kvm2".to_owned(),
        cluster: clusters[0].uuid,
        hypervisor: HypervisorType::Kvm,
        address: None,
        storage_address: None,
        initiator: None,
        world_wide_port_names: Vec::new(),
    };
    life.orchestration.hypervisor_hosts.add(&request(), wish).await
}

/// Two pools and the first host.
fn with_pools(_: &World, life: &Life) -> Vec<Uuid> {
    vec![life.pool("a"), life.pool("b"), first_host(life)]
}

/// The same, with the host disabled.
fn disabled(world: &World, life: &Life) -> Vec<Uuid> {
    let ids = with_pools(world, life);
    let wish = UpdateHost { name: None, enabled: Some(false) };
    let hosts = &life.orchestration.hypervisor_hosts;
    life.done(life.run(hosts.update(&request(), ids[2], wish)).unwrap());
    ids
}

async fn remove(life: &Life, host: Uuid, forced: bool) -> Result<Started, Failure> {
    life.orchestration.hypervisor_hosts.delete(&request(), host, forced).await
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "host.add",
            way: "with two pools",
            prepare: with_pools,
            begin: |life, _| Box::pin(add(life)),
            // Whatever providers say, it is added.
            is_done: |picture, _| count(picture, "host") == 2,
            undone: as_before,
        },
        Scenario {
            flow: "host.update",
            way: "enabled again",
            prepare: disabled,
            begin: |life, ids| {
                let wish = UpdateHost { name: Some("new".to_owned()), enabled: Some(true) };
                Box::pin(async move {
                    life.orchestration.hypervisor_hosts.update(&request(), ids[2], wish).await
                })
            },
            is_done: |picture, ids| {
                picture.word("host", ids[2], "state") == "Up"
                    && picture.word("host", ids[2], "name") == "new"
            },
            undone: as_before,
        },
        Scenario {
            flow: "host.remove",
            way: "if the providers agree",
            prepare: with_pools,
            begin: |life, ids| Box::pin(remove(life, ids[2], false)),
            is_done: |picture, _| count(picture, "host") == 0 && picture.host_pools.is_empty(),
            undone: as_before,
        },
        Scenario {
            flow: "host.remove",
            way: "forced",
            prepare: with_pools,
            begin: |life, ids| Box::pin(remove(life, ids[2], true)),
            is_done: |picture, _| count(picture, "host") == 0 && picture.host_pools.is_empty(),
            undone: as_before,
        },
    ]
}
