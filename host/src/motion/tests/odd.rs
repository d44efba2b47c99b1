//! A driver with odd streams: its reader gives the same chunk for ever, its writer begins where it
//! likes.

use crate::in_memory::InMemory;
use storage_plugin_api::prelude::*;

pub(super) struct Odd {
    pub(super) memory: InMemory,
    pub(super) chunk: Chunk,
    pub(super) begins_at: u64,
    pub(super) knows_tokens: bool,
}

#[async_trait]
impl DataStoreDriver for Odd {
    async fn open_reader(
        &self,
        _: &CallContext,
        _: &StoreContext,
        _: OpenReaderRequest,
    ) -> PluginResult<Box<dyn DataReader>> {
        Ok(Box::new(Same(self.chunk.clone())))
    }

    async fn open_writer(
        &self,
        _: &CallContext,
        _: &StoreContext,
        request: OpenWriterRequest,
    ) -> PluginResult<OpenedWriter> {
        match request.resume {
            Some(_) if !self.knows_tokens => Err(PluginError::not_found("no such token")),
            _ => Ok(OpenedWriter::new(self.begins_at, Nowhere)),
        }
    }

    async fn get_capabilities(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreCapabilities> {
        self.memory.get_capabilities(call, store).await
    }

    async fn get_to(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<ToAnswer> {
        self.memory.get_to(call, store, object).await
    }

    async fn get_store_to(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreTo> {
        self.memory.get_store_to(call, store).await
    }

    async fn create_async(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: CreateRequest,
    ) -> PluginResult<CreateResult> {
        self.memory.create_async(call, store, request).await
    }

    async fn delete_async(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<()> {
        self.memory.delete_async(call, store, object).await
    }

    async fn describe(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<ObjectDescription> {
        self.memory.describe(call, store, object).await
    }

    async fn list_objects(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ListObjectsRequest,
    ) -> PluginResult<ObjectPage> {
        self.memory.list_objects(call, store, request).await
    }
}

struct Same(Chunk);

#[async_trait]
impl DataReader for Same {
    async fn next(&mut self) -> PluginResult<Option<Chunk>> {
        Ok(Some(self.0.clone()))
    }
}

struct Nowhere;

#[async_trait]
impl DataWriter for Nowhere {
    async fn write(&mut self, _: Chunk) -> PluginResult<Option<CheckpointToken>> {
        Ok(None)
    }

    async fn finish(&mut self) -> PluginResult<WriteResult> {
        Ok(WriteResult::default())
    }

    async fn abort(&mut self) -> PluginResult<()> {
        Ok(())
    }
}
