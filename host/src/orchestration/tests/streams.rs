//! Streams of the in-memory provider with accidents in their middle.

use super::faults::Faults;
use std::sync::Arc;
use storage_plugin_api::*;

/// A reader whose every chunk may have an accident.
pub(super) struct FaultyReader {
    pub(super) reader: Box<dyn DataReader>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl DataReader for FaultyReader {
    async fn next(&mut self) -> PluginResult<Option<Chunk>> {
        self.faults.once("next", self.reader.next()).await
    }
}

/// A writer whose every chunk may have an accident, and its end.
pub(super) struct FaultyWriter {
    pub(super) writer: Box<dyn DataWriter>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl DataWriter for FaultyWriter {
    async fn write(&mut self, chunk: Chunk) -> PluginResult<Option<CheckpointToken>> {
        self.faults.once("write", self.writer.write(chunk)).await
    }

    async fn finish(&mut self) -> PluginResult<WriteResult> {
        self.faults.once("finish", self.writer.finish()).await
    }

    async fn abort(&mut self) -> PluginResult<()> {
        self.faults.once("abort", self.writer.abort()).await
    }
}
