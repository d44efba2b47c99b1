#![doc = include_str!("../README.md")]

mod provider;

mod driver;
mod host_listener;
mod host_services;
mod life_cycle;
mod vm_snapshot;

mod context;
mod error;
mod schema;
mod stream;
mod types;

#[cfg(feature = "digest")]
pub mod digest;
pub mod files;
pub mod install_path;

mod export;
#[doc(hidden)]
pub mod metadata;

#[doc(hidden)]
pub mod abi;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use context::{CallContext, Progress, StoreContext};
pub use driver::*;
pub use error::{PluginError, PluginErrorKind, PluginResult, Retry};
pub use host_listener::{HostPoolAnswer, HostPoolRequest, HypervisorHostListener};
pub use host_services::{
    CapacityReport, DetailKey, DetailOwner, HostServices, ListDetailsRequest, ListHostsRequest,
    SetDetailRequest,
};
pub use life_cycle::{
    AttachClusterRequest, AttachHostRequest, AttachZoneRequest, ChangeScopeRequest,
    DataStoreLifeCycle, InitializeRequest, InitializedStore, PrimaryDataStoreLifeCycle,
    UpdatePoolRequest,
};
pub use provider::{DataStoreProvider, DataStoreProviderType, Driver, LifeCycle};
pub use schema::{InputSchema, Settings};
pub use stream::{
    CHUNK_BYTES, CheckpointToken, Chunk, DataReader, DataWriter, OpenedWriter, WriteResult,
};
pub use types::*;
pub use vm_snapshot::{
    StrategyPriority, StrategyVerdict, VmSnapshot, VmSnapshotResult, VmSnapshotStrategy,
    VolumeSnapshot,
};

// What a plugin needs besides, in the versions this crate was built with.
pub use {async_trait::async_trait, bytes, log, schemars, serde, serde_json, tokio, uuid};

/// Everything a plugin usually names.
pub mod prelude {
    pub use crate::schemars::JsonSchema;
    pub use crate::serde::{Deserialize, Serialize};
    pub use crate::uuid::Uuid;
    pub use crate::*;
    pub use std::sync::Arc;
}

/// What [`export_plugin!`] expands to. Not part of the contract.
#[doc(hidden)]
pub mod __private {
    pub use crate::abi::stable;
    pub use crate::abi::{
        ABI_VERSION, HostBox, OpenOptions, PluginRoot_Ref, ProviderBox, RUSTC, TARGET, open,
        root_module,
    };
    pub use crate::metadata;

    /// What `open` of a root module returns.
    pub type Opened = crate::abi::WireResult<ProviderBox>;

    /// The version of this crate.
    pub const SDK_VERSION: &str = env!("CARGO_PKG_VERSION");
}
