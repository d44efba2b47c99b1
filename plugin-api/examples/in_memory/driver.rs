//! The driver of the in-memory provider. One serves every store: which one is in each call.

use super::StoreDetails;
use super::objects::{BLOCK, InMemory, Object, Reader, TOKEN, Writer};
use storage_plugin_api::prelude::*;

/// Where an object lies: its path, or the name that follows from its uuid and our installation.
pub(crate) fn locate(store: &DataStore, object: &DataObject) -> PluginResult<String> {
    if !object.path().is_empty() {
        return Ok(object.path().to_owned());
    }
    let area = store.details.parse::<StoreDetails>()?.area;
    let (installation, kind) = (&store.installation_id, object.object_type());
    Ok(format!("{area}/{installation}.{kind}.{}", object.uuid()))
}

#[async_trait]
impl DataStoreDriver for InMemory {
    async fn get_capabilities(
        &self,
        _: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreCapabilities> {
        let mut can = DataStoreCapabilities::raw_only();
        (can.read, can.write, can.resume_write, can.sparse) = (true, true, true, true);
        (can.list_objects, can.extents, can.thin_usage) = (true, true, true);
        (can.changed_extents, can.storage_stats) = (true, true);
        can.write_over = store.role != DataStoreRole::Primary;
        // An image is bytes, whatever its format.
        if store.role != DataStoreRole::Primary {
            can.formats.extend([ImageFormat::Qcow2, ImageFormat::Vmdk]);
        }
        // The rest is about volumes.
        if store.role == DataStoreRole::Primary {
            (can.resize, can.shrink, can.volume_stats) = (true, true, true);
            (can.storage_system_snapshot, can.snapshots_outlive_volume) = (true, true);
            (can.can_create_volume_from_snapshot, can.can_create_volume_from_volume) = (true, true);
            (can.can_revert_volume_to_snapshot, can.constant_time_clone) = (true, true);
        }
        Ok(can)
    }
    async fn get_to(
        &self,
        _: &CallContext,
        _: &StoreContext,
        _: DataObject,
    ) -> PluginResult<ToAnswer> {
        Ok(ToAnswer::default()) // The host describes it: its bytes are reached through our streams.
    }
    async fn get_store_to(
        &self,
        _: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreTo> {
        Ok(match store.role {
            DataStoreRole::Primary => {
                DataStoreTo::Primary(PrimaryDataStoreTo::of(store, StoragePoolType::PreSetup))
            }
            role => DataStoreTo::Driver(DriverTo::new(store.uuid, role, store.url.clone())),
        })
    }
    async fn create_async(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: CreateRequest,
    ) -> PluginResult<CreateResult> {
        // Refuse first, change afterwards: then a failure leaves nothing.
        let limits = self.get_capabilities(call, store).await?.limits;
        let (size, is_volume) =
            (request.object.size_bytes(), request.object.object_type() == DataObjectType::Volume);
        if size > limits.max_size_bytes || (is_volume && size < limits.min_size_bytes) {
            return Err(PluginError::invalid_argument(format!(
                "{size} bytes are outside the limits"
            )));
        }
        let path = locate(store, &request.object)?;
        let source: Option<DataObject> = match request.source {
            CreateSource::Volume(volume) => Some(volume.into()),
            CreateSource::Template(template) => Some(template.into()),
            CreateSource::Snapshot(snapshot) => Some(snapshot.into()),
            _ => None,
        };
        match source {
            Some(source) => self.copy(&locate(store, &source)?, &path, size, false)?,
            // What is there already stays: the host may ask again after a crash.
            None => self.with(|all| {
                let format = match &request.object {
                    DataObject::Template(template) => template.format,
                    _ => ImageFormat::Raw,
                };
                let image = (format != ImageFormat::Raw).then_some((format, size));
                all.entry(path.clone()).or_insert(Object {
                    size: if image.is_some() { 0 } else { size },
                    image,
                    complete: is_volume,
                    ..Object::default()
                });
            }),
        }
        let mut result = CreateResult::new(path.clone());
        result.size_bytes = self.with_object(&path, |object| Ok(Some(object.virtual_size())))?;
        Ok(result)
    }
    async fn delete_async(
        &self,
        _: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<()> {
        let path = locate(store, &object)?;
        self.with(|all| all.remove(&path)); // Whether it was there does not matter.
        Ok(())
    }
    async fn describe(
        &self,
        _: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<ObjectDescription> {
        let path = locate(store, &object)?;
        let Some(object) = self.with(|all| all.get(&path).cloned()) else {
            return Ok(ObjectDescription::absent());
        };
        let mut description = ObjectDescription::new(object.complete);
        description.size_bytes = object.virtual_size();
        description.physical_size_bytes = Some(object.blocks.len() as u64 * BLOCK);
        description.generation = Some(object.changes.to_string());
        description.format = object.image.map(|(format, _)| format);
        description.digest = object.recorded();
        description.path = path;
        Ok(description)
    }
    async fn list_objects(
        &self,
        _: &CallContext,
        store: &StoreContext,
        request: ListObjectsRequest,
    ) -> PluginResult<ObjectPage> {
        let area = format!("{}/", store.details.parse::<StoreDetails>()?.area);
        let limit = if request.limit == 0 { 1000 } else { request.limit as usize };
        let after = request.marker.unwrap_or_default();
        let mut objects: Vec<_> = self.with(|all| {
            let ours = all.iter().filter(|(path, _)| path.starts_with(&area) && **path > after);
            ours.take(limit + 1).map(|(path, object)| listed(path, object)).collect()
        });
        let more = objects.len() > limit;
        objects.truncate(limit);
        let mut page = ObjectPage::new(objects);
        page.next_marker = page.objects.last().filter(|_| more).map(|last| last.path.clone());
        Ok(page)
    }
    async fn extents(
        &self,
        _: &CallContext,
        store: &StoreContext,
        request: ExtentsRequest,
    ) -> PluginResult<Vec<Extent>> {
        let before = match request.since {
            Some(since) => {
                let before = locate(store, &since.into())?;
                Some(self.with_object(&before, |object| Ok(object.clone()))?)
            }
            None => None,
        };
        self.with_object(&locate(store, &request.object)?, |object| {
            let run =
                |block: u64| Extent::new(block * BLOCK, BLOCK.min(object.size - block * BLOCK));
            Ok(object.blocks_since(before.as_ref()).into_iter().map(run).collect())
        })
    }
    async fn resize(
        &self,
        _: &CallContext,
        store: &StoreContext,
        request: ResizeRequest,
    ) -> PluginResult<CreateResult> {
        let path = locate(store, &request.volume.into())?;
        self.with_object(&path, |object| {
            if request.new_size_bytes < object.size && !request.shrink_ok {
                return Err(PluginError::invalid_argument("shrinking needs consent"));
            }
            object.size = request.new_size_bytes;
            object.cut(request.new_size_bytes);
            Ok(())
        })?;
        Ok(CreateResult::new(path))
    }
    async fn open_reader(
        &self,
        _: &CallContext,
        store: &StoreContext,
        request: OpenReaderRequest,
    ) -> PluginResult<Box<dyn DataReader>> {
        // A clone shares the blocks: whoever writes meanwhile does not disturb the reader.
        let object =
            self.with_object(&locate(store, &request.object)?, |object| Ok(object.clone()))?;
        let end =
            request.length.map_or(object.size, |length| object.size.min(request.offset + length));
        Ok(Box::new(Reader { object, at: request.offset, end }))
    }
    async fn open_writer(
        &self,
        _: &CallContext,
        store: &StoreContext,
        request: OpenWriterRequest,
    ) -> PluginResult<OpenedWriter> {
        let path = locate(store, &request.object)?;
        let at = match request.resume {
            Some(token) if token.state != TOKEN => {
                return Err(PluginError::invalid_argument("the token is not ours"));
            }
            Some(token) => token.offset,
            None => 0,
        };
        let is_volume = request.object.object_type() == DataObjectType::Volume;
        let base = match request.base {
            Some(base) => {
                Some(self.with_object(&locate(store, &base)?, |object| Ok(object.blocks.clone()))?)
            }
            None => None,
        };
        let is_over = base.is_some();
        self.with_object(&path, |object| {
            if !is_volume {
                object.size = request.size_bytes; // Nobody need have known it before.
            }
            if request.size_bytes > object.size {
                return Err(PluginError::invalid_argument(
                    "there are more bytes than the object has",
                ));
            }
            object.complete &= is_volume;
            object.cut(at); // Nothing of what was there before shines through.
            object.blocks.extend(base.unwrap_or_default());
            Ok(())
        })?;
        Ok(OpenedWriter::new(
            at,
            Writer {
                memory: self.clone(),
                path,
                size: request.size_bytes,
                at,
                promised: at,
                is_over,
            },
        ))
    }
}

/// An entry of a listing, read from the name that [`locate`] gave.
fn listed(path: &str, object: &Object) -> ListedObject {
    let mut entry = ListedObject::new(path);
    entry.size_bytes = Some(object.virtual_size());
    let mut parts = path.rsplit('/').next().unwrap_or_default().split('.');
    entry.installation_id = parts.next().map(str::to_owned);
    entry.object_type = parts.next().map(DataObjectType::from_word);
    entry.uuid = parts.next().and_then(|uuid| uuid.parse().ok());
    entry
}

#[async_trait]
impl PrimaryDataStoreDriver for InMemory {
    async fn grant_access(
        &self,
        _: &CallContext,
        store: &StoreContext,
        request: AccessRequest,
    ) -> PluginResult<ConnectionInfo> {
        let path = locate(store, &request.object)?;
        self.with_object(&path, |_| Ok(ConnectionInfo::file(format!("/memory/{path}"))))
    }
    async fn revoke_access(
        &self,
        _: &CallContext,
        _: &StoreContext,
        _: RevokeRequest,
    ) -> PluginResult<()> {
        Ok(()) // Nothing is kept per host.
    }
    async fn take_snapshot(
        &self,
        _: &CallContext,
        store: &StoreContext,
        request: TakeSnapshotRequest,
    ) -> PluginResult<CreateResult> {
        let volume = locate(store, &(*request.snapshot.volume).clone().into())?;
        let path = locate(store, &request.snapshot.into())?;
        self.copy(&volume, &path, 0, false)?;
        Ok(CreateResult::new(path))
    }
    async fn revert_snapshot(
        &self,
        _: &CallContext,
        store: &StoreContext,
        request: RevertSnapshotRequest,
    ) -> PluginResult<()> {
        let volume = locate(store, &(*request.snapshot.volume).clone().into())?;
        self.copy(&locate(store, &request.snapshot.into())?, &volume, 0, true)
    }
    async fn get_storage_stats(
        &self,
        _: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<StorageStats> {
        self.space(store)
    }
    async fn get_volume_stats(
        &self,
        _: &CallContext,
        store: &StoreContext,
        volume: VolumeInfo,
    ) -> PluginResult<VolumeStats> {
        self.with_object(&locate(store, &volume.into())?, |object| {
            Ok(VolumeStats::new(object.blocks.len() as u64 * BLOCK, object.size))
        })
    }
}
#[async_trait]
impl ImageStoreDriver for InMemory {
    async fn get_image_store_stats(
        &self,
        _: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<StorageStats> {
        self.space(store)
    }
}
impl InMemory {
    fn space(&self, store: &StoreContext) -> PluginResult<StorageStats> {
        let details: StoreDetails = store.details.parse()?;
        let used: u64 =
            self.with(|all| all.values().map(|object| object.blocks.len() as u64 * BLOCK).sum());
        Ok(StorageStats::new(details.capacity_bytes.unwrap_or(1 << 40), used))
    }
}
