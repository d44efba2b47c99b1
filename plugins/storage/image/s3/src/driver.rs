//! The driver: what can be done to objects on every store of the provider.
//!
//! What it is not: it asks the server nothing itself. Each method opens its store, which has the
//! mark looked at, and leaves the work to those who know how.

use crate::objects::{MAX_BYTES, check_size};
use crate::s3::Method;
use crate::stores::Stores;
use crate::{listing, reader, writer};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use storage_plugin_api::install_path::{ending, formats};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Store};
use storage_plugin_api::{CreateResult as Created, ObjectPage as Page, OpenedWriter as Writer};

/// How many calls may be under way at once on one store: they wait for the server, mostly.
const CONCURRENT_CALLS: u32 = 32;

/// The driver of all stores. What it remembers may be forgotten at any time.
#[derive(Debug, Clone, Default)]
pub(crate) struct S3Driver {
    pub(crate) stores: Arc<Stores>,
}

#[async_trait]
impl DataStoreDriver for S3Driver {
    async fn get_capabilities(&self, _: &Call, store: &Store) -> Result<DataStoreCapabilities> {
        crate::details::Place::of(store)?;
        let mut able = DataStoreCapabilities::raw_only();
        able.formats = formats().collect();
        (able.read, able.write, able.resume_write) = (true, true, true);
        (able.list_objects, able.extract_url) = (true, true);
        able.limits.concurrent_calls = CONCURRENT_CALLS;
        // A key has 1024 bytes, and folders are in it.
        able.limits.name_bytes = 900;
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
        Ok(DataStoreTo::S3(crate::details::Place::of(store)?.to(store.id)))
    }

    async fn create_async(&self, _: &Call, at: &Store, new: CreateRequest) -> Result<Created> {
        let CreateRequest { object, source, .. } = new;
        if source != CreateSource::Blank {
            let why = "an image store makes nothing of something else; it is copied there";
            return Err(PluginError::unsupported(why));
        }
        // Of any other format it is the size of the disk in it.
        if object.format() == ImageFormat::Raw {
            check_size(object.size_bytes())?;
        }
        self.stores.change(at).await?.make_place(&object).await
    }

    async fn delete_async(&self, _: &Call, at: &Store, object: DataObject) -> Result<()> {
        self.stores.change(at).await?.remove(&self.stores, &object).await
    }

    async fn describe(&self, _: &Call, at: &Store, of: DataObject) -> Result<ObjectDescription> {
        self.stores.look(at).await?.describe(&of).await
    }

    async fn list_objects(&self, _: &Call, at: &Store, of: ListObjectsRequest) -> Result<Page> {
        listing::page(&self.stores.look(at).await?.bucket, &of).await
    }

    async fn open_reader(
        &self,
        _: &Call,
        at: &Store,
        of: OpenReaderRequest,
    ) -> Result<Box<dyn DataReader>> {
        let opened = self.stores.look(at).await?;
        Ok(Box::new(reader::open(&opened, &of).await?))
    }

    async fn open_writer(&self, _: &Call, at: &Store, of: OpenWriterRequest) -> Result<Writer> {
        writer::open(&self.stores, at, of).await
    }
}

#[async_trait]
impl ImageStoreDriver for S3Driver {
    async fn create_entity_extract_url(
        &self,
        _: &Call,
        at: &Store,
        of: ExtractUrlRequest,
    ) -> Result<ExtractUrl> {
        let opened = self.stores.look(at).await?;
        let found = opened.existing(&of.object).await?;
        let name = format!("{}.{}", of.object.uuid(), ending(found.format));
        let life = Duration::from_secs(of.expires_secs);
        let link = opened.bucket.presign(Method::Get, &found.key, life, Some(&name)).await?;
        let mut answer = ExtractUrl::new(link);
        let until = SystemTime::now().duration_since(UNIX_EPOCH).map(|now| now + life);
        answer.expires_at_secs = until.ok().map(|until| until.as_secs());
        Ok(answer)
    }

    // A link that was signed works until its time is over, unless its object goes.
    async fn delete_entity_extract_url(
        &self,
        _: &Call,
        _: &Store,
        _: DeleteUrlRequest,
    ) -> Result<()> {
        Ok(())
    }
}
