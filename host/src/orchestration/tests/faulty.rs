//! The in-memory provider with accidents.

use super::faults::Faults;
use super::streams::{FaultyReader, FaultyWriter};
use crate::in_memory::InMemory;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use storage_plugin_api::*;
use uuid::Uuid;

/// Everything of the in-memory provider, each call through the plan of accidents.
#[derive(Clone)]
pub(super) struct Faulty {
    pub(super) memory: InMemory,
    pub(super) faults: Arc<Faults>,
    pub(super) told: Arc<Mutex<Told>>,
    /// Whether it takes instance snapshots in a way of its own.
    pub(super) takes_groups: Arc<AtomicBool>,
}

/// What a back end that cares about hypervisor hosts keeps of what it was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::orchestration) struct Told {
    /// Objects, and the hosts that have access.
    pub(in crate::orchestration) access: BTreeSet<(Uuid, Uuid)>,
    /// Pools, and the hosts that are connected.
    pub(in crate::orchestration) connected: BTreeSet<(Uuid, Uuid)>,
}

impl Faulty {
    fn note(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Methods whose calls are counted and may have an accident.
macro_rules! through_the_plan {
    ($trait:ident { $($by_hand:tt)* } $( $name:ident ( $($arg:ident : $ty:ty),* ) -> $answer:ty; )+) => {
        #[async_trait]
        impl $trait for Faulty {
            $($by_hand)*
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
    DataStoreDriver {
        // Asked from memory before each decision: it has no accident.
        async fn get_capabilities(
            &self,
            call: &CallContext,
            store: &StoreContext,
        ) -> PluginResult<DataStoreCapabilities> {
            let mut can = self.memory.get_capabilities(call, store).await?;
            can.import_volume = true;
            if store.role != DataStoreRole::Primary {
                // Whatever comes is bytes.
                can.formats.extend([ImageFormat::Qcow2, ImageFormat::Iso]);
            }
            Ok(can)
        }

        async fn open_reader(
            &self,
            call: &CallContext,
            store: &StoreContext,
            request: OpenReaderRequest,
        ) -> PluginResult<Box<dyn DataReader>> {
            let work = || self.memory.open_reader(call, store, request.clone());
            let reader = self.faults.call("open_reader", work).await?;
            Ok(Box::new(FaultyReader { reader, faults: Arc::clone(&self.faults) }))
        }

        async fn open_writer(
            &self,
            call: &CallContext,
            store: &StoreContext,
            request: OpenWriterRequest,
        ) -> PluginResult<OpenedWriter> {
            let work = || self.memory.open_writer(call, store, request.clone());
            let opened = self.faults.call("open_writer", work).await?;
            let writer =
                FaultyWriter { writer: opened.writer, faults: Arc::clone(&self.faults) };
            Ok(OpenedWriter::new(opened.offset, writer))
        }
    }
        get_to(store: &StoreContext, object: DataObject) -> ToAnswer;
        get_store_to(store: &StoreContext) -> DataStoreTo;
        create_async(store: &StoreContext, request: CreateRequest) -> CreateResult;
        delete_async(store: &StoreContext, object: DataObject) -> ();
        describe(store: &StoreContext, object: DataObject) -> ObjectDescription;
        list_objects(store: &StoreContext, request: ListObjectsRequest) -> ObjectPage;
        extents(store: &StoreContext, request: ExtentsRequest) -> Vec<Extent>;
        resize(store: &StoreContext, request: ResizeRequest) -> CreateResult;
}

through_the_plan! {
    PrimaryDataStoreDriver {
        async fn grant_access(
            &self,
            call: &CallContext,
            store: &StoreContext,
            request: AccessRequest,
        ) -> PluginResult<ConnectionInfo> {
            let work = || async {
                let granted = self.memory.grant_access(call, store, request.clone()).await?;
                let entry = (request.object.uuid(), request.host.uuid);
                self.note(|told| { told.access.insert(entry); });
                Ok(granted)
            };
            self.faults.call("grant_access", work).await
        }

        async fn revoke_access(
            &self,
            _: &CallContext,
            _: &StoreContext,
            request: RevokeRequest,
        ) -> PluginResult<()> {
            let host = request.host.as_ref().map(|host| host.uuid);
            let work = || async {
                self.note(|told| {
                    told.access.retain(|(object, other)| {
                        *object != request.object.uuid() || host.is_some_and(|host| host != *other)
                    });
                });
                Ok(())
            };
            self.faults.call("revoke_access", work).await
        }

        async fn validate_volume_for_import(
            &self,
            call: &CallContext,
            store: &StoreContext,
            request: ImportRequest,
        ) -> PluginResult<ObjectDescription> {
            let mut volume = VolumeInfo::new(Uuid::nil(), "", 0);
            volume.path.clone_from(&request.path);
            let work = || self.memory.describe(call, store, volume.clone().into());
            self.faults.call("validate_volume_for_import", work).await
        }
    }
        take_snapshot(store: &StoreContext, request: TakeSnapshotRequest) -> CreateResult;
        revert_snapshot(store: &StoreContext, request: RevertSnapshotRequest) -> ();
        get_storage_stats(store: &StoreContext) -> StorageStats;
}

#[async_trait]
impl ImageStoreDriver for Faulty {
    // Asked beside operations: it has no accident.
    async fn get_image_store_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<StorageStats> {
        self.memory.get_image_store_stats(call, store).await
    }
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
    HypervisorHostListener {
        async fn host_connect(
            &self,
            _: &CallContext,
            request: HostPoolRequest,
        ) -> PluginResult<HostPoolAnswer> {
            let entry = (request.store.uuid, request.host.uuid);
            let work = || async {
                self.note(|told| { told.connected.insert(entry); });
                Ok(HostPoolAnswer::default())
            };
            self.faults.call("host_connect", work).await
        }

        async fn host_disconnected(
            &self,
            _: &CallContext,
            request: HostPoolRequest,
        ) -> PluginResult<()> {
            let entry = (request.store.uuid, request.host.uuid);
            let work = || async {
                self.note(|told| { told.connected.remove(&entry); });
                Ok(())
            };
            self.faults.call("host_disconnected", work).await
        }
    }
        host_added(host: HypervisorHost) -> ();
        host_about_to_be_removed(host: HypervisorHost) -> ();
        host_removed(host: HypervisorHost) -> ();
        host_enabled(host: HypervisorHost) -> ();
}

#[async_trait]
impl VmSnapshotStrategy for Faulty {
    // Asked from memory before each decision: it has no accident.
    async fn can_handle(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<StrategyVerdict> {
        self.memory.can_handle(call, vm_snapshot).await
    }

    async fn take_vm_snapshot(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<VmSnapshotResult> {
        let work = || self.memory.take_vm_snapshot(call, vm_snapshot.clone());
        self.faults.call("take_vm_snapshot", work).await
    }

    async fn delete_vm_snapshot(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<()> {
        let work = || self.memory.delete_vm_snapshot(call, vm_snapshot.clone());
        self.faults.call("delete_vm_snapshot", work).await
    }

    async fn revert_vm_snapshot(
        &self,
        call: &CallContext,
        vm_snapshot: VmSnapshot,
    ) -> PluginResult<()> {
        let work = || self.memory.revert_vm_snapshot(call, vm_snapshot.clone());
        self.faults.call("revert_vm_snapshot", work).await
    }
}

#[async_trait]
impl DataStoreProvider for Faulty {
    fn get_name(&self) -> String {
        self.memory.get_name()
    }

    fn get_types(&self) -> Vec<DataStoreProviderType> {
        use DataStoreProviderType::{Image, ImageCache, Primary};
        vec![Primary, Image, ImageCache]
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

    fn get_data_store_driver(&self, provider_type: DataStoreProviderType) -> Option<Driver> {
        let this = Arc::new(self.clone());
        Some(match provider_type {
            DataStoreProviderType::Primary => Driver::Primary(this),
            _ => Driver::Image(this),
        })
    }

    fn get_data_store_life_cycle(&self, provider_type: DataStoreProviderType) -> Option<LifeCycle> {
        let this = Arc::new(self.clone());
        Some(match provider_type {
            DataStoreProviderType::Primary => LifeCycle::Primary(this),
            _ => LifeCycle::Image(this),
        })
    }

    fn get_host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        Some(Arc::new(self.clone()))
    }

    fn get_vm_snapshot_strategy(&self) -> Option<Arc<dyn VmSnapshotStrategy>> {
        self.takes_groups.load(Ordering::Relaxed).then(|| Arc::new(self.clone()) as _)
    }
}
