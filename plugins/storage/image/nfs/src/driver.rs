//! The driver: what can be done to objects on every store of the provider.
//!
//! What it is not: it does nothing to a file itself. Each method finds the place of its store, has
//! the mark looked at, and does its work where blocking is allowed.

use crate::adding::space;
use crate::details::Place;
use crate::listing;
use crate::objects::{MAX_BYTES, Work, check_size};
use crate::stores::Stores;
use crate::streams;
use storage_plugin_api::files::{Marks, Opened, blocking, data_runs};
use storage_plugin_api::install_path::formats;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Store};
use storage_plugin_api::{CreateResult as Created, ObjectPage as Page, OpenedWriter as Writer};

/// The driver of all stores. What it remembers may be forgotten at any time.
#[derive(Debug, Clone, Default)]
pub(crate) struct NfsDriver {
    pub(crate) stores: Arc<Stores>,
}

impl NfsDriver {
    /// Does work that changes something, unless a newer host owns the store.
    async fn change<T: Send + 'static>(
        &self,
        call: &Call,
        store: &Store,
        work: impl FnOnce(&Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(call, store, |marks, place| marks.change(place), work).await
    }

    /// Does work that only looks, which an older host may as well: it has to find out.
    async fn look<T: Send + 'static>(
        &self,
        call: &Call,
        store: &Store,
        work: impl FnOnce(&Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(call, store, |marks, place| marks.look_at(place), work).await
    }

    async fn run<T: Send + 'static>(
        &self,
        call: &Call,
        store: &Store,
        open: fn(&Marks, &Place) -> Result<Opened>,
        work: impl FnOnce(&Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (call, stores) = (call.clone(), Arc::clone(&self.stores));
        let place = stores.place(store)?;
        blocking(move || {
            let opened = open(&stores.marks, &place)?;
            work(&Work { call: &call, place: &place, opened: &opened, stores: &stores })
        })
        .await
    }
}

#[async_trait]
impl DataStoreDriver for NfsDriver {
    async fn get_capabilities(&self, _: &Call, store: &Store) -> Result<DataStoreCapabilities> {
        self.stores.place(store)?;
        let mut able = DataStoreCapabilities::raw_only();
        able.formats = formats().collect();
        (able.read, able.write, able.resume_write) = (true, true, true);
        (able.sparse, able.extents, able.thin_usage) = (true, true, true);
        (able.list_objects, able.storage_stats, able.write_over) = (true, true, true);
        // An image has whatever length it has.
        able.limits.size_granularity_bytes = 1;
        able.limits.min_size_bytes = 1;
        able.limits.max_size_bytes = MAX_BYTES;
        Ok(able)
    }

    // Nothing to add to what the host says of an object by itself.
    async fn get_to(&self, _: &Call, _: &Store, _: DataObject) -> Result<ToAnswer> {
        Ok(ToAnswer::new())
    }

    async fn get_store_to(&self, _: &Call, store: &Store) -> Result<DataStoreTo> {
        Ok(DataStoreTo::Nfs(self.stores.place(store)?.to()))
    }

    async fn create_async(&self, call: &Call, at: &Store, new: CreateRequest) -> Result<Created> {
        let CreateRequest { object, source, .. } = new;
        if source != CreateSource::Blank {
            let why = "an image store makes nothing of something else; it is copied there";
            return Err(PluginError::unsupported(why));
        }
        // Of any other format it is the size of the disk in it.
        if object.format() == ImageFormat::Raw {
            check_size(object.size_bytes())?;
        }
        self.change(call, at, move |work| work.make_place(&object)).await
    }

    async fn delete_async(&self, call: &Call, at: &Store, object: DataObject) -> Result<()> {
        self.change(call, at, move |work| work.remove(&object)).await
    }

    async fn describe(&self, call: &Call, at: &Store, of: DataObject) -> Result<ObjectDescription> {
        self.look(call, at, move |work| work.describe(&of)).await
    }

    async fn list_objects(&self, call: &Call, at: &Store, of: ListObjectsRequest) -> Result<Page> {
        self.look(call, at, move |work| listing::page(&work.opened.directory, &of)).await
    }

    async fn extents(&self, call: &Call, at: &Store, of: ExtentsRequest) -> Result<Vec<Extent>> {
        if of.since.is_some() {
            return Err(PluginError::unsupported("what changed since a snapshot is not known"));
        }
        self.look(call, at, move |work| {
            let there = work.existing(&of.object)?;
            let (file, found) = there.directory.open_found(&there.file)?;
            let path = there.directory.path().join(&there.file);
            let runs = data_runs(&file, &path, found.size)?;
            Ok(runs.into_iter().map(|run| Extent::new(run.start, run.end - run.start)).collect())
        })
        .await
    }

    async fn open_reader(
        &self,
        call: &Call,
        at: &Store,
        of: OpenReaderRequest,
    ) -> Result<Box<dyn DataReader>> {
        let reader = self.look(call, at, move |work| streams::open_reader(work, &of)).await?;
        Ok(Box::new(reader))
    }

    async fn open_writer(&self, call: &Call, at: &Store, of: OpenWriterRequest) -> Result<Writer> {
        self.change(call, at, move |work| streams::open_writer(work, &of)).await
    }
}

#[async_trait]
impl ImageStoreDriver for NfsDriver {
    async fn get_image_store_stats(&self, call: &Call, at: &Store) -> Result<StorageStats> {
        self.look(call, at, |work| space(work.place, &work.opened.directory)).await
    }
}
