//! The consumers of storage: hypervisor hosts and instances.

use super::words::words;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

words! {
    /// What a hypervisor host runs (CloudStack's `HypervisorType`).
    pub enum HypervisorType {
        /// KVM.
        Kvm = "KVM",
        /// VMware.
        Vmware = "VMware",
        /// XenServer.
        XenServer = "XenServer",
        /// Hyper-V.
        Hyperv = "Hyperv",
        /// LXC.
        Lxc = "LXC",
        /// Instances by registration only.
        Simulator = "Simulator",
        /// Any of them.
        Any = "Any",
    }
}

/// A consumer node: the machine that uses volumes (CloudStack's `Host`). Never our own binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HypervisorHost {
    /// The public id.
    pub uuid: Uuid,
    /// The internal id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// What it runs.
    pub hypervisor_type: HypervisorType,
    /// Its address on the management network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_ip_address: Option<String>,
    /// Its address on the storage network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_ip_address: Option<String>,
    /// Its iSCSI qualified name, or its NVMe qualified name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiator: Option<String>,
    /// Its Fibre Channel port names.
    pub world_wide_port_names: Vec<String>,
    /// The zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<Uuid>,
    /// The pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_id: Option<Uuid>,
    /// The cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<Uuid>,
}

impl Default for HypervisorHost {
    fn default() -> Self {
        Self {
            uuid: Uuid::nil(),
            id: 0,
            name: String::new(),
            hypervisor_type: HypervisorType::Any,
            private_ip_address: None,
            storage_ip_address: None,
            initiator: None,
            world_wide_port_names: Vec::new(),
            zone_id: None,
            pod_id: None,
            cluster_id: None,
        }
    }
}

impl HypervisorHost {
    /// A host with an id and a name.
    pub fn new(uuid: Uuid, name: impl Into<String>) -> Self {
        Self { uuid, name: name.into(), ..Self::default() }
    }
}

words! {
    /// Whether an instance snapshot holds memory (CloudStack's `VMSnapshot.Type`).
    pub enum VmSnapshotType {
        /// Disks only.
        Disk = "Disk",
        /// Disks and memory.
        DiskAndMemory = "DiskAndMemory",
    }
}

/// An instance (CloudStack's `UserVm` as far as storage needs it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct VmInstance {
    /// The public id.
    pub uuid: Uuid,
    /// The internal id.
    pub id: u64,
    /// Its name on the hypervisor, `i-2-7-VM`.
    pub instance_name: String,
    /// Whether it runs now.
    pub running: bool,
    /// The hypervisor.
    pub hypervisor_type: HypervisorType,
    /// Where it runs, or last ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HypervisorHost>,
}

impl Default for VmInstance {
    fn default() -> Self {
        Self {
            uuid: Uuid::nil(),
            id: 0,
            instance_name: String::new(),
            running: false,
            hypervisor_type: HypervisorType::Any,
            host: None,
        }
    }
}

impl VmInstance {
    /// An instance with an id and a name.
    pub fn new(uuid: Uuid, instance_name: impl Into<String>) -> Self {
        Self { uuid, instance_name: instance_name.into(), ..Self::default() }
    }
}
