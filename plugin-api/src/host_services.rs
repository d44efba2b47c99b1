//! What a plugin may ask of the host.

use crate::error::PluginResult;
use crate::provider::DataStoreProviderType;
use crate::types::{DataStore, Details, HypervisorHost, Scope, Secret, record, words};
use async_trait::async_trait;
use uuid::Uuid;

words! {
    /// Whose details are meant.
    pub enum DetailOwner {
        /// The plugin's own, not of any object.
        Plugin = "plugin",
        /// A storage pool or image store.
        Store = "store",
        /// A volume.
        Volume = "volume",
        /// A snapshot.
        Snapshot = "snapshot",
        /// A template on a store.
        Template = "template",
        /// A hypervisor host.
        Host = "host",
    }
}

record! {
    /// One key in the durable memory of a plugin.
    pub struct DetailKey {
        /// Whose detail.
        owner: DetailOwner,
        /// The public id of the owner; nil for the plugin's own.
        uuid: Uuid,
        /// The key.
        key: String,
        ;
    }
}

record! {
    /// A value to keep.
    pub struct SetDetailRequest {
        /// Where.
        at: DetailKey,
        /// The value; encrypted at rest, for it may be a secret.
        value: Secret,
        ;
    }
}

record! {
    /// Whose details to list.
    pub struct ListDetailsRequest {
        /// Whose.
        owner: DetailOwner,
        /// The public id of the owner.
        uuid: Uuid,
        ;
    }
}

record! {
    /// Space of a pool, seen by the plugin.
    pub struct CapacityReport {
        /// The store.
        store: Uuid,
        /// All its space in bytes.
        capacity_bytes: u64,
        /// What is used of it.
        used_bytes: u64,
        ;
    }
}

record! {
    /// Which hypervisor hosts to list.
    pub struct ListHostsRequest {
        /// Those in this scope.
        scope: Scope,
        ;
    }
}

/// What a plugin may ask of the host. It arrives with
/// [`configure`](crate::DataStoreProvider::configure) and may be kept and used at any time.
///
/// Log with the macros of the [`log`] crate: what a plugin logs goes to the host's log under the
/// plugin's name. Progress is reported on the
/// [`CallContext`](crate::CallContext::report_progress).
///
/// What a plugin keeps here (details) is scoped to the plugin: it sees no other's. It is durable
/// once the call returned. The contract wants drivers without state of their own, so this is the
/// only memory that survives a restart of host or plugin.
///
/// # Errors
/// Every method: `Unavailable` when the host is going down.
#[async_trait]
pub trait HostServices: Send + Sync + 'static {
    /// Registers the driver of a type (`registerDriver`). To be called in
    /// [`configure`](crate::DataStoreProvider::configure) once life cycle and driver are built.
    ///
    /// # Errors
    /// `Conflict` when the type is registered already, `InvalidArgument` for a type that
    /// `get_types` does not name.
    #[doc(alias = "registerDriver")]
    async fn register_driver(&self, provider_type: DataStoreProviderType) -> PluginResult<()>;

    /// A kept value.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn get_detail(&self, at: DetailKey) -> PluginResult<Option<Secret>>;

    /// Keeps a value durably.
    ///
    /// # Errors
    /// `CapacityExceeded` above 64 KiB a value, `Unavailable`.
    async fn set_detail(&self, request: SetDetailRequest) -> PluginResult<()>;

    /// Forgets a value; one that is not there is forgotten already.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn remove_detail(&self, at: DetailKey) -> PluginResult<()>;

    /// Every kept value of an owner.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_details(&self, request: ListDetailsRequest) -> PluginResult<Details>;

    /// A hypervisor host.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_host(&self, uuid: Uuid) -> PluginResult<Option<HypervisorHost>>;

    /// The hypervisor hosts of a scope.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list_hosts(&self, request: ListHostsRequest) -> PluginResult<Vec<HypervisorHost>>;

    /// A store of this provider, secrets in clear.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn find_store(&self, uuid: Uuid) -> PluginResult<Option<DataStore>>;

    /// Tells the host how full a store is.
    ///
    /// # Errors
    /// `NotFound` for a store of another provider.
    async fn report_capacity(&self, report: CapacityReport) -> PluginResult<()>;

    /// A directory of the plugin's own for temporary files. The host empties it at each start.
    ///
    /// # Errors
    /// `CapacityExceeded`, `Unavailable`.
    async fn temporary_directory(&self) -> PluginResult<String>;
}
