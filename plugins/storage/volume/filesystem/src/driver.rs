//! The driver: what can be done to objects on every store of the provider.
//!
//! What it is not: it does nothing to a file itself. Each method finds the place of its store, has
//! the mark looked at, and does its work where blocking is allowed.

use crate::changes::{Side, changed_runs};
use crate::details::{Place, VolumeFormat};
use crate::names::{Format, Name};
use crate::objects::Work;
use crate::qcow2::{self, Image};
use crate::stores::Stores;
use crate::streams;
use crate::thin;
use storage_plugin_api::files::{Opened, blocking, data_runs};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Pool};
use storage_plugin_api::{CreateResult as Created, ObjectPage as Page, OpenedWriter as Writer};

/// The sector of a disk: sizes are multiples of it.
const SECTOR_BYTES: u64 = 512;

/// 8 TiB: what ext4 takes, with room. Other file systems take more.
const MAX_BYTES: u64 = 8 << 40;

/// The driver of all stores. What it remembers may be forgotten at any time.
#[derive(Debug, Clone, Default)]
pub(crate) struct FilesystemDriver {
    pub(crate) stores: Arc<Stores>,
}

impl FilesystemDriver {
    /// Does work that changes something, unless a newer host owns the store.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        call: &Call,
        store: &Pool,
        work: impl FnOnce(&Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(call, store, Stores::change, work).await
    }

    /// Does work that only looks, which an older host may as well: it has to find out.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        call: &Call,
        store: &Pool,
        work: impl FnOnce(&Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(call, store, Stores::look_at, work).await
    }

    async fn run<T: Send + 'static>(
        &self,
        call: &Call,
        store: &Pool,
        open: fn(&Stores, &Place) -> Result<Opened>,
        work: impl FnOnce(&Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (call, place, stores) = (call.clone(), Place::of(store)?, Arc::clone(&self.stores));
        blocking(move || {
            let opened = open(&stores, &place)?;
            work(&Work { call: &call, place: &place, opened: &opened, stores: &stores })
        })
        .await
    }
}

#[async_trait]
impl DataStoreDriver for FilesystemDriver {
    async fn get_capabilities(&self, _: &Call, store: &Pool) -> Result<DataStoreCapabilities> {
        let place = Place::of(store)?;
        let mut able = DataStoreCapabilities::raw_only();
        (able.read, able.write) = (true, true);
        (able.sparse, able.extents, able.thin_usage) = (true, true, true);
        // What changed in an image is not told.
        able.changed_extents = place.volume_format != VolumeFormat::Qcow2;
        (able.resize, able.shrink, able.list_objects) = (true, true, true);
        able.storage_system_snapshot = true;
        able.can_create_volume_from_snapshot = true;
        able.can_create_volume_from_volume = true;
        able.can_create_template_from_snapshot = true;
        able.can_revert_volume_to_snapshot = true;
        able.snapshots_outlive_volume = true;
        able.import_volume = true;
        (able.storage_stats, able.volume_stats) = (true, true);
        able.limits.size_granularity_bytes = SECTOR_BYTES;
        able.limits.min_size_bytes = SECTOR_BYTES;
        able.limits.max_size_bytes = MAX_BYTES;
        let known = self.stores.known_to_share(&place).zip(self.stores.known_to_resume(&place));
        (able.constant_time_clone, able.resume_write) = match known {
            Some(known) => known,
            None => {
                let stores = Arc::clone(&self.stores);
                // A store that cannot be looked at clones nothing just now, and resumes nothing.
                blocking(move || {
                    let shares = stores.shares(&place).unwrap_or(false);
                    Ok((shares, stores.resumes(&place).unwrap_or(false)))
                })
                .await?
            }
        };
        Ok(able)
    }

    // Nothing to add to what the host says of an object by itself.
    async fn get_to(&self, _: &Call, _: &Pool, _: DataObject) -> Result<ToAnswer> {
        Ok(ToAnswer::new())
    }

    async fn get_store_to(&self, _: &Call, store: &Pool) -> Result<DataStoreTo> {
        Ok(DataStoreTo::Primary(pool(store, &Place::of(store)?)))
    }

    async fn create_async(&self, call: &Call, at: &Pool, new: CreateRequest) -> Result<Created> {
        let CreateRequest { object, source, .. } = new;
        let size = object.size_bytes();
        let is_template = object.object_type() == DataObjectType::Template;
        // The size of a template may be unknown until it is written.
        if !(is_template && size == 0) {
            check_size(size)?;
        }
        let source: Option<DataObject> = match source {
            CreateSource::Blank if object.object_type() == DataObjectType::Snapshot => {
                return Err(PluginError::unsupported("a snapshot is taken of a volume"));
            }
            CreateSource::Blank => None,
            CreateSource::Volume(volume) => Some(volume.into()),
            CreateSource::Snapshot(snapshot) => Some(snapshot.into()),
            CreateSource::Template(template) => Some(template.into()),
            _ => return Err(PluginError::unsupported("nothing is made from such a source")),
        };
        self.change(call, at, move |work| match &source {
            None => work.make_blank(&object, size),
            Some(source) => work.make_copy(&object, source, size),
        })
        .await
    }

    async fn delete_async(&self, call: &Call, at: &Pool, object: DataObject) -> Result<()> {
        self.change(call, at, move |work| work.remove(&object)).await
    }

    async fn describe(&self, call: &Call, at: &Pool, of: DataObject) -> Result<ObjectDescription> {
        self.look(call, at, move |work| work.describe(&of)).await
    }

    async fn list_objects(&self, call: &Call, at: &Pool, of: ListObjectsRequest) -> Result<Page> {
        self.look(call, at, move |work| {
            let names = work.opened.directory.names()?;
            let listed = names.into_iter().filter_map(|name| listed(work, name));
            Ok(Page::of(listed.collect(), &of))
        })
        .await
    }

    async fn extents(&self, call: &Call, at: &Pool, of: ExtentsRequest) -> Result<Vec<Extent>> {
        self.look(call, at, move |work| {
            let (directory, there) = (&work.opened.directory, work.existing(&of.object)?);
            if !there.format.is_raw() {
                if of.since.is_some() {
                    return Err(unsupported_since());
                }
                return thin::extents(&Image::open(directory, &there.name)?);
            }
            let open = |name: &str| {
                let (file, found) = directory.open_found(name)?;
                Ok::<_, PluginError>((file, directory.path().join(name), found.size))
            };
            let (file, path, size) = open(&there.name)?;
            let runs = match of.since {
                None => data_runs(&file, &path, size)?,
                Some(since) => {
                    let before = work.existing(&since.into())?;
                    if !before.format.is_raw() {
                        return Err(unsupported_since());
                    }
                    let (before, its_path, its_size) = open(&before.name)?;
                    let now = Side { file: &file, path: &path, size };
                    let before = Side { file: &before, path: &its_path, size: its_size };
                    changed_runs(work.call, now, before)?
                }
            };
            Ok(runs.into_iter().map(|run| Extent::new(run.start, run.end - run.start)).collect())
        })
        .await
    }

    async fn resize(&self, call: &Call, at: &Pool, to: ResizeRequest) -> Result<Created> {
        check_size(to.new_size_bytes)?;
        self.change(call, at, move |work| work.resize(&to)).await
    }

    async fn open_reader(
        &self,
        call: &Call,
        at: &Pool,
        of: OpenReaderRequest,
    ) -> Result<Box<dyn DataReader>> {
        self.look(call, at, move |work| streams::open_reader(work, &of)).await
    }

    async fn open_writer(&self, call: &Call, at: &Pool, of: OpenWriterRequest) -> Result<Writer> {
        self.change(call, at, move |work| streams::open_writer(work, &of)).await
    }
}

fn unsupported_since() -> PluginError {
    PluginError::unsupported("what changed since a snapshot is told of raw volumes only")
}

/// A pool as the mover of bytes sees it.
pub(crate) fn pool(store: &DataStore, place: &Place) -> PrimaryDataStoreTo {
    let mut to = PrimaryDataStoreTo::of(store, StoragePoolType::Filesystem);
    to.path = place.path.to_string_lossy().into_owned();
    to
}

/// Refuses a size outside the declared limits.
pub(crate) fn check_size(size: u64) -> Result<()> {
    if (SECTOR_BYTES..=MAX_BYTES).contains(&size) && size.is_multiple_of(SECTOR_BYTES) {
        return Ok(());
    }
    Err(PluginError::invalid_argument(format!(
        "{size} bytes are no multiple of {SECTOR_BYTES} from {SECTOR_BYTES} to {MAX_BYTES} (8 TiB)"
    )))
}

/// An object by its file. Files of nobody's are listed as such: they may be adopted.
fn listed(work: &Work<'_>, file: String) -> Option<ListedObject> {
    if Name::parse_unfinished(&file).is_some() {
        return None;
    }
    let found = work.opened.directory.look(&file).ok().flatten().filter(|found| found.size > 0)?;
    let size = match Format::of(&file) {
        Format::Raw => found.size,
        // What cannot be read is listed all the same.
        Format::Qcow2 => {
            qcow2::header(&work.opened.directory, &file).map_or(found.size, |header| header.size)
        }
    };
    let mut object = ListedObject::new(file);
    object.size_bytes = Some(size);
    if let Some(name) = Name::parse(&object.path) {
        object.uuid = Some(name.uuid);
        object.object_type = Some(name.kind);
        object.installation_id = Some(name.installation);
    }
    Some(object)
}
