//! Hypervisor hosts: the consumers of storage, and what each knows of the pools.

use super::record::{Index, Record, RecordKind, words};
use super::state::Machine;
use serde::{Deserialize, Serialize};
use storage_plugin_api::{HypervisorHost, HypervisorType};
use uuid::Uuid;

words! {
    /// The state of a hypervisor host.
    pub enum HostState {
        /// It uses storage.
        Up = "Up",
        /// It was taken out of use.
        Disabled = "Disabled",
        /// It is being removed.
        Removing = "Removing",
    }
}

words! {
    /// What happens to a hypervisor host.
    pub enum HostEvent {
        /// It is to be taken out of use.
        DisableRequested = "DisableRequested",
        /// It is to be used again.
        EnableRequested = "EnableRequested",
        /// It is to be removed, and every provider agreed.
        RemoveRequested = "RemoveRequested",
    }
}

impl Machine for HostState {
    type Event = HostEvent;
    const KIND: RecordKind = RecordKind::Host;
    #[rustfmt::skip]
    const TABLE: &'static [(Self, HostEvent, Self)] = {
        use HostEvent as E;
        use HostState::*;
        &[
            (Up,       E::DisableRequested, Disabled),
            (Disabled, E::EnableRequested,  Up),
            (Up,       E::RemoveRequested,  Removing),
            (Disabled, E::RemoveRequested,  Removing),
            (Removing, E::RemoveRequested,  Removing),
        ]
    };
}

/// A hypervisor host: a registered consumer node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its public id.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: HostState,
    /// Its hypervisor.
    pub hypervisor: HypervisorType,
    /// The zone it is in.
    pub zone: Uuid,
    /// The pod it is in.
    pub pod: Uuid,
    /// The cluster it is in.
    pub cluster: Uuid,
    /// Its address.
    #[serde(default)]
    pub address: Option<String>,
    /// Its address in the storage network.
    #[serde(default)]
    pub storage_address: Option<String>,
    /// Its iSCSI qualified name or NVMe host name.
    #[serde(default)]
    pub initiator: Option<String>,
    /// Its Fibre Channel ports.
    #[serde(default)]
    pub world_wide_port_names: Vec<String>,
    /// What a provider's listener said when it was added, where that failed.
    #[serde(default)]
    pub warning: Option<String>,
}

impl Host {
    /// As drivers and listeners see it.
    pub fn as_seen_by_plugins(&self, id: u64) -> HypervisorHost {
        let mut host = HypervisorHost::new(self.uuid, self.name.clone());
        host.id = id;
        host.hypervisor_type = self.hypervisor;
        host.private_ip_address.clone_from(&self.address);
        host.storage_ip_address.clone_from(&self.storage_address);
        host.initiator.clone_from(&self.initiator);
        host.world_wide_port_names.clone_from(&self.world_wide_port_names);
        host.zone_id = Some(self.zone);
        host.pod_id = Some(self.pod);
        host.cluster_id = Some(self.cluster);
        host
    }
}

impl Record for Host {
    const KIND: RecordKind = RecordKind::Host;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index {
            name: self.name.clone(),
            state: self.state.as_str(),
            owner: Some(self.cluster),
            zone: Some(self.zone),
        }
    }
}

/// What a hypervisor host knows of a storage pool, once it connected to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPool {
    /// Its own id.
    pub uuid: Uuid,
    /// The host.
    pub host: Uuid,
    /// The pool.
    pub pool: Uuid,
    /// Where the host sees the pool.
    #[serde(default)]
    pub local_path: Option<String>,
}

impl HostPool {
    /// The id of what a host knows of a pool: two that connect them at the same time make one
    /// record.
    pub fn uuid_of(host: Uuid, pool: Uuid) -> Uuid {
        let both = host.as_u128() ^ pool.as_u128().rotate_left(64);
        uuid::Builder::from_random_bytes(both.to_be_bytes()).into_uuid()
    }
}

impl Record for HostPool {
    const KIND: RecordKind = RecordKind::HostPool;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index { name: self.host.to_string(), state: "", owner: Some(self.pool), zone: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::tests::check;

    #[test]
    fn the_table_is_sound() {
        check(HostState::Up, HostState::ALL);
    }
}
