//! The in-memory provider, which also counts who has access and fails as it is told.

use crate::in_memory::InMemory;
use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use storage_plugin_api::prelude::*;
use tokio::sync::Notify;

type Change = Box<dyn Fn(&mut DataStoreCapabilities) + Send + Sync>;

/// When a scripted failure comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Nothing was done.
    Before,
    /// It was done all the same.
    After,
}

#[derive(Default)]
struct Inner {
    failures: Mutex<HashMap<&'static str, (When, u32, PluginError)>>,
    capabilities: Mutex<Option<Change>>,
    /// The store that says nothing of what it can do.
    silent: Mutex<Option<Uuid>>,
    access: Mutex<BTreeSet<(String, Uuid)>>,
    copies_itself: Mutex<bool>,
    calls: Mutex<Vec<&'static str>>,
    hang: Mutex<Option<&'static str>>,
    kept: Mutex<Option<(String, PluginError)>>,
    qualities: Mutex<Vec<QualityOfService>>,
    told: Mutex<Vec<Option<bool>>>,
    verdict: Mutex<Option<PluginResult<StrategyVerdict>>>,
    hangs: Notify,
}

/// A provider that does as it is told. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Scripted {
    pub(crate) memory: InMemory,
    inner: Arc<Inner>,
}

impl Scripted {
    /// The next calls of a method fail, and do nothing.
    pub(crate) fn fail(&self, method: &'static str, times: u32, error: PluginError) {
        self.inner.failures.lock().unwrap().insert(method, (When::Before, times, error));
    }

    /// The next call of a method does its work, and says that it failed.
    pub(crate) fn fail_late(&self, method: &'static str, error: PluginError) {
        self.inner.failures.lock().unwrap().insert(method, (When::After, 1, error));
    }

    /// What it can do is changed from here on.
    pub(crate) fn can(&self, change: impl Fn(&mut DataStoreCapabilities) + Send + Sync + 'static) {
        *self.inner.capabilities.lock().unwrap() = Some(Box::new(change));
    }

    /// Its driver copies by itself from here on.
    pub(crate) fn copies_itself(&self) {
        *self.inner.copies_itself.lock().unwrap() = true;
    }

    /// It has an instance snapshot strategy from here on, which says this whatever it is asked.
    pub(crate) fn says(&self, verdict: PluginResult<StrategyVerdict>) {
        *self.inner.verdict.lock().unwrap() = Some(verdict);
    }

    /// The hypervisor hosts that have access to a path.
    pub(crate) fn access(&self, path: &str) -> Vec<Uuid> {
        let access = self.inner.access.lock().unwrap();
        access.iter().filter(|(one, _)| one == path).map(|(_, host)| *host).collect()
    }

    /// How often a method was called.
    pub(crate) fn calls(&self, method: &str) -> usize {
        self.inner.calls.lock().unwrap().iter().filter(|one| **one == method).count()
    }

    /// The qualities that were set, in order.
    pub(crate) fn qualities(&self) -> Vec<QualityOfService> {
        self.inner.qualities.lock().unwrap().clone()
    }

    /// What was told of the instances of volumes since it was asked last: whether one runs, or
    /// that there is none.
    pub(crate) fn told(&self) -> Vec<Option<bool>> {
        std::mem::take(&mut *self.inner.told.lock().unwrap())
    }

    /// The paths of all objects.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.memory.with(|all| all.keys().cloned().collect())
    }

    /// Writes into an object, behind everybody's back.
    pub(crate) fn put(&self, path: &str, offset: u64, bytes: &[u8]) {
        let put = self.memory.with_object(path, |object| {
            object.put(offset, bytes);
            Ok(())
        });
        put.unwrap();
    }

    /// What an object holds at a place.
    pub(crate) fn bytes(&self, path: &str, offset: u64, length: usize) -> Vec<u8> {
        const BLOCK: u64 = 64 << 10;
        let read = self.memory.with_object(path, |object| {
            let at = (offset % BLOCK) as usize;
            let block = object.blocks.get(&(offset / BLOCK));
            Ok(block.map_or_else(|| vec![0; length], |block| block[at..at + length].to_vec()))
        });
        read.unwrap()
    }

    /// How many blocks of an object take space.
    pub(crate) fn blocks(&self, path: &str) -> usize {
        self.memory.with_object(path, |object| Ok(object.blocks.len())).unwrap()
    }

    /// Makes an object that belongs to somebody else.
    pub(crate) fn foreign(&self, path: &str, size: u64) {
        self.memory.with(|all| {
            let object = all.entry(path.to_owned()).or_default();
            object.size = size;
            object.complete = true;
        });
    }

    /// The object at a path cannot be deleted.
    pub(crate) fn keeps(&self, path: &str, error: PluginError) {
        *self.inner.kept.lock().unwrap() = Some((path.to_owned(), error));
    }

    /// A store says no more what it can do.
    pub(crate) fn silence(&self, store: Uuid) {
        *self.inner.silent.lock().unwrap() = Some(store);
    }

    /// The calls of a method never end.
    pub(crate) fn hang(&self, method: &'static str) {
        *self.inner.hang.lock().unwrap() = Some(method);
    }

    /// Waits until a call hangs.
    pub(crate) async fn hangs(&self) {
        let hangs = self.inner.hangs.notified();
        tokio::time::timeout(std::time::Duration::from_secs(60), hangs).await.unwrap();
    }

    async fn pauses(&self, method: &'static str) {
        if *self.inner.hang.lock().unwrap() == Some(method) {
            self.inner.hangs.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn fails(&self, method: &'static str, now: When) -> PluginResult<()> {
        let mut failures = self.inner.failures.lock().unwrap();
        let Some((when, times, error)) = failures.get_mut(method) else {
            return Ok(());
        };
        if *when != now || *times == 0 {
            return Ok(());
        }
        *times -= 1;
        Err(error.clone())
    }

    fn begins(&self, method: &'static str) -> PluginResult<()> {
        self.inner.calls.lock().unwrap().push(method);
        self.fails(method, When::Before)
    }

    fn ends<T>(&self, method: &'static str, result: PluginResult<T>) -> PluginResult<T> {
        self.fails(method, When::After)?;
        result
    }
}

/// Passes methods on to the memory, unless the script says otherwise.
macro_rules! scripted {
    (
        impl $trait:ident {
            $( $method:ident($request:ident) -> $answer:ty; )*
        }
        $($own:tt)*
    ) => {
        #[async_trait]
        impl $trait for Scripted {
            $(
                async fn $method(
                    &self,
                    call: &CallContext,
                    store: &StoreContext,
                    request: $request,
                ) -> PluginResult<$answer> {
                    self.begins(stringify!($method))?;
                    self.pauses(stringify!($method)).await;
                    let result = self.memory.$method(call, store, request).await;
                    self.ends(stringify!($method), result)
                }
            )*
            $($own)*
        }
    };
}

scripted! {
    impl DataStoreDriver {
        get_to(DataObject) -> ToAnswer;
        create_async(CreateRequest) -> CreateResult;
        describe(DataObject) -> ObjectDescription;
        list_objects(ListObjectsRequest) -> ObjectPage;
        extents(ExtentsRequest) -> Vec<Extent>;
        resize(ResizeRequest) -> CreateResult;
        open_reader(OpenReaderRequest) -> Box<dyn DataReader>;
        open_writer(OpenWriterRequest) -> OpenedWriter;
    }
    async fn delete_async(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<()> {
        self.begins("delete_async")?;
        self.pauses("delete_async").await;
        if let Some((path, error)) = self.inner.kept.lock().unwrap().as_ref()
            && path == object.path()
        {
            return Err(error.clone());
        }
        let result = self.memory.delete_async(call, store, object).await;
        self.ends("delete_async", result)
    }
    async fn get_capabilities(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreCapabilities> {
        self.begins("get_capabilities")?;
        if *self.inner.silent.lock().unwrap() == Some(store.uuid) {
            return Err(PluginError::unavailable("it is silent"));
        }
        let mut can = self.memory.get_capabilities(call, store).await?;
        can.import_volume = true;
        if store.role != DataStoreRole::Primary {
            // Whatever comes is bytes.
            can.formats.extend([ImageFormat::Qcow2, ImageFormat::Iso]);
        }
        if let Some(change) = self.inner.capabilities.lock().unwrap().as_ref() {
            change(&mut can);
        }
        Ok(can)
    }
    async fn get_store_to(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreTo> {
        self.memory.get_store_to(call, store).await
    }
    async fn can_copy(&self, _: &CallContext, _: CopyRequest) -> PluginResult<bool> {
        self.begins("can_copy")?;
        Ok(*self.inner.copies_itself.lock().unwrap())
    }
    async fn copy_async(
        &self,
        call: &CallContext,
        request: CopyRequest,
    ) -> PluginResult<CopyResult> {
        self.begins("copy_async")?;
        let store = StoreContext::new(request.destination.store);
        let ask = CreateRequest::new(request.destination.object);
        let made = self.memory.create_async(call, &store, ask).await?;
        self.memory.copy(request.source.object.path(), &made.path, 0, true)?;
        self.ends("copy_async", Ok(CopyResult::new(made.path)))
    }
}

scripted! {
    impl PrimaryDataStoreDriver {
        take_snapshot(TakeSnapshotRequest) -> CreateResult;
        revert_snapshot(RevertSnapshotRequest) -> ();
    }
    async fn update_quality_of_service(
        &self,
        _: &CallContext,
        _: &StoreContext,
        request: QosRequest,
    ) -> PluginResult<()> {
        self.begins("update_quality_of_service")?;
        self.inner.qualities.lock().unwrap().push(request.quality_of_service);
        self.ends("update_quality_of_service", Ok(()))
    }
    async fn handle_quality_of_service_for_volume_migration(
        &self,
        _: &CallContext,
        _: &StoreContext,
        _: QosMigrationRequest,
    ) -> PluginResult<()> {
        self.begins("handle_quality_of_service_for_volume_migration")
    }
    async fn provide_vm_info(
        &self,
        _: &CallContext,
        _: &StoreContext,
        request: VmInfoRequest,
    ) -> PluginResult<()> {
        self.inner.told.lock().unwrap().push(request.vm.map(|vm| vm.running));
        self.begins("provide_vm_info")
    }
    async fn grant_access(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: AccessRequest,
    ) -> PluginResult<ConnectionInfo> {
        self.begins("grant_access")?;
        self.pauses("grant_access").await;
        let who = (request.object.path().to_owned(), request.host.uuid);
        let mut granted = self.memory.grant_access(call, store, request).await?;
        granted.chap = Some(ChapInfo::new("node", Secret::new("chap-s3cret")));
        self.inner.access.lock().unwrap().insert(who);
        self.ends("grant_access", Ok(granted))
    }
    async fn revoke_access(
        &self,
        _: &CallContext,
        _: &StoreContext,
        request: RevokeRequest,
    ) -> PluginResult<()> {
        self.begins("revoke_access")?;
        self.inner.access.lock().unwrap().retain(|(path, host)| {
            path != request.object.path()
                || request.host.as_ref().is_some_and(|one| one.uuid != *host)
        });
        self.ends("revoke_access", Ok(()))
    }
    async fn get_storage_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<StorageStats> {
        self.memory.get_storage_stats(call, store).await
    }
    async fn validate_volume_for_import(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ImportRequest,
    ) -> PluginResult<ObjectDescription> {
        self.begins("validate_volume_for_import")?;
        let mut volume = VolumeInfo::new(Uuid::nil(), "", 0);
        // The same file, as a driver that tidies paths up would find it.
        volume.path = request.path.trim_start_matches("./").to_owned();
        self.memory.describe(call, store, volume.into()).await
    }
}

#[async_trait]
impl ImageStoreDriver for Scripted {
    async fn get_image_store_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<StorageStats> {
        self.begins("get_image_store_stats")?;
        self.memory.get_image_store_stats(call, store).await
    }
    async fn create_entity_extract_url(
        &self,
        _: &CallContext,
        _: &StoreContext,
        request: ExtractUrlRequest,
    ) -> PluginResult<ExtractUrl> {
        self.begins("create_entity_extract_url")?;
        let url = format!("https://store.example/{}?signature=s3cr3t", request.object.uuid());
        Ok(ExtractUrl::new(url))
    }
    async fn delete_entity_extract_url(
        &self,
        _: &CallContext,
        _: &StoreContext,
        _: DeleteUrlRequest,
    ) -> PluginResult<()> {
        self.begins("delete_entity_extract_url")
    }
}

/// That of image stores; pools have the memory's.
#[async_trait]
impl DataStoreLifeCycle for Scripted {
    async fn initialize(
        &self,
        call: &CallContext,
        request: InitializeRequest,
    ) -> PluginResult<InitializedStore> {
        self.begins("initialize")?;
        self.memory.initialize(call, request).await
    }
    async fn attach_zone(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: AttachZoneRequest,
    ) -> PluginResult<bool> {
        self.begins("attach_zone")?;
        self.memory.attach_zone(call, store, request).await
    }
    async fn delete_data_store(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<bool> {
        self.begins("delete_data_store")?;
        self.pauses("delete_data_store").await;
        self.memory.delete_data_store(call, store).await
    }
}

#[async_trait]
impl VmSnapshotStrategy for Scripted {
    async fn can_handle(&self, _: &CallContext, _: VmSnapshot) -> PluginResult<StrategyVerdict> {
        self.begins("can_handle")?;
        self.inner.verdict.lock().unwrap().clone().unwrap()
    }
    async fn take_vm_snapshot(
        &self,
        call: &CallContext,
        request: VmSnapshot,
    ) -> PluginResult<VmSnapshotResult> {
        self.begins("take_vm_snapshot")?;
        let mut taken = self.memory.take_vm_snapshot(call, request).await?;
        taken.details.insert("consistency-group", "cg-1");
        self.ends("take_vm_snapshot", Ok(taken))
    }
    async fn delete_vm_snapshot(
        &self,
        call: &CallContext,
        request: VmSnapshot,
    ) -> PluginResult<()> {
        self.begins("delete_vm_snapshot")?;
        let deleted = self.memory.delete_vm_snapshot(call, request).await;
        self.ends("delete_vm_snapshot", deleted)
    }
    async fn revert_vm_snapshot(
        &self,
        call: &CallContext,
        request: VmSnapshot,
    ) -> PluginResult<()> {
        self.begins("revert_vm_snapshot")?;
        assert_eq!(request.details.get("consistency-group"), Some("cg-1"));
        let reverted = self.memory.revert_vm_snapshot(call, request).await;
        self.ends("revert_vm_snapshot", reverted)
    }
}

#[async_trait]
impl DataStoreProvider for Scripted {
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
    fn is_scope_supported(&self, scope: ScopeType) -> bool {
        self.memory.is_scope_supported(scope)
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
        match provider_type {
            DataStoreProviderType::Primary => self.memory.get_data_store_life_cycle(provider_type),
            _ => Some(LifeCycle::Image(Arc::new(self.clone()))),
        }
    }
    fn get_host_listener(&self) -> Option<Arc<dyn HypervisorHostListener>> {
        self.memory.get_host_listener()
    }
    fn get_vm_snapshot_strategy(&self) -> Option<Arc<dyn VmSnapshotStrategy>> {
        let says = self.inner.verdict.lock().unwrap().is_some();
        says.then(|| Arc::new(self.clone()) as _)
    }
}
