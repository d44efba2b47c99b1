//! What the tests of the plugins on directories share: the methods of the contract as calls that
//! wait, and how an answer is refused. Their modules of tests include this file.
//!
//! It is not the conformance kit, which sees no more than a host does: whoever calls here looks at
//! the files as well.

use storage_plugin_api::prelude::*;
use storage_plugin_api::tokio;
use storage_plugin_api::{CallContext, PluginErrorKind, StoreContext};

pub(super) const MIB: u64 = 1 << 20;
pub(super) const INSTALLATION: &str = "ins-tests";

/// A provider under test, whose methods are called each with a context of its own.
pub(super) trait Calls {
    type Driver: DataStoreDriver;
    type LifeCycle: DataStoreLifeCycle;

    fn driver(&self) -> Self::Driver;
    fn life_cycle(&self) -> Self::LifeCycle;

    fn initialize(&self, store: &DataStore) -> PluginResult<InitializedStore> {
        let scope = Scope::zone(Uuid::new_v4());
        let mut request = InitializeRequest::new(store.uuid, store.role, "store", scope);
        request.url = store.url.clone();
        request.details = store.details.clone();
        request.installation_id = store.installation_id.clone();
        run(self.life_cycle().initialize(&call(), request))
    }

    /// Adds a store, with more details than an operator entered; the store as it is from then on.
    fn added(&self, mut store: DataStore, details: &[(&str, &str)]) -> DataStore {
        for (key, value) in details {
            store.details.insert(*key, *value);
        }
        let added = self.initialize(&store).unwrap();
        store.details = added.details.unwrap();
        store.url = added.url.unwrap();
        store.epoch = 1;
        store
    }

    fn delete_store(&self, store: &StoreContext) -> PluginResult<bool> {
        run(self.life_cycle().delete_data_store(&call(), store))
    }

    fn create(
        &self,
        store: &StoreContext,
        object: impl Into<DataObject>,
    ) -> PluginResult<CreateResult> {
        run(self.driver().create_async(&call(), store, CreateRequest::new(object)))
    }

    fn delete(&self, store: &StoreContext, object: impl Into<DataObject>) -> PluginResult<()> {
        run(self.driver().delete_async(&call(), store, object.into()))
    }

    fn describe(&self, store: &StoreContext, object: impl Into<DataObject>) -> ObjectDescription {
        run(self.driver().describe(&call(), store, object.into())).unwrap()
    }

    fn list(&self, store: &StoreContext) -> Vec<ListedObject> {
        let listing = ListObjectsRequest::new();
        run(self.driver().list_objects(&call(), store, listing)).unwrap().objects
    }

    fn open_writer(
        &self,
        store: &StoreContext,
        of: impl Into<DataObject>,
        size: u64,
        resume: Option<CheckpointToken>,
    ) -> PluginResult<OpenedWriter> {
        let mut request = OpenWriterRequest::new(of, size);
        request.resume = resume;
        run(self.driver().open_writer(&call(), store, request))
    }

    /// All that a reader gives.
    fn chunks(&self, store: &StoreContext, request: OpenReaderRequest) -> Vec<Chunk> {
        run(async {
            let opened = self.driver().open_reader(&call(), store, request).await;
            let (mut reader, mut chunks) = (opened.unwrap(), Vec::new());
            while let Some(chunk) = reader.next().await.unwrap() {
                chunks.push(chunk);
            }
            chunks
        })
    }
}

pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(super) fn call() -> CallContext {
    CallContext::new(Uuid::new_v4())
}

#[track_caller]
pub(super) fn refused<T>(answer: PluginResult<T>, kind: PluginErrorKind, words: &[&str]) {
    let error = answer.err().unwrap();
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
    }
}
