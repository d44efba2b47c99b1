//! The objects of the in-memory provider: their bytes, and how these are read and written.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::prelude::*;

pub(crate) const BLOCK: u64 = 64 << 10;
/// What a token of ours holds besides its offset; whatever else comes is not ours.
pub(crate) const TOKEN: &[u8] = b"in-memory";

/// An object: only blocks that were written take space, and clones share them.
#[derive(Clone, Default)]
pub(crate) struct Object {
    pub(crate) size: u64,
    pub(crate) blocks: BTreeMap<u64, Arc<Vec<u8>>>,
    /// A template is there once a writer finished it; a volume at once.
    pub(crate) complete: bool,
    /// Changes with every change, for `generation`.
    pub(crate) changes: u64,
}

impl Object {
    pub(crate) fn put(&mut self, mut offset: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let at = (offset % BLOCK) as usize;
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK as usize - at));
            let block =
                self.blocks.entry(offset / BLOCK).or_insert_with(|| vec![0; BLOCK as usize].into());
            Arc::make_mut(block)[at..at + now.len()].copy_from_slice(now);
            offset += now.len() as u64;
            bytes = later;
        }
        self.changes += 1;
    }
    /// Forgets everything from an offset on.
    pub(crate) fn cut(&mut self, offset: u64) {
        self.blocks.split_off(&offset.div_ceil(BLOCK));
        if let Some(last) = self.blocks.get_mut(&(offset / BLOCK)) {
            Arc::make_mut(last)[(offset % BLOCK) as usize..].fill(0);
        }
        self.changes += 1;
    }
}

/// All objects of all stores by path. Shared by the provider, its driver and its life cycle.
#[derive(Clone, Default)]
pub(crate) struct InMemory(Arc<Mutex<BTreeMap<String, Object>>>);

impl InMemory {
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Object>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
    pub(crate) fn with_object<T>(
        &self,
        path: &str,
        work: impl FnOnce(&mut Object) -> PluginResult<T>,
    ) -> PluginResult<T> {
        self.with(|all| match all.get_mut(path) {
            Some(object) => work(object),
            None => Err(PluginError::not_found(format!("there is no object {path:?}"))),
        })
    }
    /// Copies an object onto another; one that is there already stays, unless it is to be replaced.
    pub(crate) fn copy(&self, from: &str, to: &str, size: u64, replace: bool) -> PluginResult<()> {
        let mut copy = self.with_object(from, |object| Ok(object.clone()))?;
        copy.size = copy.size.max(size);
        self.with(|all| match all.get_mut(to) {
            Some(old) if replace => *old = copy,
            Some(_) => {}
            None => drop(all.insert(to.to_owned(), copy)),
        });
        Ok(())
    }
}

/// Reads an object as it was when it was opened.
pub(crate) struct Reader {
    pub(crate) object: Object,
    pub(crate) at: u64,
    pub(crate) end: u64,
}

#[async_trait]
impl DataReader for Reader {
    async fn next(&mut self) -> PluginResult<Option<Chunk>> {
        let (offset, block) = (self.at, self.at / BLOCK);
        if offset >= self.end {
            return Ok(None);
        }
        let Some(bytes) = self.object.blocks.get(&block) else {
            let next =
                self.object.blocks.range(block..).next().map_or(self.end, |(next, _)| next * BLOCK);
            self.at = next.min(self.end);
            return Ok(Some(Chunk::Hole { offset, length: self.at - offset }));
        };
        self.at = ((block + 1) * BLOCK).min(self.end);
        let start = (offset % BLOCK) as usize;
        let bytes = Bytes::copy_from_slice(&bytes[start..start + (self.at - offset) as usize]);
        Ok(Some(Chunk::Data { offset, bytes }))
    }
}

/// Writes an object from its start, or from where a token says.
pub(crate) struct Writer {
    pub(crate) memory: InMemory,
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) at: u64,
    /// Where the latest token goes on.
    pub(crate) promised: u64,
}

#[async_trait]
impl DataWriter for Writer {
    async fn write(&mut self, chunk: Chunk) -> PluginResult<Option<CheckpointToken>> {
        let end = chunk.offset() + chunk.length();
        if chunk.offset() < self.at || end > self.size {
            return Err(PluginError::invalid_argument(format!(
                "no chunk belongs at {}",
                chunk.offset()
            )));
        }
        if let Chunk::Data { offset, bytes } = &chunk {
            self.memory.with_object(&self.path, |object| {
                object.put(*offset, bytes);
                Ok(())
            })?;
        }
        self.at = end;
        if self.at - self.promised < CHUNK_BYTES as u64 {
            return Ok(None);
        }
        self.promised = self.at;
        Ok(Some(CheckpointToken::new(self.at, TOKEN)))
    }
    async fn finish(&mut self) -> PluginResult<WriteResult> {
        self.memory.with_object(&self.path, |object| {
            object.complete = true;
            Ok(WriteResult::new(object.size, object.blocks.len() as u64 * BLOCK))
        })
    }
    async fn abort(&mut self) -> PluginResult<()> {
        self.memory.with_object(&self.path, |object| {
            object.cut(0);
            Ok(())
        })
    }
}
