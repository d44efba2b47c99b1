//! A file from outside onto an image store: as it is, or unpacked.
//!
//! What is unpacked waits in a file of this host, without a name: writers want the length at the
//! beginning, for an object store cuts its parts by it. A download that broke off is read back once
//! from the store, for no kept crate lets the state of a hash be kept.
//!
//! **Invariant:** what a broken download has on the store is gone on with only if the source says
//! that it is the same still; no byte of it counts before the whole was checked.

use super::copy::found_at;
use super::rooms::Rooms;
use super::store_access::StoreAccess;
use crate::jobs::{StepContext, StepError};
use crate::model::{Checkpoint, Failure, ObjectInStore, Stored};
use crate::motion::download::{Download, DownloadRequest, SourceIdentity, SourceUrl};
use crate::motion::formats::{Packing, Unpacked, packing};
use crate::motion::{
    ByteStream, Checksum, ChecksumHasher, Chunked, KeepNone, KeepToken, Sink, read_back, verify,
};
use crate::store::{Change, Repository};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_plugin_api::{
    CallContext, CheckpointToken, CreateRequest, DataObject, PluginError, PluginErrorKind,
    PluginResult,
};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

/// How often a token is written down.
const KEEP: Duration = Duration::from_secs(2);
/// A piece of a file that is read back.
const PIECE: usize = 1 << 20;

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
        let mut source = match self.downloader.open(&call, request.clone()).await {
            // It is another file by now: what there is of the old one is no part of it.
            Err(error) if request.resume.is_some() && error.kind() == PluginErrorKind::Conflict => {
                log::warn!("a download that broke off begins anew: {error}");
                self.drop_from_store(context, &one).await?;
                (request.resume, one.checkpoint) = (None, None);
                self.downloader.open(&call, request.clone()).await?
            }
            opened => opened?,
        };
        let head = if source.offset() == 0 { source.next(&call).await? } else { None };
        if let Some(packing) = head.as_ref().and_then(|head| packing(head)) {
            let source = Checked::new(source, head, wanted.checksum.as_ref());
            return self.unpack(context, &to, one, (source, packing), wanted.checksum).await;
        }
        match source.identity().length {
            Some(length) => {
                let parts = Parts { head, source, request, length };
                self.take(context, &to, one, parts, wanted.checksum).await
            }
            None => {
                let source = Checked::new(source, head, wanted.checksum.as_ref());
                self.spool(context, &to, one, source, wanted.checksum).await
            }
        }
    }

    /// Takes bytes as they are; what broke off goes on.
    async fn take(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        mut one: Stored<ObjectInStore>,
        parts: Parts,
        checksum: Option<Checksum>,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let call = context.call();
        let Parts { mut head, mut source, mut request, length } = parts;
        one.length_bytes = length;
        let there = self.make_place(context, to, &mut one).await?;
        let end = to.end(there);
        let token = one.checkpoint.take().map(|checkpoint| checkpoint.token);
        let sink = Sink::open(&call, &end, length, token).await?;
        let from = sink.offset();
        if from != 0 || head.is_none() {
            // Where the writer goes on, not where the record thought so.
            if source.offset() != from {
                request.resume = Some((from, source.identity().clone()));
                source = self.downloader.open(&call, request).await?;
            }
            head = None;
        }
        let mut keep = Keeping {
            repository: Arc::clone(&self.repository),
            source: serde_json::to_string(source.identity()).unwrap_or_default(),
            one: one.clone(),
            last: None,
        };
        let checked = Checked::new(source, head, checksum.as_ref().filter(|_| from == 0));
        let mut chunks = Chunked::new(checked, from);
        let received = sink.fill(&call, &mut chunks, &mut keep).await?;
        let mut one = keep.one;
        if let Some(path) = received.written.path {
            one.path = path;
        }
        let mut there = self.object_here(&one).await?;
        found_at(&mut there, &one.path, &one.details);
        let digest = match received.digest {
            Some(digest) => {
                if let (Some(wanted), Some(found)) = (&checksum, chunks.into_source().found()) {
                    wanted.verify(&found)?;
                }
                let shown = to.describe(context, there.clone()).await?;
                let end = to.end(there);
                verify(&call, &end, &digest, length, shown.digest.as_deref()).await?;
                digest
            }
            // Its first bytes came in an earlier life: only all of them together tell.
            None => read_back(&call, &to.end(there), length, checksum.as_ref()).await?,
        };
        one.digest = Some(digest.to_string());
        Ok(one)
    }

    /// Unpacks bytes as they come: their length is known only at the end, and writers want it at
    /// the beginning, so they wait in a file of this host.
    async fn unpack(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        one: Stored<ObjectInStore>,
        (source, packing): (Checked<Download>, Packing),
        checksum: Option<Checksum>,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let call = context.call();
        let mut unpacked = Unpacked::new(source, packing, self.policy.images.max_virtual_bytes);
        let (file, length) = self.keep_in_file(&call, &mut unpacked).await?;
        expect(checksum.as_ref(), unpacked.into_source())?;
        self.take_file(context, to, one, file, length).await
    }

    /// Takes bytes of which nobody knows how many they are.
    async fn spool(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        one: Stored<ObjectInStore>,
        mut source: Checked<Download>,
        checksum: Option<Checksum>,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let call = context.call();
        let (file, length) = self.keep_in_file(&call, &mut source).await?;
        expect(checksum.as_ref(), source)?;
        self.take_file(context, to, one, file, length).await
    }

    /// Writes bytes into a file that has no name.
    pub(super) async fn keep_in_file(
        &self,
        call: &CallContext,
        source: &mut dyn ByteStream,
    ) -> PluginResult<(File, u64)> {
        let failed = |error: std::io::Error| {
            let directory = self.policy.images.spool.display();
            PluginError::from_io(format!("cannot keep what is unpacked in {directory}"), &error)
        };
        let file = tempfile::tempfile_in(&self.policy.images.spool).map_err(failed)?;
        let (mut file, mut length) = (File::from_std(file), 0);
        while let Some(bytes) = source.next(call).await? {
            file.write_all(&bytes).await.map_err(failed)?;
            length += bytes.len() as u64;
            call.report_progress(length, None);
        }
        file.flush().await.map_err(failed)?;
        file.rewind().await.map_err(failed)?;
        Ok((file, length))
    }

    /// Writes a file of this host onto a store.
    pub(super) async fn take_file(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        mut one: Stored<ObjectInStore>,
        file: File,
        length: u64,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let call = context.call();
        one.length_bytes = length;
        one.checkpoint = None;
        let there = self.make_place(context, to, &mut one).await?;
        let end = to.end(there);
        let sink = Sink::open(&call, &end, length, None).await?;
        let mut chunks = Chunked::new(InFile(file), 0);
        let received = sink.fill(&call, &mut chunks, &mut KeepNone).await?;
        if let Some(path) = received.written.path {
            one.path = path;
        }
        let mut there = self.object_here(&one).await?;
        found_at(&mut there, &one.path, &one.details);
        let shown = to.describe(context, there.clone()).await?;
        if let Some(digest) = received.digest {
            verify(&call, &to.end(there), &digest, length, shown.digest.as_deref()).await?;
            one.digest = Some(digest.to_string());
        }
        Ok(one)
    }

    /// Makes the place that a writer fills.
    pub(super) async fn make_place(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        one: &mut Stored<ObjectInStore>,
    ) -> Result<DataObject, StepError> {
        let call = context.call();
        let mut there = self.object_here(one).await?;
        let ask = CreateRequest::new(there.clone());
        let made = to.guarded(&call, to.driver.create_async(&call, &to.context, ask)).await?;
        one.path = made.path;
        one.details = made.details;
        found_at(&mut there, &one.path, &one.details);
        Ok(there)
    }
}

/// A download that was opened.
struct Parts {
    head: Option<Bytes>,
    source: Download,
    request: DownloadRequest,
    length: u64,
}

fn resume_at(checkpoint: &Checkpoint) -> Option<(u64, SourceIdentity)> {
    let identity = serde_json::from_str(&checkpoint.source).ok()?;
    Some((checkpoint.token.offset, identity))
}

fn expect(checksum: Option<&Checksum>, source: Checked<Download>) -> PluginResult<()> {
    match (checksum, source.found()) {
        (Some(wanted), Some(found)) => wanted.verify(&found),
        (Some(_), None) => Err(PluginError::internal("a checksum was not computed")),
        (None, _) => Ok(()),
    }
}

/// Bytes whose checksum is computed as they pass.
pub(super) struct Checked<S> {
    source: S,
    head: Option<Bytes>,
    hasher: Option<ChecksumHasher>,
}

impl<S> Checked<S> {
    pub(super) fn new(source: S, head: Option<Bytes>, checksum: Option<&Checksum>) -> Self {
        Self { source, head, hasher: checksum.map(Checksum::hasher) }
    }

    /// The checksum of what passed.
    pub(super) fn found(self) -> Option<Checksum> {
        self.hasher.map(ChecksumHasher::finish)
    }
}

#[async_trait]
impl<S: ByteStream> ByteStream for Checked<S> {
    async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        let bytes = match self.head.take() {
            Some(head) => Some(head),
            None => self.source.next(call).await?,
        };
        if let (Some(hasher), Some(bytes)) = (&mut self.hasher, &bytes) {
            hasher.update(bytes);
        }
        Ok(bytes)
    }
}

/// The bytes of a file of this host.
struct InFile(File);

#[async_trait]
impl ByteStream for InFile {
    async fn next(&mut self, _: &CallContext) -> PluginResult<Option<Bytes>> {
        let mut bytes = vec![0; PIECE];
        let mut filled = 0;
        while filled < PIECE {
            let free = bytes.get_mut(filled..).unwrap_or_default();
            match self.0.read(free).await {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) => {
                    return Err(PluginError::from_io("cannot read what was unpacked", &error));
                }
            }
        }
        bytes.truncate(filled);
        Ok((filled > 0).then(|| bytes.into()))
    }
}

/// Writes tokens into the record: the first one, then one now and then.
struct Keeping {
    repository: Arc<dyn Repository>,
    source: String,
    one: Stored<ObjectInStore>,
    last: Option<Instant>,
}

#[async_trait]
impl KeepToken for Keeping {
    async fn keep(&mut self, token: CheckpointToken) -> PluginResult<()> {
        if self.last.is_some_and(|last| last.elapsed() < KEEP) {
            return Ok(());
        }
        self.last = Some(Instant::now());
        self.one.checkpoint = Some(Checkpoint { token, source: self.source.clone() });
        let written = self.repository.transact(vec![Change::update(&self.one)]).await;
        written.map_err(|error| PluginError::internal(Failure::from(error).message))?;
        let again = self.repository.find::<ObjectInStore>(self.one.uuid).await;
        let again = again.map_err(|error| PluginError::internal(error.to_string()))?;
        self.one =
            again.ok_or_else(|| PluginError::internal("the record of a download is gone"))?;
        Ok(())
    }
}
