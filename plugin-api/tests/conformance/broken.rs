//! Providers with one flaw each: the in-memory provider, wrapped, doing one thing wrong. They
//! prove that the kit can fail, and that it says where.

use crate::in_memory::InMemory;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use storage_plugin_api::prelude::*;

use super::broken_streams::{Gappy, Hollow, Leaky};

/// What a broken provider does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    AcceptsAnyDetails,
    AcceptsAnySize,
    AcceptsForeignTokens,
    AttachesOnlyOnce,
    BlankIsDirty,
    Blocks,
    CannotConfigure,
    ChangesItsName,
    ClearsOnSecondCreate,
    ClonesShareTheirSource,
    ContradictsItself,
    CopiesFromAnywhere,
    DeletesOnlyOnce,
    DescribesNoField,
    DescribesWrongSize,
    FailsUnderLoad,
    FindsOnlyByPath,
    ForgetsTheBase,
    ForgetsToRegister,
    ForgetsToRevert,
    ForgetsWhatBecameZeros,
    GrantsDifferently,
    GrowsDirty,
    Hangs,
    HasATypeTwice,
    HasNoGranularity,
    HasNoScope,
    HidesNoSecret,
    KeepsHalfImages,
    KeepsOldBytes,
    KeepsTheFirstDigest,
    LeavesGarbage,
    LeavesHalfMadeObjects,
    ListsIncompletely,
    ListsWithoutUuid,
    LocksWhatIsHalfWritten,
    LosesTheLastByte,
    MixesKindsUp,
    NamesAnotherObject,
    Panics,
    RefusesLongNames,
    RefusesTheSmallest,
    ReplicatesUndeclared,
    ResumesFromTheStart,
    RevertsOneVolumeOnly,
    SaysInternalForMissing,
    SeesNeighbours,
    ShowsWhatIsHalfWritten,
    ShrinksWithoutConsent,
    ShutsNeighboursOutHalfway,
    SkipsHoles,
    SnapshotsFollowTheVolume,
    StaysInMaintenance,
    SwallowsErrors,
    TakesNoRaw,
    TellsEmptyChunks,
    TellsNoReasons,
    TellsOneExtentOnly,
    TellsWrongVirtualSize,
    TripsOverSecondConnect,
    UsesMoreThanThereIs,
    WipesTheStore,
    WritesHolesAsZeros,
}

impl Flaw {
    /// Whether it is one of image stores.
    pub(crate) const fn is_of_images(self) -> bool {
        matches!(
            self,
            Self::ForgetsTheBase
                | Self::KeepsHalfImages
                | Self::MixesKindsUp
                | Self::ShowsWhatIsHalfWritten
                | Self::UsesMoreThanThereIs
        )
    }
}

/// The in-memory provider with a flaw. Its driver, life cycle, listener and strategy as well.
#[derive(Clone)]
pub(crate) struct Broken(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    memory: InMemory,
    flaw: Flaw,
    seen: Mutex<Vec<String>>,
    running: AtomicU32,
    /// Clones with their sources.
    clones: Mutex<Vec<(String, String)>>,
    /// Digests that were told, by path.
    digests: Mutex<BTreeMap<String, String>>,
    /// What a call that blocks its thread waits for.
    pub(crate) gate: Mutex<()>,
}

impl Broken {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self(Arc::new(Inner {
            memory: InMemory::default(),
            flaw,
            seen: Mutex::default(),
            running: AtomicU32::new(0),
            clones: Mutex::default(),
            digests: Mutex::default(),
            gate: Mutex::default(),
        }))
    }
    /// The one type that it serves.
    pub(crate) fn provider_type(&self) -> DataStoreProviderType {
        if self.0.flaw.is_of_images() {
            return DataStoreProviderType::Image;
        }
        DataStoreProviderType::Primary
    }
    pub(crate) fn has(&self, flaw: Flaw) -> bool {
        self.0.flaw == flaw
    }
    pub(crate) fn memory(&self) -> &InMemory {
        &self.0.memory
    }
    /// Whether something is seen for the first time.
    pub(crate) fn first(&self, what: impl Into<String>) -> bool {
        let what = what.into();
        let is_new = !self.is_seen(&what);
        self.0.seen.lock().unwrap().push(what);
        is_new
    }
    fn is_seen(&self, what: &str) -> bool {
        self.0.seen.lock().unwrap().iter().any(|one| one == what)
    }
    pub(crate) fn forget(&self, what: &str) {
        self.0.seen.lock().unwrap().retain(|one| one != what);
    }
    /// With the flaw, whoever comes first is let in, and nobody else: neither adds nor makes.
    pub(crate) fn shut_out(&self, installation: &str) -> PluginResult<()> {
        let owner = format!("owner {installation}");
        if !self.has(Flaw::ShutsNeighboursOutHalfway) || self.is_seen(&owner) {
            return Ok(());
        }
        if self.first("an owner") {
            self.first(owner);
            return Ok(());
        }
        Err(PluginError::conflict("somebody else is here"))
    }
    /// With a flaw, an object is found by its uuid whoever made it.
    fn neighbourly(&self, mut object: DataObject) -> DataObject {
        let finds_all = self.has(Flaw::SeesNeighbours) || self.has(Flaw::ShutsNeighboursOutHalfway);
        if !finds_all || !object.path().is_empty() {
            return object;
        }
        let uuid = object.uuid().to_string();
        let paths = self.memory().with(|all| all.keys().cloned().collect::<Vec<_>>());
        let path = paths.into_iter().find(|path| path.ends_with(&uuid));
        if let (DataObject::Volume(volume), Some(path)) = (&mut object, path) {
            volume.path = path;
        }
        object
    }
}

#[async_trait]
impl DataStoreDriver for Broken {
    async fn get_capabilities(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreCapabilities> {
        let mut can = self.memory().get_capabilities(call, store).await?;
        if self.has(Flaw::HasNoGranularity) {
            can.limits.size_granularity_bytes = 0;
        }
        if self.has(Flaw::TakesNoRaw) {
            can.formats = vec![ImageFormat::Qcow2];
        }
        Ok(can)
    }
    async fn get_to(
        &self,
        _: &CallContext,
        store: &StoreContext,
        mut object: DataObject,
    ) -> PluginResult<ToAnswer> {
        if let (true, DataObject::Volume(volume)) =
            (self.has(Flaw::NamesAnotherObject), &mut object)
        {
            volume.uuid = Uuid::from_u128(7);
        }
        let to = PrimaryDataStoreTo::of(store, StoragePoolType::PreSetup);
        let mut answer = ToAnswer::default();
        answer.to = Some(DataTo::new(object, DataStoreTo::Primary(to)));
        Ok(answer)
    }
    async fn get_store_to(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<DataStoreTo> {
        self.memory().get_store_to(call, store).await
    }
    async fn create_async(
        &self,
        call: &CallContext,
        store: &StoreContext,
        mut request: CreateRequest,
    ) -> PluginResult<CreateResult> {
        self.shut_out(&store.installation_id)?;
        if self.has(Flaw::FailsUnderLoad) {
            let others = self.0.running.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.0.running.fetch_sub(1, Ordering::SeqCst);
            if others >= 3 {
                return Err(PluginError::unavailable("only three calls at once are borne"));
            }
        }
        let (name, size) = match &request.object {
            DataObject::Volume(volume) => (volume.name.as_str(), volume.size_bytes),
            _ => ("", 0),
        };
        if (self.has(Flaw::RefusesLongNames) && name.len() > 64)
            || (self.has(Flaw::RefusesTheSmallest) && size == 512)
        {
            return Err(PluginError::invalid_argument("this one is not to our taste"));
        }
        let is_beyond = request.object.size_bytes() > 1 << 60;
        let takes_it = self.has(Flaw::AcceptsAnySize) || self.has(Flaw::LeavesHalfMadeObjects);
        if let (true, DataObject::Volume(volume)) = (is_beyond && takes_it, &mut request.object) {
            volume.size_bytes = 1 << 20;
        }
        let result = self.memory().create_async(call, store, request.clone()).await?;
        if is_beyond && self.has(Flaw::LeavesHalfMadeObjects) {
            return Err(PluginError::invalid_argument("too large"));
        }
        if self.has(Flaw::BlankIsDirty) && request.source == CreateSource::Blank {
            self.memory().with_object(&result.path, |object| {
                object.put(100, b"what was here before");
                Ok(())
            })?;
        }
        if let CreateSource::Volume(source) = request.source {
            let pair = (result.path.clone(), source.path);
            self.0.clones.lock().unwrap().push(pair);
        }
        if self.has(Flaw::ClearsOnSecondCreate) && !self.first(&result.path) {
            self.memory().with_object(&result.path, |object| {
                object.cut(0);
                Ok(())
            })?;
        }
        Ok(result)
    }
    async fn delete_async(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<()> {
        let object = self.neighbourly(object);
        let found = self.memory().describe(call, store, object.clone()).await?;
        if self.has(Flaw::LocksWhatIsHalfWritten)
            && self.is_seen(&format!("writing {}", found.path))
        {
            return Err(PluginError::in_use("somebody writes it"));
        }
        if self.has(Flaw::DeletesOnlyOnce) && !found.present {
            return Err(PluginError::not_found("there is nothing to delete"));
        }
        if self.has(Flaw::LeavesGarbage) && object.object_type() == DataObjectType::Snapshot {
            let area = store.details.get("area").unwrap_or_default();
            let garbage = format!("{area}/{}.garbage", store.installation_id);
            self.memory().with(|all| all.entry(garbage).or_default().size = 512);
        }
        self.memory().delete_async(call, store, object).await
    }
    async fn describe(
        &self,
        call: &CallContext,
        store: &StoreContext,
        object: DataObject,
    ) -> PluginResult<ObjectDescription> {
        if self.has(Flaw::FindsOnlyByPath) && object.path().is_empty() {
            return Ok(ObjectDescription::absent());
        }
        let object = self.neighbourly(object);
        let mut description = self.memory().describe(call, store, object).await?;
        if self.has(Flaw::DescribesWrongSize) {
            description.size_bytes /= 2;
        }
        if self.has(Flaw::ShowsWhatIsHalfWritten) && !description.path.is_empty() {
            description.present = true;
        }
        if let (true, Some(digest)) = (self.has(Flaw::KeepsTheFirstDigest), &description.digest) {
            let mut digests = self.0.digests.lock().unwrap();
            let first = digests.entry(description.path.clone()).or_insert_with(|| digest.clone());
            description.digest = Some(first.clone());
        }
        Ok(description)
    }
    async fn list_objects(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ListObjectsRequest,
    ) -> PluginResult<ObjectPage> {
        let continued = request.marker.is_some();
        let mut page = self.memory().list_objects(call, store, request).await?;
        if continued && self.has(Flaw::ListsIncompletely) && !page.objects.is_empty() {
            page.objects.remove(0);
        }
        if self.has(Flaw::ListsWithoutUuid) {
            page.objects.iter_mut().for_each(|object| object.uuid = None);
        }
        if self.has(Flaw::MixesKindsUp) {
            let kind = Some(DataObjectType::Template);
            page.objects.iter_mut().for_each(|object| object.object_type = kind);
        }
        Ok(page)
    }
    async fn can_copy(&self, _: &CallContext, _: CopyRequest) -> PluginResult<bool> {
        Ok(self.has(Flaw::CopiesFromAnywhere))
    }
    async fn extents(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ExtentsRequest,
    ) -> PluginResult<Vec<Extent>> {
        let since = request.since.is_some();
        let mut of_data = request.clone();
        of_data.since = None;
        let mut extents = self.memory().extents(call, store, request).await?;
        if self.has(Flaw::TellsOneExtentOnly) && !since {
            extents.truncate(1);
        }
        if self.has(Flaw::ForgetsWhatBecameZeros) && since {
            let data = self.memory().extents(call, store, of_data).await?;
            extents.retain(|extent| data.contains(extent));
        }
        Ok(extents)
    }
    async fn resize(
        &self,
        call: &CallContext,
        store: &StoreContext,
        mut request: ResizeRequest,
    ) -> PluginResult<CreateResult> {
        request.shrink_ok |= self.has(Flaw::ShrinksWithoutConsent);
        let (from, to) = (request.volume.size_bytes, request.new_size_bytes);
        let result = self.memory().resize(call, store, request).await?;
        if from < to && self.has(Flaw::GrowsDirty) {
            self.memory().with_object(&result.path, |object| {
                object.put(from, b"what was here before");
                Ok(())
            })?;
        }
        Ok(result)
    }
    async fn open_reader(
        &self,
        call: &CallContext,
        store: &StoreContext,
        mut request: OpenReaderRequest,
    ) -> PluginResult<Box<dyn DataReader>> {
        let clones = self.0.clones.lock().unwrap().clone();
        let clone = clones.iter().find(|(clone, _)| clone == request.object.path());
        match (&mut request.object, clone) {
            (DataObject::Volume(volume), Some((_, source)))
                if self.has(Flaw::ClonesShareTheirSource) =>
            {
                volume.path.clone_from(source);
            }
            (DataObject::Snapshot(snapshot), _) if self.has(Flaw::SnapshotsFollowTheVolume) => {
                request.object = (*snapshot.volume).clone().into();
            }
            _ => {}
        }
        let reader = self.memory().open_reader(call, store, request).await?;
        if self.has(Flaw::SkipsHoles) {
            return Ok(Box::new(Gappy(reader)));
        }
        if self.has(Flaw::TellsEmptyChunks) {
            return Ok(Box::new(Hollow { inner: reader, next: None }));
        }
        Ok(reader)
    }
    async fn open_writer(
        &self,
        call: &CallContext,
        store: &StoreContext,
        mut request: OpenWriterRequest,
    ) -> PluginResult<OpenedWriter> {
        let resumes = request.resume.is_some();
        let path = request.object.path().to_owned();
        if let (true, Some(token)) = (self.has(Flaw::AcceptsForeignTokens), &mut request.resume) {
            token.state = "in-memory".into();
        }
        if let (true, DataObject::Template(template)) =
            (self.has(Flaw::KeepsHalfImages), &request.object)
            && template.format == ImageFormat::Vmdk
        {
            // As if every image were as long as the disk in it.
            request.size_bytes = template.size_bytes;
        }
        if self.has(Flaw::ForgetsTheBase) {
            request.base = None;
        }
        let old = self.memory().with(|all| all.get(&path).cloned());
        let opened = self.memory().open_writer(call, store, request).await?;
        if let (true, Some(old)) = (self.has(Flaw::KeepsOldBytes), old) {
            self.memory().with(|all| all.insert(path.clone(), old));
        }
        let offset = if resumes && self.has(Flaw::ResumesFromTheStart) { 0 } else { opened.offset };
        if self.has(Flaw::LocksWhatIsHalfWritten) {
            self.0.seen.lock().unwrap().push(format!("writing {path}"));
        }
        let writer = Leaky { inner: opened.writer, broken: self.clone(), path };
        Ok(OpenedWriter::new(offset, writer))
    }
}
