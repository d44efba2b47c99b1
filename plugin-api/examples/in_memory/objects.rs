//! The objects of the in-memory provider: their bytes, and how these are read and written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::prelude::*;

pub(crate) const BLOCK: u64 = 64 << 10;
/// What a token of ours holds besides its offset; whatever else comes is not ours.
pub(crate) const TOKEN: &[u8] = b"in-memory";

/// An object: only blocks that were written take space, and clones share them.
#[derive(Clone, Default)]
pub(crate) struct Object {
    /// How many bytes it has.
    pub(crate) size: u64,
    /// Of an image of another format than raw: the format, and the size of the disk in it, which
    /// only who reads the format knows. It is what the host told.
    pub(crate) image: Option<(ImageFormat, u64)>,
    /// Of the bytes as they were after so many changes.
    pub(crate) digest: Option<(u64, String)>,
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
    /// Zeros, where something may have been before.
    fn clear(&mut self, offset: u64, length: u64) {
        self.put(offset, &vec![0; length as usize]);
        self.blocks.retain(|_, block| block.iter().any(|byte| *byte != 0));
    }
    /// The blocks that hold data, or that differ from those of another object.
    pub(crate) fn blocks_since(&self, before: Option<&Self>) -> BTreeSet<u64> {
        let ours = self.blocks.keys().copied();
        let Some(before) = before else {
            return ours.collect();
        };
        let all = ours.chain(before.blocks.keys().copied().filter(|at| at * BLOCK < self.size));
        all.filter(|at| self.blocks.get(at) != before.blocks.get(at)).collect()
    }
    /// The size of the disk.
    pub(crate) fn virtual_size(&self) -> u64 {
        self.image.map_or(self.size, |(_, size)| size)
    }
    /// The digest that was recorded, if the bytes are still those.
    pub(crate) fn recorded(&self) -> Option<String> {
        let recorded = self.digest.as_ref().filter(|(changes, _)| *changes == self.changes);
        recorded.map(|(_, digest)| digest.clone())
    }
    fn record(&mut self) {
        let (mut hasher, zeros) = (blake3::Hasher::new(), vec![0; BLOCK as usize]);
        for block in 0..self.size.div_ceil(BLOCK) {
            let bytes = self.blocks.get(&block).map_or(zeros.as_slice(), |bytes| bytes.as_slice());
            hasher.update(&bytes[..BLOCK.min(self.size - block * BLOCK) as usize]);
        }
        self.digest = Some((self.changes, format!("{{BLAKE3}}{}", hasher.finalize().to_hex())));
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
    /// Whether it began with the bytes of another object; then it gives no tokens.
    pub(crate) is_over: bool,
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
        } else if self.is_over {
            self.memory.with_object(&self.path, |object| {
                object.clear(chunk.offset(), chunk.length());
                Ok(())
            })?;
        }
        self.at = end;
        if self.is_over || self.at - self.promised < CHUNK_BYTES as u64 {
            return Ok(None);
        }
        self.promised = self.at;
        Ok(Some(CheckpointToken::new(self.at, TOKEN)))
    }
    async fn finish(&mut self) -> PluginResult<WriteResult> {
        self.memory.with_object(&self.path, |object| {
            object.complete = true;
            object.record();
            let used = object.blocks.len() as u64 * BLOCK;
            let mut result = WriteResult::new(object.virtual_size(), used);
            result.digest = object.recorded();
            Ok(result)
        })
    }
    async fn abort(&mut self) -> PluginResult<()> {
        self.memory.with_object(&self.path, |object| {
            object.cut(0);
            Ok(())
        })
    }
}
