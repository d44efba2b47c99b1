//! The methods of the contract as the cases call them: each with a context of its own, on the
//! store under test, given up after a window without progress.

use super::subject::Subject;
use crate::*;
use std::sync::Arc;

/// The error of a method that the store's type does not have; a bug of the kit.
fn wrong_type<T>(method: &str) -> PluginResult<T> {
    Err(PluginError::internal(format!("the kit called {method} on a store of another type")))
}

macro_rules! calls {
    ($part:expr => $( $name:ident($($request:ty)?) -> $answer:ty; )*) => {
        impl Subject { $(
            pub(super) async fn $name(
                &self $(, request: $request)?
            ) -> PluginResult<$answer> {
                let (call, store) = (self.stage.call(), self.store());
                let part: fn(&Self) -> Option<Arc<_>> = $part;
                match part(self) {
                    Some(part) => {
                        let running = part.$name(&call, &store $(, { let request: $request = request; request })?);
                        self.stage.within(&call, stringify!($name), running).await
                    }
                    None => wrong_type(stringify!($name)),
                }
            }
        )* }
    };
}

calls! { |subject| Some(subject.driver.base()) =>
    get_capabilities() -> DataStoreCapabilities;
    get_store_to() -> DataStoreTo;
    get_to(DataObject) -> ToAnswer;
    create_async(CreateRequest) -> CreateResult;
    delete_async(DataObject) -> ();
    describe(DataObject) -> ObjectDescription;
    list_objects(ListObjectsRequest) -> ObjectPage;
    extents(ExtentsRequest) -> Vec<Extent>;
    resize(ResizeRequest) -> CreateResult;
    open_reader(OpenReaderRequest) -> Box<dyn DataReader>;
    open_writer(OpenWriterRequest) -> OpenedWriter;
}

calls! { |subject| match &subject.driver {
        Driver::Primary(driver) => Some(Arc::clone(driver)),
        Driver::Image(_) => None,
    } =>
    grant_access(AccessRequest) -> ConnectionInfo;
    revoke_access(RevokeRequest) -> ();
    get_chap_info(DataObject) -> Option<ChapInfo>;
    take_snapshot(TakeSnapshotRequest) -> CreateResult;
    revert_snapshot(RevertSnapshotRequest) -> ();
    update_quality_of_service(QosRequest) -> ();
    get_storage_stats() -> StorageStats;
    get_custom_storage_stats() -> Details;
    get_volume_stats(VolumeInfo) -> VolumeStats;
    can_host_access_storage_pool(HypervisorHost) -> bool;
    get_size_including_hypervisor_snapshot_reserve(VolumeInfo) -> u64;
    get_volume_size_required_on_pool(SizeOnPoolRequest) -> u64;
    provide_vm_info(VmInfoRequest) -> ();
    provide_vm_tags(VmTagsRequest) -> ();
    detach_volume_from_all_storage_nodes(VolumeInfo) -> ();
    validate_volume_for_import(ImportRequest) -> ObjectDescription;
    replicate(ReplicationRequest) -> ReplicationStatus;
}

calls! { |subject| match &subject.driver {
        Driver::Image(driver) => Some(Arc::clone(driver)),
        Driver::Primary(_) => None,
    } =>
    get_image_store_stats() -> StorageStats;
    create_entity_extract_url(ExtractUrlRequest) -> ExtractUrl;
    delete_entity_extract_url(DeleteUrlRequest) -> ();
    get_data_disk_templates(DataDiskTemplatesRequest) -> Vec<DataDiskTemplate>;
}

calls! { |subject| Some(subject.life_cycle.base()) =>
    attach_host(AttachHostRequest) -> bool;
    attach_cluster(AttachClusterRequest) -> bool;
    attach_zone(AttachZoneRequest) -> bool;
    maintain() -> bool;
    cancel_maintain() -> bool;
}

calls! { |subject| match &subject.life_cycle {
        LifeCycle::Primary(life_cycle) => Some(Arc::clone(life_cycle)),
        LifeCycle::Image(_) => None,
    } =>
    enable_storage_pool() -> ();
    disable_storage_pool() -> ();
}

impl Subject {
    pub(super) async fn can_copy(&self, request: CopyRequest) -> PluginResult<bool> {
        let (call, driver) = (self.stage.call(), self.driver.base());
        let running = driver.can_copy(&call, request);
        self.stage.within(&call, "can_copy", running).await
    }

    pub(super) async fn copy_async(&self, request: CopyRequest) -> PluginResult<CopyResult> {
        let (call, driver) = (self.stage.call(), self.driver.base());
        let running = driver.copy_async(&call, request);
        self.stage.within(&call, "copy_async", running).await
    }

    pub(super) async fn initialize(
        &self,
        request: InitializeRequest,
    ) -> PluginResult<InitializedStore> {
        let (call, life_cycle) = (self.stage.call(), self.life_cycle.base());
        let running = life_cycle.initialize(&call, request);
        self.stage.within(&call, "initialize", running).await
    }

    pub(super) async fn delete_data_store(&self, store: &StoreContext) -> PluginResult<bool> {
        let (call, life_cycle) = (self.stage.call(), self.life_cycle.base());
        let running = life_cycle.delete_data_store(&call, store);
        self.stage.within(&call, "delete_data_store", running).await
    }

    /// The next chunk of a reader.
    pub(super) async fn next_chunk(
        &self,
        reader: &mut dyn DataReader,
    ) -> PluginResult<Option<Chunk>> {
        let call = self.stage.call();
        self.stage.within(&call, "read", reader.next()).await
    }

    /// Gives a writer a chunk.
    pub(super) async fn write_chunk(
        &self,
        writer: &mut dyn DataWriter,
        chunk: Chunk,
    ) -> PluginResult<Option<CheckpointToken>> {
        let call = self.stage.call();
        self.stage.within(&call, "write", writer.write(chunk)).await
    }

    /// Ends a writer.
    pub(super) async fn finish_write(
        &self,
        writer: &mut dyn DataWriter,
    ) -> PluginResult<WriteResult> {
        let call = self.stage.call();
        self.stage.within(&call, "finish", writer.finish()).await
    }
}
