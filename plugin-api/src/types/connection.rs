//! How a hypervisor host reaches a volume once access is granted.

use super::secret::{Details, Secret};
use super::words::words;
use serde::{Deserialize, Serialize};

words! {
    /// How the bytes of a granted object are reached.
    pub enum AccessProtocol {
        /// A file at a path every granted host can open.
        File = "file",
        /// A file on an NFS export.
        Nfs = "nfs",
        /// iSCSI.
        Iscsi = "iscsi",
        /// Fibre Channel.
        FibreChannel = "fc",
        /// NVMe over TCP.
        NvmeTcp = "nvme-tcp",
        /// NVMe over RDMA.
        NvmeRdma = "nvme-rdma",
        /// A Ceph RBD image.
        Rbd = "rbd",
        /// A network block device server.
        Nbd = "nbd",
        /// A vendor's client on the host makes a block device appear.
        VendorClient = "vendor-client",
    }
}

/// CHAP names and secrets (CloudStack's `ChapInfo`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ChapInfo {
    /// The name the initiator logs in with.
    pub initiator_username: String,
    /// Its secret.
    pub initiator_secret: Secret,
    /// The name the target proves itself with, for mutual CHAP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_username: Option<String>,
    /// Its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_secret: Option<Secret>,
}

impl ChapInfo {
    /// One-way CHAP.
    pub fn new(initiator_username: impl Into<String>, initiator_secret: Secret) -> Self {
        Self { initiator_username: initiator_username.into(), initiator_secret, ..Self::default() }
    }
}

/// Everything a hypervisor host needs to attach a granted object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// How to reach it; decides which of the other fields are set.
    pub protocol: AccessProtocol,
    /// A path (`file`, `nfs`), an image (`rbd`: `pool/image`) or an export name (`nbd`).
    pub path: String,
    /// `address:port` of each portal or monitor, preferred first.
    pub portals: Vec<String>,
    /// The iSCSI target, IQN or EUI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The logical unit of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lun: Option<u64>,
    /// The NVMe qualified name of the subsystem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nqn: Option<String>,
    /// The namespace in the subsystem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<u32>,
    /// The world wide name by which the block device is recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world_wide_name: Option<String>,
    /// Fibre Channel ports of the array.
    pub world_wide_port_names: Vec<String>,
    /// CHAP, where the target asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chap: Option<ChapInfo>,
    /// Several portals lead to one device.
    pub multipath: bool,
    /// Writes will be refused.
    pub read_only: bool,
    /// What a vendor's client needs besides.
    pub details: Details,
}

impl Default for ConnectionInfo {
    fn default() -> Self {
        Self {
            protocol: AccessProtocol::File,
            path: String::new(),
            portals: Vec::new(),
            target: None,
            lun: None,
            nqn: None,
            namespace_id: None,
            world_wide_name: None,
            world_wide_port_names: Vec::new(),
            chap: None,
            multipath: false,
            read_only: false,
            details: Details::new(),
        }
    }
}

impl ConnectionInfo {
    /// A file that every granted host sees at this path.
    pub fn file(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// A logical unit of an iSCSI target.
    pub fn iscsi(portals: Vec<String>, target: impl Into<String>, lun: u64) -> Self {
        Self {
            protocol: AccessProtocol::Iscsi,
            multipath: portals.len() > 1,
            portals,
            target: Some(target.into()),
            lun: Some(lun),
            ..Self::default()
        }
    }

    /// Any other protocol; the fields it needs are set one by one.
    pub fn new(protocol: AccessProtocol) -> Self {
        Self { protocol, ..Self::default() }
    }
}
