//! One end of a transfer: an object on a store, and the driver that reaches it.

use super::allowance::Allowance;
use crate::jobs::{Guard, GuardedCall};
use std::fmt;
use std::sync::Arc;
use storage_plugin_api::{
    CallContext, Chunk, DataObject, DataReader, DataStoreDriver, OpenReaderRequest, PluginResult,
    StoreContext,
};

/// One end of a transfer.
#[derive(Clone)]
pub struct End<'a> {
    /// The driver of the store.
    pub driver: &'a dyn DataStoreDriver,
    /// The store.
    pub store: &'a StoreContext,
    /// The object on it.
    pub object: DataObject,
    /// What the guard is told of calls to the store.
    pub about: GuardedCall<'a>,
    /// What guards them.
    pub guard: &'a Guard,
    /// How fast bytes may come and go.
    pub allowance: Arc<Allowance>,
}

impl End<'_> {
    /// Makes a call under the guard. Each chunk is a call of its own: whichever end stands still
    /// is the one that is blamed, and other calls have their turn in between.
    pub(super) async fn guarded<T>(
        &self,
        call: &CallContext,
        work: impl Future<Output = PluginResult<T>>,
    ) -> PluginResult<T> {
        self.guard.call(self.about, call, work).await
    }

    /// Opens the first bytes of the object for reading.
    pub(super) async fn reader(
        &self,
        call: &CallContext,
        size_bytes: u64,
    ) -> PluginResult<Box<dyn DataReader>> {
        self.reader_at(call, 0, size_bytes).await
    }

    /// Opens some bytes of the object for reading.
    pub(super) async fn reader_at(
        &self,
        call: &CallContext,
        offset: u64,
        length: u64,
    ) -> PluginResult<Box<dyn DataReader>> {
        let mut ask = OpenReaderRequest::new(self.object.clone());
        ask.offset = offset;
        ask.length = Some(length);
        self.guarded(call, self.driver.open_reader(call, self.store, ask)).await
    }

    /// The next chunk.
    pub(super) async fn next(
        &self,
        call: &CallContext,
        reader: &mut dyn DataReader,
    ) -> PluginResult<Option<Chunk>> {
        let chunk = self.guarded(call, reader.next()).await?;
        if let Some(chunk) = &chunk {
            self.spend(call, chunk).await?;
        }
        Ok(chunk)
    }

    /// Waits until a chunk may pass; a hole does not pass anywhere.
    ///
    /// The wait is no call: nobody is blamed for it.
    pub(super) async fn spend(&self, call: &CallContext, chunk: &Chunk) -> PluginResult<()> {
        match chunk {
            Chunk::Data { bytes, .. } => {
                let title = self.about.store.map_or("the store", |(_, title)| title);
                self.allowance.wait(call, bytes.len() as u64, title).await
            }
            Chunk::Hole { .. } => Ok(()),
        }
    }
}

impl fmt::Debug for End<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End").field("about", &self.about).finish_non_exhaustive()
    }
}
