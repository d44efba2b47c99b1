//! `createStoragePool`: adds primary storage; answers when it is up.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::StoragePoolResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{Cluster, Pod, Zone};
use crate::orchestration::storage_pool::CreateStoragePool;
use storage_plugin_api::{Details, HypervisorType, Scope};

pub(super) const COMMAND: Command = Command {
    name: "createStoragePool",
    description: "Creates a storage pool. Answers when it is up.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: StoragePoolResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"          name: String                => "the name for the storage pool";
        "url"           url: String, length = 2048  => "the URL of the storage pool";
        "zoneid"        zone: Id                    => "the Zone ID for the storage pool";
        "podid"         pod: Option<Id>             => "the Pod ID for the storage pool, of scope cluster";
        "clusterid"     cluster: Option<Id>         => "the cluster ID for the storage pool, of scope cluster";
        "scope"         scope: Option<String>
            => "the scope of the storage pool: cluster or zone; cluster if clusterid is given";
        "hypervisor"    hypervisor: Option<Word<HypervisorType>> => "hypervisor type of the hosts in zone that will be attached to this storage pool, of scope zone";
        "provider"      provider: Option<String>    => "the storage provider name";
        "details"       details: Option<Details>    => "the details for the storage pool";
        "tags"          tags: Option<Vec<String>>   => "the tags for the storage pool";
        "capacitybytes" capacity_bytes: Option<i64> => "bytes the host can provision from this storage pool";
        "capacityiops"  capacity_iops: Option<i64>  => "IOPS the host can provision from this storage pool";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let zone = call.find::<Zone>("zoneid", params.zone).await?;
    let pod = call.uuid_of::<Pod>("podid", params.pod).await?;
    let cluster = call.uuid_of::<Cluster>("clusterid", params.cluster).await?;
    let scope = scope(params.scope.as_deref(), zone.uuid, pod, cluster)?;
    let wish = CreateStoragePool {
        name: params.name,
        url: params.url,
        scope,
        zone: zone.uuid,
        hypervisor: params.hypervisor.map(|Word(hypervisor)| hypervisor),
        provider: params.provider,
        details: params.details.unwrap_or_default(),
        tags: params.tags.unwrap_or_default(),
        capacity_bytes: positive("capacitybytes", params.capacity_bytes)?,
        capacity_iops: positive("capacityiops", params.capacity_iops)?,
    };
    let begun = call.services.orchestration.storage_pools.create(&call.request(), wish).await?;
    call.outcome(begun.operation).await
}

fn scope(
    word: Option<&str>,
    zone: uuid::Uuid,
    pod: Option<uuid::Uuid>,
    cluster: Option<uuid::Uuid>,
) -> Result<Scope, ApiError> {
    let word = word.map(str::to_ascii_lowercase);
    match (word.as_deref(), pod, cluster) {
        (None, None, None) | (Some("zone"), None, None) => Ok(Scope::zone(zone)),
        (None | Some("cluster"), Some(pod), Some(cluster)) => {
            Ok(Scope::cluster(zone, pod, cluster))
        }
        (Some("zone"), _, _) => Err(ApiError::invalid_parameter(
            "podid and clusterid are not supported for zone wide primary storage",
        )),
        (None | Some("cluster"), _, _) => Err(ApiError::invalid_parameter(
            "both podid and clusterid are needed for primary storage of scope cluster",
        )),
        (Some(other), _, _) => Err(ApiError::invalid_parameter(format!(
            "Invalid value for parameter scope: {other:?} is not cluster or zone"
        ))),
    }
}

/// A number that may be 0, if it is given.
pub(super) fn no_less_than_zero(name: &str, value: Option<i64>) -> Result<Option<u64>, ApiError> {
    let natural = value.map(|value| {
        u64::try_from(value).map_err(|_| {
            ApiError::invalid_parameter(format!(
                "Invalid value for parameter {name}: {value} is less than 0"
            ))
        })
    });
    natural.transpose()
}

/// A number that is more than nothing, if it is given.
pub(super) fn positive(name: &str, value: Option<i64>) -> Result<Option<u64>, ApiError> {
    value
        .map(|value| {
            u64::try_from(value).ok().filter(|value| *value > 0).ok_or_else(|| {
                ApiError::invalid_parameter(format!(
                    "Invalid value for parameter {name}: {value} is not more than 0"
                ))
            })
        })
        .transpose()
}
