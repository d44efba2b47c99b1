//! The records of the contract: plain data, named as CloudStack names it.
//!
//! Every record is `#[non_exhaustive]` with public fields: build it with its constructor or
//! `default()`, then set what you need. Fields are only ever added; one that the other side does
//! not send arrives with its default.

mod capabilities;
mod compute;
mod connection;
mod data_object;
mod data_store;
mod record;
mod scope;
mod secret;
mod url;
mod words;

pub use capabilities::{DataStoreCapabilities, DriverLimits};
pub use compute::{HypervisorHost, HypervisorType, VmInstance, VmSnapshotType};
pub use connection::{AccessProtocol, ChapInfo, ConnectionInfo};
pub use data_object::{
    DataObject, DataObjectType, DataTo, DiskCacheMode, ImageFormat, ObjectInDataStoreState,
    ProvisioningType, QualityOfService, Rate, SnapshotInfo, TemplateInfo, VolumeInfo, VolumeType,
};
pub use data_store::{
    DataStore, DataStoreRole, DataStoreTo, DriverTo, NfsTo, PrimaryDataStoreTo, S3To,
    StoragePoolType, SwiftTo,
};
pub(crate) use record::{is_default, record};
pub use scope::{Scope, ScopeType};
pub use secret::{Details, Secret};
pub use url::shown_url;
pub(crate) use words::words;
