//! The in-memory provider with accidents.

use super::faults::Faults;
use crate::in_memory::InMemory;
use std::sync::Arc;
use storage_plugin_api::*;

/// Everything of the in-memory provider, each call through the plan of accidents.
#[derive(Clone)]
pub(super) struct Faulty {
    pub(super) memory: InMemory,
    pub(super) faults: Arc<Faults>,
}

/// Methods whose calls are counted and may have an accident.
macro_rules! through_the_plan {
    ($trait:ident {} $( $name:ident ( $($arg:ident : $ty:ty),* ) -> $answer:ty; )+) => {
        #[async_trait]
        impl $trait for Faulty {
            $(
                async fn $name(
                    &self,
                    call: &CallContext,
                    $($arg: $ty),*
                ) -> PluginResult<$answer> {
                    let work = || $trait::$name(&self.memory, call, $(Clone::clone(&$arg)),*);
                    self.faults.call(stringify!($name), work).await
                }
            )+
        }
    };
}

through_the_plan! {
    DataStoreDriver {}
        get_capabilities(store: &StoreContext) -> DataStoreCapabilities;
        get_to(store: &StoreContext, object: DataObject) -> ToAnswer;
        get_store_to(store: &StoreContext) -> DataStoreTo;
        create_async(store: &StoreContext, request: CreateRequest) -> CreateResult;
        delete_async(store: &StoreContext, object: DataObject) -> ();
        describe(store: &StoreContext, object: DataObject) -> ObjectDescription;
        list_objects(store: &StoreContext, request: ListObjectsRequest) -> ObjectPage;
        extents(store: &StoreContext, request: ExtentsRequest) -> Vec<Extent>;
        resize(store: &StoreContext, request: ResizeRequest) -> CreateResult;
        open_reader(store: &StoreContext, request: OpenReaderRequest) -> Box<dyn DataReader>;
        open_writer(store: &StoreContext, request: OpenWriterRequest) -> OpenedWriter;
}

through_the_plan! {
    PrimaryDataStoreDriver {}
        grant_access(store: &StoreContext, request: AccessRequest) -> ConnectionInfo;
        revoke_access(store: &StoreContext, request: RevokeRequest) -> ();
        take_snapshot(store: &StoreContext, request: TakeSnapshotRequest) -> CreateResult;
        revert_snapshot(store: &StoreContext, request: RevertSnapshotRequest) -> ();
        get_storage_stats(store: &StoreContext) -> StorageStats;
        validate_volume_for_import(store: &StoreContext, request: ImportRequest) -> ObjectDescription;
}

through_the_plan! {
    DataStoreLifeCycle {}
        initialize(request: InitializeRequest) -> InitializedStore;
        attach_host(store: &StoreContext, request: AttachHostRequest) -> bool;
        attach_cluster(store: &StoreContext, request: AttachClusterRequest) -> bool;
        attach_zone(store: &StoreContext, request: AttachZoneRequest) -> bool;
        maintain(store: &StoreContext) -> bool;
        cancel_maintain(store: &StoreContext) -> bool;
        delete_data_store(store: &StoreContext) -> bool;
}

through_the_plan! {
    PrimaryDataStoreLifeCycle {}
        update_storage_pool(store: &StoreContext, request: UpdatePoolRequest) -> ();
        enable_storage_pool(store: &StoreContext) -> ();
        disable_storage_pool(store: &StoreContext) -> ();
}

through_the_plan! {
    HypervisorHostListener {}
        host_added(host: HypervisorHost) -> ();
        host_connect(request: HostPoolRequest) -> HostPoolAnswer;
        host_disconnected(request: HostPoolRequest) -> ();
        host_about_to_be_removed(host: HypervisorHost) -> ();
        host_removed(host: HypervisorHost) -> ();
        host_enabled(host: HypervisorHost) -> ();
}

#[async_trait]
impl DataStoreProvider for Faulty {
    fn get_name(&self) -> String {
        self.memory.get_name()
    }

    fn get_types(&self) -> Vec<DataStoreProviderType> {
        vec![DataStoreProviderType::Primary]
    }

    fn get_input_schema(&self, provider_type: DataStoreProviderType) -> InputSchema {
        self.memory.get_input_schema(provider_type)
    }

    fn is_scope_supported(&self, _: ScopeType) -> bool {
        true
    }

    async fn configure(
        &self,
        call: &CallContext,
        settings: Settings,
        host: Arc<dyn HostServices>,
    ) -> PluginResult<()> {
        self.memory.configure(call, settings, host).await
    }

    fn get_data_store_driver(&self, _: DataStoreProviderType) -> Option<Driver> {
        Some(Driver::Primary(Arc::new(self.clone())))
    }

    fn get_data_store_life_cycle(&self, _: DataStoreProviderType) -> Option<LifeCycle> {
        Some(LifeCycle::Primary(Arc::new(self.clone())))
    }

    fn get_host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        Some(Arc::new(self.clone()))
    }
}
