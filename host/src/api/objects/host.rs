//! A hypervisor host, as `listHosts` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::api::word::{Words, word_list};
use crate::model::{Cluster, Host, HostState, Pod, Stored, Zone};
use uuid::Uuid;

response! {
    pub(in crate::api) struct HostResponse {
        "id"             id: Uuid                  => "the ID of the host";
        "name"           name: String              => "the name of the host";
        "state"          state: &'static str       => "the state of the host";
        "resourcestate"  resource_state: &'static str => "the resource state of the host";
        "type"           kind: &'static str        => "the host type";
        "hypervisor"     hypervisor: &'static str  => "the host hypervisor";
        "ipaddress"      address: Option<String>   => "the IP address of the host";
        "zoneid"         zone_id: Uuid             => "the Zone ID of the host";
        "zonename"       zone_name: Option<String> => "the Zone name of the host";
        "podid"          pod_id: Uuid              => "the Pod ID of the host";
        "podname"        pod_name: Option<String>  => "the Pod name of the host";
        "clusterid"      cluster_id: Uuid          => "the cluster ID of the host";
        "clustername"    cluster_name: Option<String> => "the cluster name of the host";
        "created"        created: String           => "the date and time the host was created";
        "storageaddress" storage_address: Option<String> => "the address of the host in the storage network (an extension of this host)";
        "initiator"      initiator: Option<String> => "the iSCSI qualified name or NVMe host name (an extension of this host)";
        "wwpns"          ports: Option<String>     => "the Fibre Channel ports, separated by commas (an extension of this host)";
        "warning"        warning: Option<String>   => "what providers said when the host was added or enabled (an extension of this host)";
    }
}

impl Shown for Host {
    const OBJECT_NAME: &'static str = "host";
    type Response = HostResponse;

    async fn show(names: &mut Names, host: &Stored<Self>) -> Result<HostResponse, ApiError> {
        let zone = names.find::<Zone>(Some(host.zone)).await?;
        let pod = names.find::<Pod>(Some(host.pod)).await?;
        let cluster = names.find::<Cluster>(Some(host.cluster)).await?;
        let ports = host.world_wide_port_names.join(",");
        Ok(HostResponse {
            id: host.uuid,
            name: host.name.clone(),
            state: state_of(host.state).word(),
            resource_state: resource_state(host.state).word(),
            kind: "Routing",
            hypervisor: host.hypervisor.as_str(),
            address: host.address.clone(),
            zone_id: host.zone,
            zone_name: zone.map(|zone| zone.name.clone()),
            pod_id: host.pod,
            pod_name: pod.map(|pod| pod.name.clone()),
            cluster_id: host.cluster,
            cluster_name: cluster.map(|cluster| cluster.name.clone()),
            created: format_us(host.created_us),
            storage_address: host.storage_address.clone(),
            initiator: host.initiator.clone(),
            ports: Some(ports).filter(|ports| !ports.is_empty()),
            warning: host.warning.clone(),
        })
    }
}

word_list! {
    /// CloudStack's word for the state of a host.
    pub(in crate::api) enum HostStateWord { Up = "Up", Removed = "Removed" }
}

word_list! {
    /// CloudStack's word for whether a host is used.
    pub(in crate::api) enum ResourceState { Enabled = "Enabled", Disabled = "Disabled" }
}

/// The state of a host, in lists and in their filters.
pub(in crate::api) const fn state_of(state: HostState) -> HostStateWord {
    match state {
        HostState::Up | HostState::Disabled => HostStateWord::Up,
        HostState::Removing => HostStateWord::Removed,
    }
}

/// Whether a host is used, in lists and in their filters.
pub(in crate::api) const fn resource_state(state: HostState) -> ResourceState {
    match state {
        HostState::Up => ResourceState::Enabled,
        HostState::Disabled | HostState::Removing => ResourceState::Disabled,
    }
}
