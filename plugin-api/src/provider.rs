//! The provider: what a plugin exports. Start reading here.

use crate::DataStoreDriver;
use crate::context::CallContext;
use crate::driver::{ImageStoreDriver, PrimaryDataStoreDriver};
use crate::error::PluginResult;
use crate::host_listener::HypervisorHostListener;
use crate::host_services::HostServices;
use crate::life_cycle::{DataStoreLifeCycle, PrimaryDataStoreLifeCycle};
use crate::schema::{InputSchema, Settings};
use crate::types::{ScopeType, words};
use crate::vm_snapshot::VmSnapshotStrategy;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

words! {
    /// What a provider can be used for (CloudStack's `DataStoreProviderType`).
    pub enum DataStoreProviderType {
        /// Storage pools: volumes that instances use.
        Primary = "PRIMARY",
        /// Image stores: templates, ISOs, backups.
        Image = "IMAGE",
        /// Secondary staging stores.
        ImageCache = "ImageCache",
        /// Buckets for users. Its driver joins the contract with the object-store methods.
        Object = "OBJECT",
    }
}

/// A driver with the type it serves.
#[derive(Clone)]
#[non_exhaustive]
pub enum Driver {
    /// Of storage pools.
    Primary(Arc<dyn PrimaryDataStoreDriver>),
    /// Of image stores and image caches.
    Image(Arc<dyn ImageStoreDriver>),
}

impl Driver {
    /// What every driver can do.
    pub fn base(&self) -> Arc<dyn DataStoreDriver> {
        match self {
            Self::Primary(driver) => Arc::<dyn PrimaryDataStoreDriver>::clone(driver),
            Self::Image(driver) => Arc::<dyn ImageStoreDriver>::clone(driver),
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary(_) => "Driver::Primary",
            Self::Image(_) => "Driver::Image",
        })
    }
}

/// A life cycle with the type it serves.
#[derive(Clone)]
#[non_exhaustive]
pub enum LifeCycle {
    /// Of storage pools.
    Primary(Arc<dyn PrimaryDataStoreLifeCycle>),
    /// Of image stores and image caches.
    Image(Arc<dyn DataStoreLifeCycle>),
}

impl LifeCycle {
    /// What every life cycle can do.
    pub fn base(&self) -> Arc<dyn DataStoreLifeCycle> {
        match self {
            Self::Primary(life_cycle) => Arc::<dyn PrimaryDataStoreLifeCycle>::clone(life_cycle),
            Self::Image(life_cycle) => Arc::clone(life_cycle),
        }
    }
}

impl fmt::Debug for LifeCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary(_) => "LifeCycle::Primary",
            Self::Image(_) => "LifeCycle::Image",
        })
    }
}

/// A provider of data stores (CloudStack's `DataStoreProvider`): the one thing a plugin exports.
///
/// **Who.** A vendor implements it and hands it to [`export_plugin!`](crate::export_plugin). The
/// host holds one per row of `plugins.toml`; it serves any number of stores.
///
/// **Order.**
/// ```text
/// factory → get_name, get_types, schemas      (any time, from memory)
///         → configure, once                    settings checked; register_driver called
///         → get_data_store_driver, get_data_store_life_cycle, get_host_listener,
///           get_vm_snapshot_strategy           (only after configure returned Ok)
/// ```
/// The `get_…` methods answer from memory; the host calls each once and keeps the answer.
///
/// **Panics** never cross: a panic becomes an `Internal` error, and a plugin that panics in
/// `configure` is refused with the panic's text.
#[async_trait]
pub trait DataStoreProvider: Send + Sync + 'static {
    /// The unique name of the provider (`getName`): stored with every store, shown to people.
    ///
    /// # Behavior
    /// - Never changes, not empty, at most 63 printable characters (case `metadata::name_is_stable`).
    #[doc(alias = "getName")]
    fn get_name(&self) -> String;

    /// What it can be used for (`getTypes`).
    ///
    /// # Behavior
    /// - At least one type, none twice (case `metadata::types_are_declared`).
    #[doc(alias = "getTypes")]
    fn get_types(&self) -> Vec<DataStoreProviderType>;

    /// The schema of the row's `settings` in `plugins.toml`.
    ///
    /// # Behavior
    /// - A valid JSON Schema of an object (case `schema::schemas_are_valid`).
    fn get_settings_schema(&self) -> InputSchema {
        InputSchema::empty()
    }

    /// The schema of the input fields of a store of this type: its details.
    ///
    /// # Behavior
    /// - A valid JSON Schema of an object with a title and a description on every field
    ///   (case `schema::fields_are_described`).
    /// - Secrets are `writeOnly` (case `schema::secrets_are_marked`).
    fn get_input_schema(&self, provider_type: DataStoreProviderType) -> InputSchema;

    /// Whether stores of this provider can have a scope (`isScopeSupported`).
    ///
    /// # Behavior
    /// - At least one scope (case `metadata::some_scope_is_supported`).
    #[doc(alias = "isScopeSupported")]
    fn is_scope_supported(&self, scope: ScopeType) -> bool;

    /// Whether the system template must be fetched into a new store (`needDownloadSysTemplate`).
    #[doc(alias = "needDownloadSysTemplate")]
    fn need_download_sys_template(&self) -> bool {
        false
    }

    /// Sets the provider up (`configure`): build the life cycle, then the driver, then call
    /// [`HostServices::register_driver`] for each type.
    ///
    /// Called once, in the probe as well: it must have no side effects on any back end.
    ///
    /// # Behavior
    /// - Every type of [`get_types`](Self::get_types) has been registered when it returns
    ///   (case `metadata::every_type_has_a_driver`).
    ///
    /// # Errors
    /// `InvalidConfig` for settings that the schema could not catch. The plugin is refused, the
    /// host shows the error and serves on.
    async fn configure(
        &self,
        call: &CallContext,
        settings: Settings,
        host: Arc<dyn HostServices>,
    ) -> PluginResult<()>;

    /// The driver of a type (`getDataStoreDriver`); `None` for a type that is not provided.
    #[doc(alias = "getDataStoreDriver")]
    fn get_data_store_driver(&self, provider_type: DataStoreProviderType) -> Option<Driver>;

    /// The life cycle of a type (`getDataStoreLifeCycle`); `None` for a type that is not provided.
    #[doc(alias = "getDataStoreLifeCycle")]
    #[doc(alias = "getDatastoreLifeCycle")]
    fn get_data_store_life_cycle(&self, provider_type: DataStoreProviderType) -> Option<LifeCycle>;

    /// Told about hypervisor hosts (`getHostListener`); asked of primary providers only.
    #[doc(alias = "getHostListener")]
    fn get_host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        None
    }

    /// Takes instance snapshots in a way of its own (`VMSnapshotStrategy`).
    #[doc(alias = "VMSnapshotStrategy")]
    fn get_vm_snapshot_strategy(&self) -> Option<Arc<dyn VmSnapshotStrategy>> {
        None
    }
}
