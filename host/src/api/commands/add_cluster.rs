//! `addCluster`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{ClusterResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{Cluster, Pod, Zone};
use storage_plugin_api::HypervisorType;

pub(super) const COMMAND: Command = Command {
    name: "addCluster",
    description: "Adds a new cluster.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: ClusterResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "zoneid"      zone: Id             => "the Zone ID for the cluster";
        "podid"       pod: Id              => "the Pod ID for the cluster";
        "clustername" name: String         => "the cluster name";
        "hypervisor"  hypervisor: Word<HypervisorType> => "hypervisor type of the cluster";
        "clustertype" kind: Option<String> => "type of the cluster: CloudManaged";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let zone = call.find::<Zone>("zoneid", params.zone).await?;
    let pod = call.find::<Pod>("podid", params.pod).await?;
    if pod.zone != zone.uuid {
        return Err(ApiError::invalid_parameter(format!(
            "pod {:?} is not in zone {:?}",
            pod.name, zone.name
        )));
    }
    if params.kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("CloudManaged")) {
        return Err(ApiError::invalid_parameter(
            "Invalid value for parameter clustertype: use CloudManaged",
        ));
    }
    let Word(hypervisor) = params.hypervisor;
    let zones = &call.services.orchestration.zones;
    let cluster = zones.add_cluster(&params.name, &pod, hypervisor).await?;
    reply_shown::<Cluster>(&call, cluster).await
}
