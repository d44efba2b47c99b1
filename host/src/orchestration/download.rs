//! A file from outside onto an image store: as it is, or unpacked.
//!
//! A download that broke off keeps the state of its digest with the token of the writer. It is read
//! back from the store all the same where a caller gave a checksum, whose state is not kept.
//!
//! **Invariant:** what a broken download has on the store is gone on with only if the source says
//! that it is the same still; no byte of it counts before the whole was checked.

use super::landing::{Keeping, read_again};
use super::rooms::Rooms;
use super::store_access::StoreAccess;
use crate::jobs::{StepContext, StepError};
use crate::model::{Checkpoint, ObjectInStore, Stored};
use crate::motion::download::{Download, DownloadRequest, SourceIdentity, SourceUrl};
use crate::motion::formats::{Unpacked, packing};
use crate::motion::{Checksum, Chunked, Peeked, Sink, Summed};
use storage_plugin_api::PluginErrorKind;

/// What to download.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) url: String,
    pub(super) follow_redirects: bool,
    /// The checksum of what is downloaded, packed as it may be.
    pub(super) checksum: Option<Checksum>,
}

impl Rooms {
    /// Downloads a file onto a store. Gives the object as it is afterwards, not yet Ready.
    pub(super) async fn download(
        &self,
        context: &StepContext,
        mut one: Stored<ObjectInStore>,
        wanted: Wanted,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let call = context.call();
        let to = self.store_access(one.store).await?;
        let url = SourceUrl::parse(&wanted.url)?;
        let mut request = DownloadRequest::new(url, self.policy.images.max_bytes);
        request.follow_redirects = wanted.follow_redirects;
        request.resume = one.checkpoint.as_ref().and_then(resume_at);
        let source = match self.downloader.open(&call, request.clone()).await {
            // It is another file by now: what there is of the old one is no part of it.
            Err(error) if request.resume.is_some() && error.kind() == PluginErrorKind::Conflict => {
                log::warn!("a download that broke off begins anew: {error}");
                self.drop_from_store(context, &one).await?;
                (request.resume, one.checkpoint) = (None, None);
                self.downloader.open(&call, request.clone()).await?
            }
            opened => opened?,
        };
        let source = match source.offset() {
            0 => Peeked::new(&call, source).await?,
            _ => Peeked::unread(source),
        };
        let checksum = wanted.checksum.as_ref();
        let spooled = match (packing(source.head()), source.source().identity().length) {
            (None, Some(length_bytes)) => {
                one.length_bytes = length_bytes;
                return self.take(context, &to, one, (source, request), checksum).await;
            }
            (None, None) => {
                let mut source = Summed::new(source, checksum);
                let spooled = self.spool(&call, &mut source).await?;
                source.verify()?;
                spooled
            }
            (Some(packing), _) => {
                let source = Summed::new(source, checksum);
                let most = self.policy.images.max_virtual_bytes;
                let mut unpacked = Unpacked::new(source, packing, most);
                let spooled = self.spool(&call, &mut unpacked).await?;
                unpacked.into_source().verify()?;
                spooled
            }
        };
        let mut chunks = spooled.chunks;
        one.length_bytes = spooled.length_bytes;
        self.land(context, &to, one, &mut chunks, None).await
    }

    /// Takes bytes as they are; what broke off goes on.
    async fn take(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        mut one: Stored<ObjectInStore>,
        (mut source, mut request): (Peeked<Download>, DownloadRequest),
        checksum: Option<&Checksum>,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let call = context.call();
        let there = self.make_place(context, to, &mut one).await?;
        let end = to.end(there);
        let resume = one.checkpoint.take().map(read_again);
        let sink = Sink::open(&call, &end, one.length_bytes, resume.clone()).await?;
        let from = sink.from();
        let is_peeked = !source.head().is_empty();
        if from != 0 || !is_peeked {
            // Where the writer goes on, not where the record thought so.
            let mut download = source.into_source();
            if download.offset() != from {
                request.resume = Some((from, download.identity().clone()));
                download = self.downloader.open(&call, request).await?;
            }
            source = Peeked::unread(download);
        }
        let identity = serde_json::to_string(source.source().identity()).unwrap_or_default();
        let mut keep = Keeping::new(self, one, identity, resume);
        // Of a part there is no checksum that anybody knows.
        let source = Summed::new(source, checksum.filter(|_| from == 0));
        let mut chunks = Chunked::new(source, from);
        let received = sink.fill(&call, &mut chunks, &mut keep).await?;
        chunks.into_source().verify()?;
        let unchecked = checksum.filter(|_| from != 0);
        self.landed(context, to, keep.one, received, unchecked).await
    }
}

fn resume_at(checkpoint: &Checkpoint) -> Option<(u64, SourceIdentity)> {
    let identity = serde_json::from_str(&checkpoint.source).ok()?;
    let resume = read_again(checkpoint.clone());
    Some((resume.digest.map_or(resume.token.offset, |digest| digest.offset()), identity))
}
