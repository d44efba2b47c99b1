//! Data objects: volumes, templates and snapshots as a driver sees them.
//!
//! One record serves both as CloudStack's `…Info` view and as its `…ObjectTO`: the fields are the
//! same, the store travels beside it.

use super::data_store::DataStoreTo;
use super::secret::{Details, Secret};
use super::words::words;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

words! {
    /// The kinds of data object (CloudStack's `DataObjectType`).
    pub enum DataObjectType {
        /// A disk of an instance.
        Volume = "VOLUME",
        /// An image or ISO that volumes are made from.
        Template = "TEMPLATE",
        /// A point in time of a volume.
        Snapshot = "SNAPSHOT",
    }
}

words! {
    /// Image formats (CloudStack's `ImageFormat`).
    pub enum ImageFormat {
        /// Bytes of the disk as they are. Every primary driver takes it.
        Raw = "RAW",
        /// QEMU copy on write, version 2 and 3.
        Qcow2 = "QCOW2",
        /// Virtual PC.
        Vhd = "VHD",
        /// Hyper-V.
        Vhdx = "VHDX",
        /// VMware.
        Vmdk = "VMDK",
        /// VirtualBox.
        Vdi = "VDI",
        /// Open virtual appliance.
        Ova = "OVA",
        /// A CD or DVD.
        Iso = "ISO",
        /// An archive.
        Tar = "TAR",
        /// An archive.
        Zip = "ZIP",
        /// A directory.
        Dir = "DIR",
    }
}

words! {
    /// Volume types (CloudStack's `Volume.Type`).
    pub enum VolumeType {
        /// The disk that the instance starts from.
        Root = "ROOT",
        /// Any other disk.
        DataDisk = "DATADISK",
        /// A swap disk.
        Swap = "SWAP",
        /// A CD.
        Iso = "ISO",
    }
}

words! {
    /// How space is set aside (CloudStack's `ProvisioningType`).
    pub enum ProvisioningType {
        /// As little as possible.
        Thin = "thin",
        /// Only what is written.
        Sparse = "sparse",
        /// All of it at once.
        Fat = "fat",
    }
}

words! {
    /// Disk cache modes (CloudStack's `DiskCacheMode`).
    pub enum DiskCacheMode {
        /// No host cache.
        None = "NONE",
        /// Write back.
        WriteBack = "WRITEBACK",
        /// Write through.
        WriteThrough = "WRITETHROUGH",
        /// The hypervisor's default.
        HypervisorDefault = "HYPERVISOR_DEFAULT",
    }
}

/// One limit with its burst.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Rate {
    /// Sustained, per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sustained: Option<u64>,
    /// Burst, per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u64>,
    /// How long a burst may last, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_secs: Option<u64>,
}

impl Rate {
    /// A sustained rate without burst.
    pub const fn sustained(per_second: u64) -> Self {
        Self { sustained: Some(per_second), maximum: None, maximum_secs: None }
    }
}

/// Quality of service from the offerings: CloudStack's twelve rate fields and the two of IOPS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct QualityOfService {
    /// Guaranteed operations per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_iops: Option<u64>,
    /// Most operations per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_iops: Option<u64>,
    /// Bytes read.
    #[serde(skip_serializing_if = "crate::types::is_default")]
    pub bytes_read: Rate,
    /// Bytes written.
    #[serde(skip_serializing_if = "crate::types::is_default")]
    pub bytes_write: Rate,
    /// Read operations.
    #[serde(skip_serializing_if = "crate::types::is_default")]
    pub iops_read: Rate,
    /// Write operations.
    #[serde(skip_serializing_if = "crate::types::is_default")]
    pub iops_write: Rate,
}

/// A volume (CloudStack's `VolumeInfo`, `VolumeObjectTO`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct VolumeInfo {
    /// The public id. Back-end names derive from it and the installation id.
    pub uuid: Uuid,
    /// The internal id, for install paths and containers.
    pub id: u64,
    /// The name users see.
    pub name: String,
    /// What [`create_async`](crate::DataStoreDriver::create_async) answered; empty before.
    pub path: String,
    /// Virtual size in bytes.
    pub size_bytes: u64,
    /// Root or data disk.
    pub volume_type: VolumeType,
    /// The format of the bytes.
    pub format: ImageFormat,
    /// How space is set aside.
    pub provisioning_type: ProvisioningType,
    /// The internal id of the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_id: Option<u64>,
    /// Position on the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<u32>,
    /// The instance, if attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vm_name: Option<String>,
    /// The internal id of the owner.
    pub account_id: u64,
    /// Opaque disk chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_info: Option<String>,
    /// Limits from the offerings.
    #[serde(skip_serializing_if = "crate::types::is_default")]
    pub quality_of_service: QualityOfService,
    /// Cache mode from the offering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_mode: Option<DiskCacheMode>,
    /// `KVM`, `VMware`, …, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypervisor_type: Option<String>,
    /// The host downloads the template itself.
    pub direct_download: bool,
    /// The template is deployed as it is.
    pub deploy_as_is: bool,
    /// Percent of the size kept for hypervisor snapshots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypervisor_snapshot_reserve_percent: Option<u32>,
    /// The key of an encrypted volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
    /// `luks` for an encrypted volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypt_format: Option<String>,
    /// vSphere storage policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vsphere_storage_policy_id: Option<String>,
    /// What the driver keeps about this volume.
    #[serde(skip_serializing_if = "Details::is_empty")]
    pub details: Details,
}

impl Default for VolumeInfo {
    fn default() -> Self {
        Self {
            uuid: Uuid::nil(),
            id: 0,
            name: String::new(),
            path: String::new(),
            size_bytes: 0,
            volume_type: VolumeType::DataDisk,
            format: ImageFormat::Raw,
            provisioning_type: ProvisioningType::Thin,
            pool_id: None,
            device_id: None,
            vm_name: None,
            account_id: 0,
            chain_info: None,
            quality_of_service: QualityOfService::default(),
            cache_mode: None,
            hypervisor_type: None,
            direct_download: false,
            deploy_as_is: false,
            hypervisor_snapshot_reserve_percent: None,
            passphrase: None,
            encrypt_format: None,
            vsphere_storage_policy_id: None,
            details: Details::new(),
        }
    }
}

impl VolumeInfo {
    /// A raw data disk of a size.
    pub fn new(uuid: Uuid, name: impl Into<String>, size_bytes: u64) -> Self {
        Self { uuid, name: name.into(), size_bytes, ..Self::default() }
    }
}

/// A template or ISO (CloudStack's `TemplateInfo`, `TemplateObjectTO`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TemplateInfo {
    /// The public id.
    pub uuid: Uuid,
    /// The internal id, for install paths.
    pub id: u64,
    /// The name users see.
    pub name: String,
    /// The name that is unique in the region.
    pub unique_name: String,
    /// Shown under the name.
    pub display_text: String,
    /// Where it lies on its store; empty before it is there.
    pub install_path: String,
    /// Where it was registered from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `{ALGORITHM}hex`, as the caller gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// The format of the bytes.
    pub format: ImageFormat,
    /// Virtual size in bytes.
    pub size_bytes: u64,
    /// Stored size in bytes.
    pub physical_size_bytes: u64,
    /// The internal id of the owner.
    pub account_id: u64,
    /// Needs hardware virtualisation.
    pub requires_hvm: bool,
    /// Whether an instance can start from it.
    pub bootable: bool,
    /// The operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest_os_type: Option<String>,
    /// `KVM`, `VMware`, …, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypervisor_type: Option<String>,
    /// The host downloads it itself.
    pub direct_download: bool,
    /// It is deployed as it is.
    pub deploy_as_is: bool,
    /// The configuration chosen of one deployed as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy_as_is_configuration: Option<String>,
    /// Whether a download follows redirects.
    pub follow_redirects: bool,
    /// What the driver keeps about this template on this store.
    #[serde(skip_serializing_if = "Details::is_empty")]
    pub details: Details,
}

impl Default for TemplateInfo {
    fn default() -> Self {
        Self {
            uuid: Uuid::nil(),
            id: 0,
            name: String::new(),
            unique_name: String::new(),
            display_text: String::new(),
            install_path: String::new(),
            url: None,
            checksum: None,
            format: ImageFormat::Raw,
            size_bytes: 0,
            physical_size_bytes: 0,
            account_id: 0,
            requires_hvm: false,
            bootable: true,
            guest_os_type: None,
            hypervisor_type: None,
            direct_download: false,
            deploy_as_is: false,
            deploy_as_is_configuration: None,
            follow_redirects: false,
            details: Details::new(),
        }
    }
}

impl TemplateInfo {
    /// A template of a format and a virtual size.
    pub fn new(uuid: Uuid, name: impl Into<String>, format: ImageFormat, size_bytes: u64) -> Self {
        let name = name.into();
        Self { uuid, unique_name: name.clone(), name, format, size_bytes, ..Self::default() }
    }
}

/// A snapshot (CloudStack's `SnapshotInfo`, `SnapshotObjectTO`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SnapshotInfo {
    /// The public id.
    pub uuid: Uuid,
    /// The internal id.
    pub id: u64,
    /// The name users see.
    pub name: String,
    /// What [`take_snapshot`](crate::PrimaryDataStoreDriver::take_snapshot) answered; empty before.
    pub path: String,
    /// The volume it is of.
    pub volume: Box<VolumeInfo>,
    /// The internal id of the owner.
    pub account_id: u64,
    /// The instance the volume was attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vm_name: Option<String>,
    /// `KVM`, `VMware`, …, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hypervisor_type: Option<String>,
    /// The immediate parent on the same store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_path: Option<String>,
    /// Every parent on the same store, oldest first.
    pub parents: Vec<String>,
    /// The guest was asked to quiesce.
    pub quiesce_vm: bool,
    /// Stored size in bytes.
    pub physical_size_bytes: u64,
    /// What the driver keeps about this snapshot.
    #[serde(skip_serializing_if = "Details::is_empty")]
    pub details: Details,
}

impl SnapshotInfo {
    /// A snapshot of a volume.
    pub fn new(uuid: Uuid, name: impl Into<String>, volume: VolumeInfo) -> Self {
        Self { uuid, name: name.into(), volume: Box::new(volume), ..Self::default() }
    }
}

/// A volume, a template or a snapshot (CloudStack's `DataObject`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "moved once a call; a box would cost the most common kind an allocation"
)]
pub enum DataObject {
    /// A volume.
    Volume(VolumeInfo),
    /// A template or ISO.
    Template(TemplateInfo),
    /// A snapshot.
    Snapshot(SnapshotInfo),
}

impl DataObject {
    /// Which kind it is.
    pub const fn object_type(&self) -> DataObjectType {
        match self {
            Self::Volume(_) => DataObjectType::Volume,
            Self::Template(_) => DataObjectType::Template,
            Self::Snapshot(_) => DataObjectType::Snapshot,
        }
    }

    /// The public id.
    pub const fn uuid(&self) -> Uuid {
        match self {
            Self::Volume(volume) => volume.uuid,
            Self::Template(template) => template.uuid,
            Self::Snapshot(snapshot) => snapshot.uuid,
        }
    }

    /// Where it lies on its store; empty before it was created.
    pub fn path(&self) -> &str {
        match self {
            Self::Volume(volume) => &volume.path,
            Self::Template(template) => &template.install_path,
            Self::Snapshot(snapshot) => &snapshot.path,
        }
    }

    /// The format of its bytes; of a snapshot, that of its volume.
    pub const fn format(&self) -> ImageFormat {
        match self {
            Self::Volume(volume) => volume.format,
            Self::Template(template) => template.format,
            Self::Snapshot(snapshot) => snapshot.volume.format,
        }
    }

    /// Virtual size in bytes; of a snapshot, that of its volume.
    pub const fn size_bytes(&self) -> u64 {
        match self {
            Self::Volume(volume) => volume.size_bytes,
            Self::Template(template) => template.size_bytes,
            Self::Snapshot(snapshot) => snapshot.volume.size_bytes,
        }
    }
}

impl From<VolumeInfo> for DataObject {
    fn from(volume: VolumeInfo) -> Self {
        Self::Volume(volume)
    }
}

impl From<TemplateInfo> for DataObject {
    fn from(template: TemplateInfo) -> Self {
        Self::Template(template)
    }
}

impl From<SnapshotInfo> for DataObject {
    fn from(snapshot: SnapshotInfo) -> Self {
        Self::Snapshot(snapshot)
    }
}

/// An object with the store it is on, described for the mover of bytes (CloudStack's `DataTO`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DataTo {
    /// The object.
    pub object: DataObject,
    /// The store it is on.
    pub store: DataStoreTo,
}

impl DataTo {
    /// An object on a store.
    pub fn new(object: impl Into<DataObject>, store: DataStoreTo) -> Self {
        Self { object: object.into(), store }
    }
}

words! {
    /// States of a copy of an object on a store (CloudStack's `ObjectInDataStoreStateMachine.State`).
    pub enum ObjectInDataStoreState {
        /// A row, nothing on the store.
        Allocated = "Allocated",
        /// Being made.
        Creating = "Creating",
        /// There and usable.
        Ready = "Ready",
        /// Being copied from.
        Copying = "Copying",
        /// Being moved.
        Migrating = "Migrating",
        /// Being removed.
        Destroying = "Destroying",
        /// Gone.
        Destroyed = "Destroyed",
        /// Could not be made.
        Failed = "Failed",
        /// Deleted by its owner, kept because a child needs it.
        Hidden = "Hidden",
    }
}
