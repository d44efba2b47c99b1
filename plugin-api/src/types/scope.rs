//! Where a data store can be reached from.

use super::words::words;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

words! {
    /// The reach of a data store (CloudStack's `ScopeType`).
    pub enum ScopeType {
        /// One hypervisor host: local storage.
        Host = "HOST",
        /// Every host of one cluster.
        Cluster = "CLUSTER",
        /// Every host of one zone.
        Zone = "ZONE",
        /// Every zone of the region: object stores.
        Region = "REGION",
        /// Everything. CloudStack defines it and never uses it.
        Global = "GLOBAL",
    }
}

/// A scope with the ids it names (CloudStack's `Scope` and its `HostScope`, `ClusterScope`, `ZoneScope`).
///
/// Only the ids that the [`scope_type`](Self::scope_type) speaks of are set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scope {
    /// Which ids are set.
    pub scope_type: ScopeType,
    /// The zone, for host, cluster and zone scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<Uuid>,
    /// The pod, for cluster scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_id: Option<Uuid>,
    /// The cluster, for host and cluster scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<Uuid>,
    /// The hypervisor host, for host scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_id: Option<Uuid>,
}

impl Scope {
    /// The whole region.
    pub const fn region() -> Self {
        Self {
            scope_type: ScopeType::Region,
            zone_id: None,
            pod_id: None,
            cluster_id: None,
            host_id: None,
        }
    }

    /// One zone.
    pub const fn zone(zone_id: Uuid) -> Self {
        Self { scope_type: ScopeType::Zone, zone_id: Some(zone_id), ..Self::region() }
    }

    /// One cluster in a pod of a zone.
    pub const fn cluster(zone_id: Uuid, pod_id: Uuid, cluster_id: Uuid) -> Self {
        Self {
            scope_type: ScopeType::Cluster,
            zone_id: Some(zone_id),
            pod_id: Some(pod_id),
            cluster_id: Some(cluster_id),
            host_id: None,
        }
    }

    /// One hypervisor host of a cluster.
    pub const fn host(zone_id: Uuid, cluster_id: Uuid, host_id: Uuid) -> Self {
        Self {
            scope_type: ScopeType::Host,
            zone_id: Some(zone_id),
            pod_id: None,
            cluster_id: Some(cluster_id),
            host_id: Some(host_id),
        }
    }
}
