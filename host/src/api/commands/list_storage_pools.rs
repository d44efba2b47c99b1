//! `listStoragePools`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::StoragePoolResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{Cluster, Host, Pod, StoragePool, StoragePoolState, Zone};
use crate::store::Filter;
use storage_plugin_api::{PrimaryDataStoreTo, ScopeType};

pub(super) const COMMAND: Command = Command {
    name: "listStoragePools",
    description: "Lists storage pools.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: StoragePoolResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"        id: Option<Id>         => "the ID of the storage pool";
        "name"      name: Option<String>   => "the name of the storage pool";
        "zoneid"    zone: Option<Id>       => "the Zone ID for the storage pool";
        "podid"     pod: Option<Id>        => "the Pod ID for the storage pool; pools of the whole zone are listed as well";
        "clusterid" cluster: Option<Id>    => "list storage pools belongig to the specific cluster, and those of the whole zone";
        "scope"     scope: Option<Word<ScopeType>> => "the scope of the storage pool";
        "status"    status: Option<Word<StoragePoolState>> => "the status of the storage pool";
        "path"      path: Option<String>   => "the storage pool path";
        "ipaddress" address: Option<String> => "the IP address for the storage pool";
        "hostid"    host: Option<Id>       => "list storage pools that the host can use";
        "provider"  provider: Option<String> => "the storage provider (an extension of this host)";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter {
        name: own.name.clone(),
        zone: call.filter_uuid::<Zone>("zoneid", own.zone).await?,
        states: own.status.map(|Word(status)| vec![status.as_str()]).unwrap_or_default(),
        ..Filter::default()
    };
    let pod = call.filter_uuid::<Pod>("podid", own.pod).await?;
    let cluster = call.filter_uuid::<Cluster>("clusterid", own.cluster).await?;
    let host = match own.host {
        Some(Id::None) => return list.reply_shown::<StoragePool>(&call, &[]).await,
        Some(id) => Some(call.find::<Host>("hostid", id).await?),
        None => None,
    };
    let mut pools = call.services.orchestration.storage_pools.list(&filter).await?;
    pools.retain(|pool| {
        let is_of_zone = pool.scope.scope_type == ScopeType::Zone;
        list.matches(&pool.name)
            && Id::is_wanted(own.id, None, pool.uuid, pool.id)
            && pod.is_none_or(|pod| is_of_zone || pool.scope.pod_id == Some(pod))
            && cluster.is_none_or(|one| is_of_zone || pool.scope.cluster_id == Some(one))
            && own.scope.is_none_or(|Word(scope)| pool.scope.scope_type == scope)
            && host.as_ref().is_none_or(|host| pool.reaches(host))
            && own.provider.as_ref().is_none_or(|provider| pool.provider == *provider)
            && reached(pool, own.path.as_ref(), |to| &to.path)
            && reached(pool, own.address.as_ref(), |to| &to.host)
    });
    list.reply_shown(&call, &pools).await
}

/// Whether hosts reach a pool by this, if anything is asked for.
fn reached(
    pool: &StoragePool,
    wanted: Option<&String>,
    part: fn(&PrimaryDataStoreTo) -> &String,
) -> bool {
    wanted.is_none_or(|wanted| pool.reached_by.as_ref().is_some_and(|to| part(to) == wanted))
}
