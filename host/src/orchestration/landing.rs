//! Bytes land on a store: their place is made, they are written, and nobody believes it before they
//! were looked at where they are.
//!
//! **Invariant:** a digest is recorded only of bytes that were verified on the store.

use super::copy::found_at;
use super::rooms::Rooms;
use super::store_access::StoreAccess;
use crate::jobs::{StepContext, StepError};
use crate::model::{Checkpoint, Failure, ObjectInStore, Stored};
use crate::motion::{
    Checksum, ChunkStream, KeepNone, KeepToken, Received, Sink, read_back, verify,
};
use crate::store::{Change, Repository};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_plugin_api::{CheckpointToken, CreateRequest, DataObject, PluginError, PluginResult};

/// How often a token is written down.
const KEEP: Duration = Duration::from_secs(2);

impl Rooms {
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

    /// Writes `length_bytes` of a stream onto a store, from the beginning on, and looks at them
    /// there. Gives the object as it is afterwards, not yet Ready.
    pub(super) async fn land(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        mut one: Stored<ObjectInStore>,
        source: &mut dyn ChunkStream,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let call = context.call();
        one.checkpoint = None;
        let there = self.make_place(context, to, &mut one).await?;
        let end = to.end(there);
        let sink = Sink::open(&call, &end, one.length_bytes, None).await?;
        let received = sink.fill(&call, source, &mut KeepNone).await?;
        self.landed(context, to, one, received, None).await
    }

    /// Looks at what was received where it is. The checksum is that of all bytes, for those of
    /// which the first ones came earlier: only all of them together tell.
    pub(super) async fn landed(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        mut one: Stored<ObjectInStore>,
        received: Received,
        checksum: Option<&Checksum>,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let (call, length_bytes) = (context.call(), one.length_bytes);
        if let Some(path) = received.written.path {
            one.path = path;
        }
        let mut there = self.object_here(&one).await?;
        found_at(&mut there, &one.path, &one.details);
        let digest = match received.digest {
            Some(digest) => {
                let shown = to.describe(context, there.clone()).await?;
                let recorded = shown.digest.as_deref();
                verify(&call, &to.end(there), &digest, length_bytes, recorded).await?;
                digest
            }
            None => read_back(&call, &to.end(there), length_bytes, checksum).await?,
        };
        one.digest = Some(digest.to_string());
        Ok(one)
    }
}

/// Writes tokens into the record: the first one, then one now and then. The latest is at hand for
/// whoever ends in order.
pub(super) struct Keeping {
    repository: Arc<dyn Repository>,
    /// What the source said of itself, as text.
    source: String,
    pub(super) one: Stored<ObjectInStore>,
    pub(super) latest: Option<CheckpointToken>,
    last: Option<Instant>,
}

impl Keeping {
    /// Begins with the token that was gone on from, if one was.
    pub(super) fn new(
        rooms: &Rooms,
        one: Stored<ObjectInStore>,
        source: String,
        latest: Option<CheckpointToken>,
    ) -> Self {
        Self { repository: Arc::clone(&rooms.repository), source, one, latest, last: None }
    }

    async fn write(&mut self, token: CheckpointToken) -> Result<(), Failure> {
        self.one.checkpoint = Some(Checkpoint { token, source: self.source.clone() });
        self.repository.transact(vec![Change::update(&self.one)]).await?;
        let again = self.repository.find::<ObjectInStore>(self.one.uuid).await?;
        let gone = || Failure::not_found("the record of what is being written is gone");
        self.one = again.ok_or_else(gone)?;
        Ok(())
    }
}

#[async_trait]
impl KeepToken for Keeping {
    async fn keep(&mut self, token: CheckpointToken) -> PluginResult<()> {
        self.latest = Some(token.clone());
        if self.last.is_some_and(|last| last.elapsed() < KEEP) {
            return Ok(());
        }
        self.last = Some(Instant::now());
        self.write(token).await.map_err(|failure| PluginError::internal(failure.message))
    }
}
