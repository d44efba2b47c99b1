//! A cluster, as `listClusters` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::model::{Cluster, Pod, Record, Stored, Zone};
use uuid::Uuid;

response! {
    pub(in crate::api) struct ClusterResponse {
        "id"              id: Uuid                  => "the cluster ID";
        "name"            name: String              => "the cluster name";
        "zoneid"          zone_id: Uuid             => "the Zone ID of the cluster";
        "zonename"        zone_name: Option<String> => "the Zone name of the cluster";
        "podid"           pod_id: Uuid              => "the Pod ID of the cluster";
        "podname"         pod_name: Option<String>  => "the Pod name of the cluster";
        "hypervisortype"  hypervisor: String        => "the hypervisor type of the cluster";
        "clustertype"     kind: &'static str        => "the type of the cluster";
        "allocationstate" allocation_state: &'static str => "the allocation state of the cluster";
        "managedstate"    managed_state: &'static str => "whether this cluster is managed by cloudstack";
    }
}

impl Shown for Cluster {
    const OBJECT_NAME: &'static str = "cluster";
    type Response = ClusterResponse;

    async fn show(names: &mut Names, cluster: &Stored<Self>) -> Result<ClusterResponse, ApiError> {
        let zone = names.find::<Zone>(Some(cluster.zone)).await?;
        let pod = names.find::<Pod>(Some(cluster.pod)).await?;
        Ok(ClusterResponse {
            id: cluster.uuid,
            name: cluster.name.clone(),
            zone_id: cluster.zone,
            zone_name: zone.map(|zone| zone.name.clone()),
            pod_id: cluster.pod,
            pod_name: pod.map(|pod| pod.name.clone()),
            hypervisor: cluster.hypervisor.clone(),
            kind: "CloudManaged",
            allocation_state: cluster.index().state,
            managed_state: "Managed",
        })
    }
}
