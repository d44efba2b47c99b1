//! Bytes that come in order: a download, what it unpacks to, an object.

use super::checksum::{Checksum, ChecksumHasher};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use storage_plugin_api::{CallContext, PluginResult};

/// Bytes in order, from wherever they come.
#[async_trait]
pub trait ByteStream: Send {
    /// The next bytes, usually a mebibyte and never none, or `None` at the end.
    ///
    /// # Errors
    /// Those of the source; `Cancelled`. After an error it is not called again.
    async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>>;
}

/// A stream whose first bytes are looked at before it is read.
pub struct Peeked<S> {
    source: S,
    first: Option<Bytes>,
}

impl<S: ByteStream> Peeked<S> {
    /// Reads the first bytes of a stream, and keeps them for whoever reads it.
    ///
    /// # Errors
    /// Those of the stream.
    pub async fn new(call: &CallContext, mut source: S) -> PluginResult<Self> {
        let first = source.next(call).await?;
        Ok(Self { source, first })
    }

    /// The first bytes, until they are read.
    pub fn head(&self) -> &[u8] {
        self.first.as_deref().unwrap_or_default()
    }

    /// The stream below, to ask it what it knows.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Takes the stream below, without the first bytes if they were not read.
    pub fn into_source(self) -> S {
        self.source
    }
}

#[async_trait]
impl<S: ByteStream> ByteStream for Peeked<S> {
    async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        match self.first.take() {
            Some(first) => Ok(Some(first)),
            None => self.source.next(call).await,
        }
    }
}

impl<S> fmt::Debug for Peeked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peeked").finish_non_exhaustive()
    }
}

/// A stream whose checksum is computed as it is read: the one of a file as it was downloaded, below
/// what unpacks it.
#[derive(Debug)]
pub struct Summed<S> {
    source: S,
    hasher: ChecksumHasher,
}

impl<S: ByteStream> Summed<S> {
    /// Computes what is [`expected`](Checksum::hasher) of a stream.
    pub fn new(source: S, hasher: ChecksumHasher) -> Self {
        Self { source, hasher }
    }

    /// The stream below, to ask it what it knows.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The checksum of what was read.
    pub fn finish(self) -> Checksum {
        self.hasher.finish()
    }
}

#[async_trait]
impl<S: ByteStream> ByteStream for Summed<S> {
    async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        let next = self.source.next(call).await?;
        if let Some(bytes) = &next {
            self.hasher.update(bytes);
        }
        Ok(next)
    }
}
