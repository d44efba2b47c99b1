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

/// Passes on to the memory what is not odd.
macro_rules! odd {
    (
        impl $trait:ident {
            $( $method:ident($($request:ident: $of:ty)?) -> $answer:ty; )*
        }
        $($own:tt)*
    ) => {
        #[async_trait]
        impl $trait for Odd {
            $(
                async fn $method(
                    &self,
                    call: &CallContext,
                    store: &StoreContext,
                    $($request: $of,)?
                ) -> PluginResult<$answer> {
                    self.memory.$method(call, store $(, $request)?).await
                }
            )*
            $($own)*
        }
    };
}

odd! {
    impl DataStoreDriver {
        get_capabilities() -> DataStoreCapabilities;
        get_to(object: DataObject) -> ToAnswer;
        get_store_to() -> DataStoreTo;
        create_async(request: CreateRequest) -> CreateResult;
        delete_async(object: DataObject) -> ();
        describe(object: DataObject) -> ObjectDescription;
        list_objects(request: ListObjectsRequest) -> ObjectPage;
    }
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
