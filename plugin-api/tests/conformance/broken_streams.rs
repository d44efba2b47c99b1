//! The readers and writers of broken providers.

use super::broken::{Broken, Flaw};
use storage_plugin_api::prelude::*;

/// Leaves holes out.
pub(crate) struct Gappy(pub(crate) Box<dyn DataReader>);

#[async_trait]
impl DataReader for Gappy {
    async fn next(&mut self) -> PluginResult<Option<Chunk>> {
        loop {
            match self.0.next().await? {
                Some(Chunk::Hole { .. }) => {}
                other => return Ok(other),
            }
        }
    }
}

/// Tells a chunk without a byte before each.
pub(crate) struct Hollow {
    pub(crate) inner: Box<dyn DataReader>,
    pub(crate) next: Option<Chunk>,
}

#[async_trait]
impl DataReader for Hollow {
    async fn next(&mut self) -> PluginResult<Option<Chunk>> {
        if let Some(chunk) = self.next.take() {
            return Ok(Some(chunk));
        }
        self.next = self.inner.next().await?;
        let empty = |chunk: &Chunk| Chunk::Hole { offset: chunk.offset(), length: 0 };
        Ok(self.next.as_ref().map(empty))
    }
}

/// Writes as the flaw of its provider says, and unlocks the object at its end.
pub(crate) struct Leaky {
    pub(crate) inner: Box<dyn DataWriter>,
    pub(crate) broken: Broken,
    pub(crate) path: String,
}

#[async_trait]
impl DataWriter for Leaky {
    async fn write(&mut self, chunk: Chunk) -> PluginResult<Option<CheckpointToken>> {
        let chunk = match chunk {
            Chunk::Data { offset, bytes }
                if self.broken.has(Flaw::LosesTheLastByte) && bytes.len() > 1 << 16 =>
            {
                let bytes = bytes.slice(..bytes.len() - 1);
                Chunk::Data { offset, bytes }
            }
            Chunk::Hole { offset, length } if self.broken.has(Flaw::WritesHolesAsZeros) => {
                let bytes = vec![0; length as usize].into();
                Chunk::Data { offset, bytes }
            }
            other => other,
        };
        let written = self.inner.write(chunk).await;
        if self.broken.has(Flaw::SwallowsErrors) {
            return Ok(written.unwrap_or_default());
        }
        written
    }
    async fn finish(&mut self) -> PluginResult<WriteResult> {
        self.broken.forget(&format!("writing {}", self.path));
        self.inner.finish().await
    }
    async fn abort(&mut self) -> PluginResult<()> {
        self.inner.abort().await
    }
}
