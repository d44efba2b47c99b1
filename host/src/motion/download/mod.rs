//! Downloads: the bytes of a URL, in order, whatever happens on the way.
//!
//! What it is: a source of bytes that goes on after a broken connection and after a crash of the
//! host, as long as the source is proven to be the same. What it is not: the decision where the
//! bytes go, their checksum, or what they are.
//!
//! **Invariant:** what is read from where is decided by [`SourcePolicy`], at every hop; no message
//! shows a credential or the query of a URL.
//!
//! ```text
//! let mut download = downloader.open(&call, DownloadRequest::new(url, limit)).await?;
//! while let Some(bytes) = download.next(&call).await? { … }
//! ```

mod connect;
mod file;
mod http;
mod identity;
mod policy;
mod request;
mod settings;
mod url;

#[cfg(test)]
mod tests;

pub use identity::SourceIdentity;
pub use policy::SourcePolicy;
pub use settings::{DownloadRequest, DownloadSettings, Proxy};
pub use url::SourceUrl;

use super::byte_stream::ByteStream;
use async_trait::async_trait;
use bytes::Bytes;
use connect::Connector;
use file::FileSource;
use http::HttpSource;
use std::fmt;
use std::sync::Arc;
use storage_plugin_api::{CallContext, PluginResult};
use url::Scheme;

/// Opens downloads, as the operator set it up. One is enough for a host.
#[derive(Clone)]
pub struct Downloader {
    connector: Arc<Connector>,
}

impl Downloader {
    /// Downloads by these settings.
    pub fn new(settings: DownloadSettings) -> Self {
        Self { connector: Arc::new(Connector::new(settings)) }
    }

    /// Opens a source, and knows what it is before the first byte is read.
    ///
    /// # Errors
    /// `PermissionDenied` by the policy, `InvalidArgument` for a source that is too large or no
    /// file, `NotFound`, `Unauthenticated`, `Unavailable` and `Timeout` after all attempts,
    /// `Conflict` where it is not what `resume` knows, `Cancelled`.
    pub async fn open(
        &self,
        call: &CallContext,
        request: DownloadRequest,
    ) -> PluginResult<Download> {
        let inner = match request.url.scheme() {
            Scheme::File => {
                let policy = &self.connector.settings.policy;
                Inner::File(Box::new(FileSource::open(policy, request).await?))
            }
            Scheme::Http | Scheme::Https => {
                let connector = Arc::clone(&self.connector);
                Inner::Http(Box::new(HttpSource::open(connector, call, request).await?))
            }
        };
        Ok(Download { inner })
    }
}

impl fmt::Debug for Downloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downloader").finish_non_exhaustive()
    }
}

/// A source that is being read.
pub struct Download {
    inner: Inner,
}

enum Inner {
    Http(Box<HttpSource>),
    File(Box<FileSource>),
}

impl Download {
    /// What the source says of itself: kept with [`offset`](Self::offset), it lets another
    /// download go on.
    pub fn identity(&self) -> &SourceIdentity {
        match &self.inner {
            Inner::Http(source) => source.identity(),
            Inner::File(source) => source.identity(),
        }
    }

    /// The first byte that the next chunk has.
    pub fn offset(&self) -> u64 {
        match &self.inner {
            Inner::Http(source) => source.offset(),
            Inner::File(source) => source.offset(),
        }
    }

    /// The next bytes, up to the next whole mebibyte of the source, or `None` at its end.
    ///
    /// # Errors
    /// As [`Downloader::open`]; `Corrupt` for a source that has fewer bytes than it said,
    /// `Conflict` for one that changed.
    pub async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        match &mut self.inner {
            Inner::Http(source) => source.next(call).await,
            Inner::File(source) => source.next(call).await,
        }
    }
}

#[async_trait]
impl ByteStream for Download {
    async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        Self::next(self, call).await
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("offset", &self.offset())
            .field("identity", self.identity())
            .finish_non_exhaustive()
    }
}
