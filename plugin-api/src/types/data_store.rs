//! Data stores: the record a driver works with, and the transfer objects that describe a store
//! to whoever moves the bytes.

use super::scope::Scope;
use super::secret::{Details, Secret};
use super::words::words;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

words! {
    /// What a data store is used for (CloudStack's `DataStoreRole`).
    pub enum DataStoreRole {
        /// A storage pool: volumes that instances use.
        Primary = "Primary",
        /// Secondary storage: templates, ISOs, snapshot backups.
        Image = "Image",
        /// A secondary staging store.
        ImageCache = "ImageCache",
        /// Buckets for users.
        Object = "Object",
    }
}

words! {
    /// How a storage pool is reached (CloudStack's `StoragePoolType`).
    pub enum StoragePoolType {
        /// A directory of one host.
        Filesystem = "Filesystem",
        /// An NFS export.
        NetworkFilesystem = "NetworkFilesystem",
        /// A directory that every host has mounted at one path.
        SharedMountPoint = "SharedMountPoint",
        /// An iSCSI target with one LUN for the whole pool.
        IscsiLun = "IscsiLUN",
        /// An iSCSI target per volume.
        Iscsi = "Iscsi",
        /// A Fibre Channel LUN per volume.
        FiberChannel = "FiberChannel",
        /// A local volume group.
        Lvm = "LVM",
        /// A clustered volume group.
        Clvm = "CLVM",
        /// A Ceph RBD pool.
        Rbd = "RBD",
        /// A VMware datastore.
        Vmfs = "VMFS",
        /// Set up on the hypervisor beforehand.
        PreSetup = "PreSetup",
        /// An SMB share.
        Smb = "SMB",
        /// A Gluster volume.
        Gluster = "Gluster",
        /// Dell PowerFlex.
        PowerFlex = "PowerFlex",
        /// Linstor.
        Linstor = "Linstor",
        /// StorPool.
        StorPool = "StorPool",
        /// NFS exports that the vendor manages, one a volume.
        ManagedNfs = "ManagedNFS",
    }
}

/// A data store as its driver sees it (CloudStack's `DataStore` with the rows behind it).
///
/// Drivers are stateless: everything a call needs to reach the back end is in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DataStore {
    /// The public id of the store.
    pub uuid: Uuid,
    /// The internal id of the store, used in install paths.
    pub id: u64,
    /// The name the operator gave.
    pub name: String,
    /// What the store is used for.
    pub role: DataStoreRole,
    /// Where it can be reached from.
    pub scope: Scope,
    /// Where the back end is, `scheme://host/path`; empty where details say it all.
    pub url: String,
    /// The provider's details of this store, checked against its schema; secrets in clear.
    pub details: Details,
    /// The id of the installation. Back-end names of objects carry it, and a driver touches no
    /// object that carries another.
    pub installation_id: String,
    /// Rises each time anything in this record changes. Clients may be cached by `(uuid, epoch)`.
    pub epoch: u64,
}

impl Default for DataStore {
    fn default() -> Self {
        Self {
            uuid: Uuid::nil(),
            id: 0,
            name: String::new(),
            role: DataStoreRole::Unknown,
            scope: Scope::region(),
            url: String::new(),
            details: Details::new(),
            installation_id: String::new(),
            epoch: 0,
        }
    }
}

impl DataStore {
    /// A store with an id and a role; the other fields are set one by one.
    pub fn new(uuid: Uuid, role: DataStoreRole) -> Self {
        Self { uuid, role, ..Self::default() }
    }
}

/// A store described for the mover of bytes (CloudStack's `DataStoreTO`, path separator always `/`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DataStoreTo {
    /// A storage pool.
    Primary(PrimaryDataStoreTo),
    /// A mounted directory, for secondary storage.
    Nfs(NfsTo),
    /// A bucket of an S3 server.
    S3(S3To),
    /// An account of a Swift server.
    Swift(SwiftTo),
    /// Anything else: the bytes are reached only through the driver's streams.
    Driver(DriverTo),
}

/// A storage pool (CloudStack's `PrimaryDataStoreTO`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PrimaryDataStoreTo {
    /// The public id.
    pub uuid: Uuid,
    /// The internal id.
    pub id: u64,
    /// The name of the pool.
    pub name: String,
    /// How hosts reach it.
    pub pool_type: StoragePoolType,
    /// The server, empty for local storage.
    pub host: String,
    /// The path or export on the server.
    pub path: String,
    /// The port of the server, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The full URI.
    pub url: String,
    /// Hand-off of managed storage: `managedStoreTarget`, `storageHost`, ….
    pub details: Details,
    /// Full (`true`) or linked (`false`) clones; `None` leaves it to the hypervisor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_clone: Option<bool>,
    /// One back-end volume per volume.
    pub managed: bool,
}

impl Default for PrimaryDataStoreTo {
    fn default() -> Self {
        Self {
            uuid: Uuid::nil(),
            id: 0,
            name: String::new(),
            pool_type: StoragePoolType::Unknown,
            host: String::new(),
            path: String::new(),
            port: None,
            url: String::new(),
            details: Details::new(),
            full_clone: None,
            managed: false,
        }
    }
}

impl PrimaryDataStoreTo {
    /// The description of a pool, taken from its record; type, host and path are set after it.
    pub fn of(store: &DataStore, pool_type: StoragePoolType) -> Self {
        Self {
            uuid: store.uuid,
            id: store.id,
            name: store.name.clone(),
            pool_type,
            url: store.url.clone(),
            ..Self::default()
        }
    }
}

/// A mounted directory used as secondary storage (CloudStack's `NfsTO`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NfsTo {
    /// The public id.
    pub uuid: Uuid,
    /// `nfs://host/path` or `cifs://…`.
    pub url: String,
    /// `Image` or `ImageCache`.
    pub role: DataStoreRole,
    /// The NFS version to mount with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nfs_version: Option<String>,
}

/// A bucket (CloudStack's `S3TO`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct S3To {
    /// The internal id.
    pub id: u64,
    /// The public id.
    pub uuid: Uuid,
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: Secret,
    /// Host and optional port; empty for the vendor's default.
    pub endpoint: String,
    /// The bucket.
    pub bucket_name: String,
    /// The name of the signer, as CloudStack spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Whether to speak TLS.
    pub https: bool,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_timeout_ms: Option<u32>,
    /// Number of retries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_error_retry: Option<u32>,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket_timeout_ms: Option<u32>,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_ttl_ms: Option<u32>,
    /// Whether connections send keep-alives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_tcp_keepalive: Option<bool>,
    /// Reduced redundancy storage class.
    pub enable_rrs: bool,
    /// Above this many bytes an upload is multipart; negative: never; zero: always.
    pub max_single_upload_size_bytes: i64,
}

/// A Swift account (CloudStack's `SwiftTO`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SwiftTo {
    /// The internal id.
    pub id: u64,
    /// The authentication URL.
    pub url: String,
    /// The account.
    pub account: String,
    /// The user in the account.
    pub user_name: String,
    /// The user's key.
    pub key: Secret,
    /// The storage policy of new containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_policy: Option<String>,
}

/// A store that only its driver can read and write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DriverTo {
    /// The public id.
    pub uuid: Uuid,
    /// What it is used for.
    pub role: DataStoreRole,
    /// Where it is, for people to read.
    pub url: String,
}

macro_rules! constructors {
    ($( $(#[$meta:meta])* $name:ident ( $($field:ident : $ty:ty),+ ) { $($rest:ident : $value:expr),* } )+) => { $(
        impl $name {
            $(#[$meta])*
            pub fn new($($field: $ty),+) -> Self {
                Self { $($field,)+ $($rest: $value),* }
            }
        }
    )+ };
}
constructors! {
    /// A mounted directory.
    NfsTo(uuid: Uuid, url: String, role: DataStoreRole) { nfs_version: None }
    /// A store behind its driver.
    DriverTo(uuid: Uuid, role: DataStoreRole, url: String) {}
}
