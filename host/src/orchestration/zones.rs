//! Zones, pods and clusters, and what a new installation begins with.

mod guards;
mod offerings;
mod places;

use super::hypervisor_host::{AddFlow, AddState};
use super::request::RequestContext;
use super::rooms::{Rooms, With};
use crate::model::{
    Cluster, DiskOffering, Failure, Host, HostState, Pod, Record, RecordKind, Stored, Zone,
};
use crate::store::{Change, Filter};
use std::sync::Arc;
use storage_plugin_api::{HypervisorType, ProvisioningType, QualityOfService};
use uuid::Uuid;

/// The service of zones, pods, clusters and disk offerings: records without a back end.
#[derive(Debug, Clone)]
pub struct Zones {
    rooms: Arc<Rooms>,
}

impl Zones {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        Self { rooms }
    }

    /// Records of a kind, in the order of their internal numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn list<T: Record>(&self, filter: &Filter) -> Result<Vec<Stored<T>>, Failure> {
        Ok(self.rooms.repository.list(filter).await?)
    }

    /// Makes what every installation needs, where there is no zone yet: a zone with a pod, a
    /// cluster and a hypervisor host, and disk offerings of the usual sizes.
    ///
    /// # Errors
    /// The store's.
    pub async fn seed(&self) -> Result<(), Failure> {
        let filter = Filter { removed: true, ..Filter::default() };
        if !self.rooms.repository.list::<Zone>(&filter).await?.is_empty() {
            return Ok(());
        }
        let zone = Zone {
            uuid: Uuid::new_v4(),
            name: "zone1".to_owned(),
            network_type: "Advanced".to_owned(),
            enabled: true,
        };
        let pod = Pod { uuid: Uuid::new_v4(), name: "pod1".to_owned(), zone: zone.uuid };
        let cluster = Cluster {
            uuid: Uuid::new_v4(),
            name: "cluster1".to_owned(),
            zone: zone.uuid,
            pod: pod.uuid,
            hypervisor: "KVM".to_owned(),
        };
        let mut changes =
            vec![Change::insert(&zone), Change::insert(&pod), Change::insert(&cluster)];
        changes.extend(offerings().iter().map(Change::insert));
        let host = host_in(&cluster);
        changes.push(Change::insert(&host));
        // As an operation, so that the providers are told of the host, whatever comes between.
        let object = (RecordKind::Host, host.uuid);
        let (request, state) = (RequestContext::system("seed"), AddState { host: host.uuid });
        self.rooms.begin::<AddFlow>(&request, object, With::default(), changes, &state).await?;
        Ok(())
    }
}

fn host_in(cluster: &Cluster) -> Host {
    Host {
        uuid: Uuid::new_v4(),
        name: "host1".to_owned(),
        state: HostState::Up,
        hypervisor: HypervisorType::Kvm,
        zone: cluster.zone,
        pod: cluster.pod,
        cluster: cluster.uuid,
        address: None,
        storage_address: None,
        initiator: None,
        world_wide_port_names: Vec::new(),
        warning: None,
    }
}

fn offerings() -> [DiskOffering; 4] {
    const GIB: u64 = 1 << 30;
    [
        ("Small", "Small Disk, 5 GB", Some(5 * GIB)),
        ("Medium", "Medium Disk, 20 GB", Some(20 * GIB)),
        ("Large", "Large Disk, 100 GB", Some(100 * GIB)),
        ("Custom", "Custom Disk", None),
    ]
    .map(|(name, display_text, size_bytes)| DiskOffering {
        uuid: Uuid::new_v4(),
        name: name.to_owned(),
        display_text: display_text.to_owned(),
        size_bytes,
        provisioning_type: ProvisioningType::Thin,
        quality_of_service: QualityOfService::default(),
        tags: Vec::new(),
        active: true,
    })
}
