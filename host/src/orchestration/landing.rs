//! Bytes land on a store: their place is made, they are written, and nobody believes it before they
//! were looked at where they are.
//!
//! **Invariant:** a digest is recorded only of bytes that were verified on the store; nothing is made
//! from what came from outside before it was looked into.

use super::copy::found_at;
use super::rooms::Rooms;
use super::store_access::StoreAccess;
use crate::jobs::{StepContext, StepError};
use crate::model::{
    Checkpoint, Failure, ObjectInStore, Record, RecordKind, Stored, Template, Volume,
};
use crate::motion::formats::inspect;
use crate::motion::{
    Checksum, ChunkStream, KeepNone, KeepToken, ObjectRead, Received, Resume, Sink, read_back,
    verify,
};
use crate::store::{Change, Repository};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_plugin_api::{CreateRequest, DataObject, PluginError, PluginResult};

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

    /// Writes `length_bytes` of a stream onto a store, and looks at them there. Gives the object as
    /// it is afterwards, not yet Ready.
    ///
    /// The stream begins at the first byte. Where `same` says what it is of, so that the next
    /// attempt has the same bytes, what an earlier one wrote is not written again.
    pub(super) async fn land(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        mut one: Stored<ObjectInStore>,
        source: &mut dyn ChunkStream,
        same: Option<String>,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let call = context.call();
        let there = self.make_place(context, to, &mut one).await?;
        let end = to.end(there);
        let length_bytes = one.length_bytes;
        let Some(same) = same else {
            one.checkpoint = None;
            let sink = Sink::open(&call, &end, length_bytes, None).await?;
            let received = sink.fill(&call, source, &mut KeepNone).await?;
            return self.landed(context, to, one, received, None).await;
        };
        let mut keep = Keeping::again(self, one, same);
        let sink = Sink::open(&call, &end, length_bytes, keep.latest.clone()).await?;
        let received = sink.rereading().fill(&call, source, &mut keep).await?;
        self.landed(context, to, keep.one, received, None).await
    }

    /// Looks at what was received where it is. `checksum` is one of all bytes that nobody held
    /// against them yet, for the first of them came earlier: only all of them together tell.
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
            Some(digest) if checksum.is_none() => {
                let shown = to.describe(context, there.clone()).await?;
                let recorded = shown.digest.as_deref();
                verify(&call, &to.end(there), &digest, length_bytes, recorded).await?;
                digest
            }
            passed => {
                let found = read_back(&call, &to.end(there), length_bytes, checksum).await?;
                passed.map_or(Ok(()), |passed| passed.expect(&found))?;
                found
            }
        };
        one.digest = Some(digest.to_string());
        Ok(one)
    }

    /// Looks into what came to an image store from outside, and calls it Ready. `came` says how it
    /// came, for the event.
    ///
    /// # Errors
    /// `InvalidArgument` for an image that is not taken, with the reason.
    pub(super) async fn look_into(
        &self,
        context: &StepContext,
        mut template: Stored<Template>,
        one: Stored<ObjectInStore>,
        came: &str,
    ) -> Result<Vec<Change>, StepError> {
        let to = self.store_access(one.store).await?;
        let there = self.object_here(&one).await?;
        let call = context.call();
        let mut bytes = ObjectRead::new(to.end(there.clone()), one.length_bytes);
        let image = inspect(&call, &mut bytes, &self.image_limits()).await;
        let image = image.map_err(PluginError::from)?;
        image.expect(template.format).map_err(PluginError::from)?;
        template.size_bytes = image.virtual_bytes;
        template.physical_size_bytes = one.length_bytes;
        if template.checksum.is_none() {
            template.checksum.clone_from(&one.digest);
        }
        // The credentials are wanted no more.
        template.origin = None;
        let one = self.arrived(context, &to, one, there).await?;
        let told = format!("{} {:?} {came}", template.word(), template.name);
        let object = (RecordKind::Template, template.uuid);
        Ok(vec![
            Change::update(&template),
            Change::update(&one),
            context.event("TEMPLATE.CREATE", object, told),
        ])
    }
}

/// A record that says where the transfer of its bytes goes on.
pub(super) trait GoesOn: Record + Clone {
    /// Where that is.
    fn checkpoint(&mut self) -> &mut Option<Checkpoint>;
}

impl GoesOn for ObjectInStore {
    fn checkpoint(&mut self) -> &mut Option<Checkpoint> {
        &mut self.checkpoint
    }
}

impl GoesOn for Volume {
    fn checkpoint(&mut self) -> &mut Option<Checkpoint> {
        &mut self.checkpoint
    }
}

/// Writes into the record where a transfer goes on: the first time, then now and then. The latest
/// is at hand for whoever ends in order.
pub(super) struct Keeping<T> {
    repository: Arc<dyn Repository>,
    /// What the source said of itself, as text.
    source: String,
    pub(super) one: Stored<T>,
    pub(super) latest: Option<Resume>,
    last: Option<Instant>,
}

impl<T: GoesOn> Keeping<T> {
    /// Begins where the record says, if that is of the same source.
    pub(super) fn again(rooms: &Rooms, mut one: Stored<T>, source: String) -> Self {
        let kept = one.checkpoint().take().filter(|kept| kept.source == source);
        Self::new(rooms, one, source, kept.map(read_again))
    }

    /// Begins with where was gone on, if that was anywhere.
    pub(super) fn new(
        rooms: &Rooms,
        one: Stored<T>,
        source: String,
        latest: Option<Resume>,
    ) -> Self {
        Self { repository: Arc::clone(&rooms.repository), source, one, latest, last: None }
    }

    async fn write(&mut self, resume: Resume) -> Result<(), Failure> {
        *self.one.checkpoint() = Some(written_down(resume, self.source.clone()));
        self.repository.transact(vec![Change::update(&self.one)]).await?;
        let again = self.repository.find::<T>(self.one.uuid()).await?;
        let gone = || Failure::not_found("the record of what is being written is gone");
        self.one = again.ok_or_else(gone)?;
        Ok(())
    }
}

/// Where a transfer goes on, as a record has it.
pub(super) fn written_down(resume: Resume, source: String) -> Checkpoint {
    let Resume { token, digest } = resume;
    Checkpoint { token, source, digest: digest.map(|digest| digest.to_string()) }
}

/// Where a transfer goes on, by its record.
pub(super) fn read_again(checkpoint: Checkpoint) -> Resume {
    let digest = checkpoint.digest.and_then(|digest| digest.parse().ok());
    Resume { token: checkpoint.token, digest }
}

#[async_trait]
impl<T: GoesOn> KeepToken for Keeping<T> {
    async fn keep(&mut self, resume: Resume) -> PluginResult<()> {
        self.latest = Some(resume.clone());
        if self.last.is_some_and(|last| last.elapsed() < KEEP) {
            return Ok(());
        }
        self.last = Some(Instant::now());
        self.write(resume).await.map_err(|failure| PluginError::internal(failure.message))
    }
}
