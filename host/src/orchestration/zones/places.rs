//! Zones, pods and clusters: made, changed, removed when they are empty.
//!
//! **Invariant:** nothing is in a place that is removed: the commit asks once more.

use super::Zones;
use super::guards::InTheWay;
use crate::model::{
    Cluster, Failure, Host, Instance, Pod, RecordKind, Snapshot, StoragePool, Stored, Volume, Zone,
};
use crate::store::{Change, Filter};
use storage_plugin_api::HypervisorType;
use uuid::Uuid;

fn in_zone(zone: Uuid) -> Filter {
    Filter { zone: Some(zone), ..Filter::default() }
}

fn of(owner: Uuid) -> Filter {
    Filter { owner: Some(owner), ..Filter::default() }
}

impl Zones {
    /// Makes a zone (`createZone`).
    ///
    /// # Errors
    /// `InvalidArgument` for another network type than Basic or Advanced, `AlreadyExists` for a
    /// name that is taken.
    pub async fn create_zone(&self, name: &str, network_type: &str) -> Result<Uuid, Failure> {
        let known = ["Basic", "Advanced"].into_iter();
        let network_type = known
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(network_type))
            .ok_or_else(|| {
                Failure::invalid(format!("network type {network_type:?} is not Basic or Advanced"))
            })?;
        let zone = Zone {
            uuid: Uuid::new_v4(),
            name: name.to_owned(),
            network_type: network_type.to_owned(),
            enabled: true,
        };
        self.rooms
            .repository
            .transact(vec![Change::expect_name_free(&zone, None), Change::insert(&zone)])
            .await?;
        Ok(zone.uuid)
    }

    /// Changes a zone (`updateZone`).
    ///
    /// # Errors
    /// `AlreadyExists` for a name that is taken.
    pub async fn update_zone(
        &self,
        mut zone: Stored<Zone>,
        name: Option<String>,
        enabled: Option<bool>,
    ) -> Result<(), Failure> {
        let mut changes = Vec::new();
        if let Some(name) = name.filter(|name| *name != zone.name) {
            zone.name = name;
            changes.push(Change::expect_name_free(&zone.record, None));
        }
        zone.enabled = enabled.unwrap_or(zone.enabled);
        changes.push(Change::update(&zone));
        Ok(self.rooms.repository.transact(changes).await?)
    }

    /// Removes a zone that is empty (`deleteZone`).
    ///
    /// # Errors
    /// `InUse`, naming what is in it.
    pub async fn delete_zone(&self, zone: &Stored<Zone>) -> Result<(), Failure> {
        let (rooms, filter) = (&self.rooms, in_zone(zone.uuid));
        let mut in_the_way = InTheWay::default();
        in_the_way.add::<Pod>(rooms, &filter).await?;
        in_the_way.add::<StoragePool>(rooms, &filter).await?;
        in_the_way.add::<Volume>(rooms, &filter).await?;
        in_the_way.add::<Snapshot>(rooms, &filter).await?;
        in_the_way.add::<Instance>(rooms, &filter).await?;
        in_the_way.refuse(&format!("zone {:?}", zone.name))?;
        let owner = zone.uuid;
        let changes = vec![
            Change::ExpectNone { kind: RecordKind::Pod, owner },
            Change::ExpectNone { kind: RecordKind::StoragePool, owner },
            Change::update(zone),
            Change::remove(&zone.record),
        ];
        Ok(rooms.repository.transact(changes).await?)
    }

    /// Makes a pod (`createPod`).
    ///
    /// # Errors
    /// `AlreadyExists` for a name that is taken in the zone.
    pub async fn create_pod(&self, name: &str, zone: Uuid) -> Result<Uuid, Failure> {
        let pod = Pod { uuid: Uuid::new_v4(), name: name.to_owned(), zone };
        let changes = vec![
            Change::expect_there(RecordKind::Zone, zone),
            Change::expect_name_free(&pod, Some(zone)),
            Change::insert(&pod),
        ];
        self.rooms.repository.transact(changes).await?;
        Ok(pod.uuid)
    }

    /// Removes a pod that is empty (`deletePod`).
    ///
    /// # Errors
    /// `InUse`, naming what is in it.
    pub async fn delete_pod(&self, pod: &Stored<Pod>) -> Result<(), Failure> {
        let mut in_the_way = InTheWay::default();
        in_the_way.add::<Cluster>(&self.rooms, &of(pod.uuid)).await?;
        in_the_way.refuse(&format!("pod {:?}", pod.name))?;
        let changes = vec![
            Change::ExpectNone { kind: RecordKind::Cluster, owner: pod.uuid },
            Change::update(pod),
            Change::remove(&pod.record),
        ];
        Ok(self.rooms.repository.transact(changes).await?)
    }

    /// Makes a cluster (`addCluster`).
    ///
    /// # Errors
    /// `AlreadyExists` for a name that is taken in the pod.
    pub async fn add_cluster(
        &self,
        name: &str,
        pod: &Stored<Pod>,
        hypervisor: HypervisorType,
    ) -> Result<Uuid, Failure> {
        let cluster = Cluster {
            uuid: Uuid::new_v4(),
            name: name.to_owned(),
            zone: pod.zone,
            pod: pod.uuid,
            hypervisor: hypervisor.as_str().to_owned(),
        };
        let changes = vec![
            Change::expect_there(RecordKind::Pod, pod.uuid),
            Change::expect_name_free(&cluster, Some(pod.uuid)),
            Change::insert(&cluster),
        ];
        self.rooms.repository.transact(changes).await?;
        Ok(cluster.uuid)
    }

    /// Removes a cluster that is empty (`deleteCluster`).
    ///
    /// # Errors
    /// `InUse`, naming what is in it.
    pub async fn delete_cluster(&self, cluster: &Stored<Cluster>) -> Result<(), Failure> {
        let (rooms, filter) = (&self.rooms, of(cluster.uuid));
        let mut in_the_way = InTheWay::default();
        in_the_way.add::<Host>(rooms, &filter).await?;
        in_the_way.add::<StoragePool>(rooms, &filter).await?;
        in_the_way.refuse(&format!("cluster {:?}", cluster.name))?;
        let owner = cluster.uuid;
        let changes = vec![
            Change::ExpectNone { kind: RecordKind::Host, owner },
            Change::ExpectNone { kind: RecordKind::StoragePool, owner },
            Change::update(cluster),
            Change::remove(&cluster.record),
        ];
        Ok(rooms.repository.transact(changes).await?)
    }
}
