//! `addHost`: a hypervisor host that uses storage.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::HostResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{Cluster, Pod, Zone};
use crate::orchestration::hypervisor_host::AddHost;
use storage_plugin_api::HypervisorType;

pub(super) const COMMAND: Command = Command {
    name: "addHost",
    description: "Adds a new host. Answers when every storage provider was told and its pools are connected.",
    since: None,
    is_async: false,
    begins: true,
    params: Params::PARAMS,
    response: HostResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "zoneid"         zone: Id                     => "the Zone ID for the host";
        "podid"          pod: Id                      => "the Pod ID for the host";
        "clusterid"      cluster: Id                  => "the cluster ID for the host";
        "hypervisor"     hypervisor: Word<HypervisorType> => "hypervisor type of the host";
        "name"           name: Option<String>         => "the name of the host; that of its url or address if none is given (an extension of this host)";
        "url"            url: Option<String>          => "the host URL; its name or address";
        "ipaddress"      address: Option<String>      => "the IP address of the host (an extension of this host)";
        "storageaddress" storage_address: Option<String> => "its address in the storage network (an extension of this host)";
        "initiator"      initiator: Option<String>    => "its iSCSI qualified name or NVMe host name (an extension of this host)";
        "wwpns"          ports: Option<Vec<String>>   => "its Fibre Channel ports, separated by commas (an extension of this host)";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let zone = call.find::<Zone>("zoneid", params.zone).await?;
    let pod = call.find::<Pod>("podid", params.pod).await?;
    let cluster = call.find::<Cluster>("clusterid", params.cluster).await?;
    if pod.zone != zone.uuid || cluster.pod != pod.uuid {
        return Err(ApiError::invalid_parameter(format!(
            "cluster {:?}, pod {:?} and zone {:?} do not belong together",
            cluster.name, pod.name, zone.name
        )));
    }
    let address = params.address.or_else(|| params.url.as_deref().and_then(host_of));
    let name = params.name.or_else(|| address.clone()).ok_or_else(|| {
        ApiError::invalid_parameter("a host needs a name, or an ipaddress or url to be named after")
    })?;
    let wish = AddHost {
        name,
        cluster: cluster.uuid,
        hypervisor: params.hypervisor.0,
        address,
        storage_address: params.storage_address,
        initiator: params.initiator,
        world_wide_port_names: params.ports.unwrap_or_default(),
    };
    let hosts = &call.services.orchestration.hypervisor_hosts;
    let begun = hosts.add(&call.request(), wish).await?;
    call.outcome(begun.operation).await
}

/// The host of a URL such as `http://kvm1:16509/`, which may be the bare name as well.
fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    (!host.is_empty()).then(|| host.to_owned())
}
