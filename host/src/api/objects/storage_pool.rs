//! A storage pool, as `listStoragePools` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{Cluster, Pod, StoragePool, Stored, Zone};
use storage_plugin_api::shown_url;
use uuid::Uuid;

response! {
    pub(in crate::api) struct StoragePoolResponse {
        "id"                  id: Uuid                   => "the ID of the storage pool";
        "name"                name: String               => "the name of the storage pool";
        "state"               state: &'static str        => "the state of the storage pool";
        "provider"            provider: String           => "storage provider for this pool";
        "type"                kind: &'static str         => "the storage pool type";
        "scope"               scope: &'static str        => "the scope of the storage pool";
        "zoneid"              zone_id: Uuid              => "the Zone ID of the storage pool";
        "zonename"            zone_name: Option<String>  => "the Zone name of the storage pool";
        "podid"               pod_id: Option<Uuid>       => "the Pod ID of the storage pool";
        "podname"             pod_name: Option<String>   => "the Pod name of the storage pool";
        "clusterid"           cluster_id: Option<Uuid>   => "the ID of the cluster for the storage pool";
        "clustername"         cluster_name: Option<String> => "the name of the cluster for the storage pool";
        "hypervisor"          hypervisor: Option<&'static str> => "the hypervisor type of the storage pool";
        "ipaddress"           address: String            => "the IP address of the storage pool";
        "path"                path: String               => "the storage pool path";
        "created"             created: String            => "the date and time the storage pool was created";
        "tags"                tags: Option<String>       => "the tags for the storage pool";
        "disksizetotal"       total: u64                 => "the total disk size of the storage pool";
        "disksizeallocated"   allocated: u64             => "the host's currently allocated disk size";
        "disksizeused"        used: u64                  => "the host's currently used disk size";
        "capacityiops"        capacity_iops: Option<u64> => "IOPS CloudStack can provision from this storage pool";
        "overprovisionfactor" overprovision_factor: String => "the overprovisionfactor for the storage pool";
        "managed"             managed: bool              => "whether this pool is managed or not";
        "volumeformat"        volume_format: Option<String> => "how new volumes lie on the pool, where its provider says: raw, or qcow2 on top of templates (an extension of this host)";
        "volumeformatreason"  volume_format_reason: Option<String> => "why they lie so (an extension of this host)";
        "suitableformigration" suitable: Option<bool>    => "true if the entity is suitable for migration, false otherwise";
        "unsuitable"          unsuitable: Option<String> => "why the entity is not suitable for migration (an extension of this host)";
        "unavailable"         unavailable: Option<String> => "why nothing can be done with the pool now: its provider is missing, or it is not connected (an extension of this host)";
        "quarantine"          quarantine: Option<String> => "why no operation may touch the pool (an extension of this host)";
        "bandwidth" bandwidth: Option<u64> => "bytes a second that the host moves to and from it at most (an extension of this host)";
    }
}

impl Shown for StoragePool {
    const OBJECT_NAME: &'static str = "storagepool";
    type Response = StoragePoolResponse;

    async fn show(names: &mut Names, pool: &Stored<Self>) -> Result<StoragePoolResponse, ApiError> {
        let zone = names.find::<Zone>(Some(pool.zone)).await?;
        let pod = names.find::<Pod>(pool.scope.pod_id).await?;
        let cluster = names.find::<Cluster>(pool.scope.cluster_id).await?;
        let capacity = names.repository().capacity(pool.uuid).await?;
        let reached_by = pool.reached_by.as_ref();
        Ok(StoragePoolResponse {
            id: pool.uuid,
            name: pool.name.clone(),
            state: pool.state.as_str(),
            provider: pool.provider.clone(),
            kind: reached_by.map_or("Filesystem", |to| to.pool_type.as_str()),
            scope: pool.scope.scope_type.as_str(),
            zone_id: pool.zone,
            zone_name: zone.map(|zone| zone.name.clone()),
            pod_id: pool.scope.pod_id,
            pod_name: pod.map(|pod| pod.name.clone()),
            cluster_id: pool.scope.cluster_id,
            cluster_name: cluster.map(|cluster| cluster.name.clone()),
            hypervisor: pool.hypervisor.map(|hypervisor| hypervisor.as_str()),
            address: reached_by.map(|to| to.host.clone()).unwrap_or_default(),
            path: reached_by.map_or_else(|| path_of(&pool.url), |to| to.path.clone()),
            created: format_us(pool.created_us),
            tags: Some(pool.tags.join(",")).filter(|tags| !tags.is_empty()),
            total: pool.capacity_bytes,
            allocated: capacity.reserved,
            used: pool.used_bytes,
            capacity_iops: pool.capacity_iops,
            overprovision_factor: pool.overprovision_factor.to_string(),
            managed: reached_by.is_some_and(|to| to.managed),
            volume_format: told(pool, "volume_format"),
            volume_format_reason: told(pool, "volume_format_reason"),
            suitable: None,
            unsuitable: None,
            unavailable: names.services().orchestration.storage_pools.unavailable(pool),
            quarantine: pool.quarantine.clone(),
            bandwidth: pool.bandwidth,
        })
    }
}

impl StoragePoolResponse {
    /// Says whether a volume could move there, and why not.
    pub(in crate::api) fn suited(mut self, reason_against: Option<String>) -> Self {
        self.suitable = Some(reason_against.is_none());
        self.unsuitable = reason_against;
        self
    }
}

/// What the provider of a pool told of it in so many words when it was added.
fn told(pool: &StoragePool, key: &str) -> Option<String> {
    pool.reached_by.as_ref()?.details.get(key).map(str::to_owned)
}

/// The path of a URL, which never holds a credential; its query may.
fn path_of(url: &str) -> String {
    let url = shown_url(url);
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    rest.find('/').map(|at| rest[at..].to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn a_path_ends_where_a_secret_may_begin() {
        assert_eq!(path_of("nfs://u:p@10.0.0.1/export/a"), "/export/a");
        assert_eq!(path_of("http://10.0.0.1/a?password=s3cret"), "/a");
        assert_eq!(path_of("http://10.0.0.1/a#s3cret"), "/a");
        assert_eq!(path_of("http://10.0.0.1?next=/s3cret"), "");
    }
}
