//! A backup begins with the one before it: only what changed is moved.
//!
//! What comes of it is a whole object of its own: it is restored, copied, verified and deleted like
//! any other, in any order. It needs a pool whose driver names what changed, and an image store
//! whose driver writes over another object's bytes.
//!
//! **Invariant:** it is believed only after its digest was found to be that of the snapshot on the
//! pool, whatever a driver said of changes. Where it is another, all bytes are moved.

use crate::jobs::{StepContext, StepError};
use crate::model::{
    ImageStore, ObjectInStore, ObjectInStoreState, RecordKind, Snapshot, SnapshotState, Stored,
};
use crate::motion::{overlay, read_back, verify};
use crate::orchestration::copy::{Copier, found_at, set_path};
use crate::orchestration::image_store::Wanted;
use crate::orchestration::in_store::{Bytes, Origin};
use crate::orchestration::rooms::Rooms;
use crate::orchestration::store_access::StoreAccess;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use storage_plugin_api::{
    CallContext, DataObject, DataStoreRole, ExtentsRequest, ImageFormat, PluginErrorKind,
    SnapshotInfo,
};
use uuid::Uuid;

/// The backup that another one begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Base {
    /// The snapshot, which the pool has as well.
    pub(super) snapshot: Uuid,
    /// Its bytes on the image store.
    one: Uuid,
}

impl Base {
    /// Asks, together with the beginning of an operation, that it is there.
    pub(super) fn is_there(&self) -> Change {
        Change::expect(RecordKind::Snapshot, self.snapshot, SnapshotState::BackedUp.as_str())
    }
}

impl Rooms {
    /// The image store that a snapshot is best backed up to, and the backup to begin with there:
    /// the newest of its volume from before, where that helps; else the first store, and none.
    pub(super) async fn best_store(
        &self,
        snapshot: &Stored<Snapshot>,
    ) -> Result<(Stored<ImageStore>, Option<Base>), StepError> {
        let Snapshot { volume, .. } = &snapshot.record;
        let (zone, format, size_bytes) = (Some(volume.zone), volume.format, volume.size_bytes);
        let wanted = Wanted { zone, format, size_bytes, among: None };
        let (first, others) = self.image_stores_that_take(&wanted).await?;
        let call = CallContext::new(snapshot.uuid);
        let pool = self.store_access(snapshot.pool).await?;
        let is_raw = snapshot.volume.format == ImageFormat::Raw;
        if !is_raw || !pool.capabilities(&call).await?.changed_extents {
            return Ok((first, None));
        }
        let mut before = self.snapshots_of(snapshot.volume.uuid).await?;
        before.retain(|one| is_base_of(one, snapshot));
        for earlier in before.into_iter().rev() {
            for one in self.places_of(earlier.uuid).await? {
                let mut stores = std::iter::once(&first).chain(&others);
                let store = stores.find(|store| store.uuid == one.store);
                let Some(store) = store.filter(|_| is_whole(&one, snapshot)) else {
                    continue;
                };
                if self.writes_over(&call, store).await {
                    let base = Base { snapshot: earlier.uuid, one: one.uuid };
                    return Ok((store.clone(), Some(base)));
                }
            }
        }
        Ok((first, None))
    }

    /// Whether a store can begin a backup with another one now. One that does not answer cannot:
    /// it holds up no backup that another store takes.
    async fn writes_over(&self, call: &CallContext, store: &ImageStore) -> bool {
        let asked = async {
            let access = self.store_access(store.uuid).await?;
            Ok::<_, StepError>(access.capabilities(call).await?.write_over)
        };
        asked.await.unwrap_or_else(|error| {
            log::warn!(
                "no backup begins with another one on {} now: {}",
                store.title(),
                error.failure
            );
            false
        })
    }

    /// Brings a snapshot to an image store by what changed since another one that is there. Gives
    /// the object as it is to be written, Ready; `None` where all bytes have to be moved. Idempotent.
    pub(super) async fn bring_changes(
        &self,
        context: &StepContext,
        one: Uuid,
        (snapshot, base): (Uuid, Base),
    ) -> Result<Option<Stored<ObjectInStore>>, StepError> {
        match self.try_changes(context, one, (snapshot, base)).await {
            Err(error) if is_no_way(error.failure.kind) => {
                log::warn!(
                    operation:% = context.operation();
                    "snapshot {snapshot} is backed up whole, not by what changed since {}: {}",
                    base.snapshot, error.failure
                );
                Ok(None)
            }
            tried => tried,
        }
    }

    async fn try_changes(
        &self,
        context: &StepContext,
        one: Uuid,
        (snapshot, base): (Uuid, Base),
    ) -> Result<Option<Stored<ObjectInStore>>, StepError> {
        let call = context.call();
        let mut one = self.find_in_store(one).await?;
        let from = self.bytes_of(Origin::Snapshot(snapshot)).await?;
        let since = self.find_snapshot(base.snapshot).await?;
        let base = self.object_here(&*self.find_in_store(base.one).await?).await?;
        let to = self.store_access(one.store).await?;
        one.length_bytes = from.length_bytes;
        let ends = ((&from.access, &from.object), (&to, &self.object_here(&one).await?));
        // Who copies by his own means knows best what there is to copy.
        if self.copier(&call, ends.0, ends.1).await? != Copier::Host {
            return Ok(None);
        }
        let runs = changes(&call, &from, self.snapshot_info(&since).await?).await?;
        let moved: u64 = runs.iter().map(|run| run.length).sum();
        if moved >= from.length_bytes {
            return Ok(None);
        }
        let mut there = self.make_place(context, &to, &mut one).await?;
        let (source, destination) = (from.access.end(from.object.clone()), to.end(there.clone()));
        let over = (base, from.length_bytes);
        let written = overlay(&call, &source, &destination, over, &runs).await?;
        if let Some(path) = written.path {
            set_path(&mut there, &path);
            one.path = path;
        }
        found_at(&mut there, &one.path, &one.details);
        one.digest = Some(self.expect_same(context, &from, (&to, there.clone())).await?);
        one.moved_bytes = Some(moved);
        Ok(Some(self.arrived(context, &to, one, there).await?))
    }

    /// Checks that an object on a store is the one on the pool; gives the digest of both.
    async fn expect_same(
        &self,
        context: &StepContext,
        from: &Bytes<'_>,
        (to, there): (&StoreAccess<'_>, DataObject),
    ) -> Result<String, StepError> {
        let (call, length) = (context.call(), from.length_bytes);
        let digest = read_back(&call, &from.access.end(from.object.clone()), length, None).await?;
        let shown = to.describe(context, there.clone()).await?;
        verify(&call, &to.end(there), &digest, length, shown.digest.as_deref()).await?;
        Ok(digest.to_string())
    }
}

/// What changed of an object since a snapshot of it, as its driver says.
async fn changes(
    call: &CallContext,
    from: &Bytes<'_>,
    since: SnapshotInfo,
) -> Result<Vec<storage_plugin_api::Extent>, StepError> {
    let mut ask = ExtentsRequest::new(from.object.clone());
    ask.since = Some(since);
    let access = &from.access;
    Ok(access.guarded(call, access.driver.extents(call, &access.context, ask)).await?)
}

/// Whether a snapshot is there to compare a later one of the same volume with.
fn is_base_of(one: &Stored<Snapshot>, later: &Stored<Snapshot>) -> bool {
    one.id < later.id
        && one.state == SnapshotState::BackedUp
        && one.on_primary
        && one.pool == later.pool
        && one.volume.size_bytes == later.volume.size_bytes
        && one.volume.format == later.volume.format
}

/// Whether an object on a store has all bytes that a later snapshot could begin with.
fn is_whole(one: &ObjectInStore, later: &Snapshot) -> bool {
    one.state == ObjectInStoreState::Ready
        && one.role == DataStoreRole::Image
        && one.format == ImageFormat::Raw
        && one.length_bytes == later.volume.size_bytes
}

/// Whether a failure says that it cannot be done in this way; all others would come with any way.
const fn is_no_way(kind: PluginErrorKind) -> bool {
    use PluginErrorKind::{Conflict, Corrupt, InvalidArgument, NotFound, Unsupported};
    matches!(kind, Unsupported | NotFound | InvalidArgument | Corrupt | Conflict)
}
