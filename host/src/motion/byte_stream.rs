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

    /// A stream that nobody looked at, or of which the beginning was read earlier.
    pub fn unread(source: S) -> Self {
        Self { source, first: None }
    }

    /// The first bytes, until they are read.
    pub fn head(&self) -> &[u8] {
        self.first.as_deref().unwrap_or_default()
    }

    /// The stream below, to ask it what it knows.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// The same, to tell it something; the first bytes stay where they are.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
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

/// A stream whose checksum is computed as it is read, where one is expected: the one of a file as it
/// was downloaded, below what unpacks it.
#[derive(Debug)]
pub struct Summed<S> {
    source: S,
    expected: Option<(Checksum, ChecksumHasher)>,
}

impl<S: ByteStream> Summed<S> {
    /// Computes what is expected of a stream; nothing where nothing is.
    pub fn new(source: S, expected: Option<&Checksum>) -> Self {
        let expected = expected.map(|checksum| (checksum.clone(), checksum.hasher()));
        Self { source, expected }
    }

    /// The stream below, to ask it what it knows.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Holds what was read against what was expected.
    ///
    /// # Errors
    /// `Corrupt`, with both checksums.
    pub fn verify(self) -> PluginResult<()> {
        match self.expected {
            Some((expected, hasher)) => expected.verify(&hasher.finish()),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl<S: ByteStream> ByteStream for Summed<S> {
    async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        let next = self.source.next(call).await?;
        if let (Some((_, hasher)), Some(bytes)) = (&mut self.expected, &next) {
            hasher.update(bytes);
        }
        Ok(next)
    }
}
