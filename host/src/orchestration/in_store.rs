//! Templates and snapshots on data stores: how one comes to be there, and how it goes.
//!
//! What it is not: a flow. The steps of several flows are made of this: a template is made of a
//! volume, copied to a pool or to another store, a snapshot is backed up.
//!
//! **Invariant:** an [`ObjectInStore`] is Ready only after its bytes were verified where they are.

use super::copy::found_at;
use super::landing::Keeping;
use super::rooms::Rooms;
use super::storage_pool::expect_in_use;
use super::store_access::StoreAccess;
use super::volume::pool_of;
use crate::jobs::{StepContext, StepError};
use crate::model::{
    Failure, ImageStore, ImageStoreState, Machine, ObjectInStore, ObjectInStoreEvent,
    ObjectInStoreState, RecordKind, Snapshot, StoragePool, Stored, Template, TemplateState,
};
use crate::store::{Change, Key, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage_plugin_api::{DataObject, DataStoreRole, Details, ImageFormat};
use uuid::Uuid;

/// Where the bytes of a copy come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Origin {
    /// A volume, on its pool.
    Volume(Uuid),
    /// A snapshot, on the pool where it was taken.
    Snapshot(Uuid),
    /// A template or snapshot on a data store.
    InStore(Uuid),
}

/// The bytes of an object, within reach.
pub(super) struct Bytes<'a> {
    pub(super) access: StoreAccess<'a>,
    pub(super) object: DataObject,
    pub(super) length_bytes: u64,
    pub(super) format: ImageFormat,
    /// What they are, as text: by it a transfer that broke off knows its source again.
    pub(super) same: String,
}

/// A new object on an image store or image cache, on its way there.
pub(super) fn coming_to_image_store(
    (kind, object): (RecordKind, Uuid),
    store: &ImageStore,
    format: ImageFormat,
) -> ObjectInStore {
    coming((kind, object), (store.uuid, store.role, store.scope.zone_id), format)
}

/// A new object on a pool, on its way there.
pub(super) fn coming_to_pool(
    (kind, object): (RecordKind, Uuid),
    pool: &StoragePool,
    format: ImageFormat,
) -> ObjectInStore {
    coming((kind, object), (pool.uuid, DataStoreRole::Primary, Some(pool.zone)), format)
}

fn coming(
    (kind, object): (RecordKind, Uuid),
    (store, role, zone): (Uuid, DataStoreRole, Option<Uuid>),
    format: ImageFormat,
) -> ObjectInStore {
    ObjectInStore {
        uuid: Uuid::new_v4(),
        kind,
        object,
        store,
        role,
        zone,
        state: ObjectInStoreState::Creating,
        note: None,
        path: String::new(),
        details: Details::new(),
        format,
        length_bytes: 0,
        physical_size_bytes: None,
        digest: None,
        moved_bytes: None,
        last_used_us: None,
        checkpoint: None,
    }
}

/// The changes with which a new object on a store begins.
pub(super) fn begins(one: &ObjectInStore) -> [Change; 2] {
    [Change::Claim { name: one.claim(), holder: one.uuid }, Change::insert(one)]
}

/// Asks, together with the beginning of what reads it, that an object is Ready on its store.
pub(super) fn expect_ready(one: Uuid) -> Change {
    Change::expect(RecordKind::ObjectInStore, one, ObjectInStoreState::Ready.as_str())
}

/// Asks that an image store or image cache is in use.
pub(super) fn expect_up(image_store: Uuid) -> Change {
    Change::expect(RecordKind::ImageStore, image_store, ImageStoreState::Up.as_str())
}

/// Asks that a template is not on its way out.
pub(super) fn expect_active(template: Uuid) -> Change {
    Change::expect(RecordKind::Template, template, TemplateState::Active.as_str())
}

/// The changes with which an object on a store ends, when its bytes are gone: with it ends what was
/// promised for it.
pub(super) fn ends(mut one: Stored<ObjectInStore>) -> Result<Vec<Change>, Failure> {
    use ObjectInStoreEvent::{DestroyRequested, OperationFailed, OperationSuccessed};
    if one.state == ObjectInStoreState::Creating {
        one.state = one.state.next(OperationFailed)?;
    }
    one.state = one.state.next(DestroyRequested)?.next(OperationSuccessed)?;
    one.checkpoint = None;
    Ok(vec![
        Change::update(&one),
        // The record stays, removed, as proof that the bytes may not be there.
        Change::remove(&one.record),
        Change::Unclaim { name: one.claim(), holder: one.uuid },
        Change::Unreserve { store: one.store, owner: one.uuid },
    ])
}

/// The changes with which an object ends that could not be brought; its record says why, and keeps
/// others away until it is deleted.
pub(super) fn fails(
    mut one: Stored<ObjectInStore>,
    why: Option<&Failure>,
) -> Result<Change, Failure> {
    one.state = one.state.next(ObjectInStoreEvent::OperationFailed)?;
    one.note = why.map(|why| why.message.clone());
    one.checkpoint = None;
    one.path = String::new();
    Ok(Change::update(&one))
}

impl Rooms {
    /// A template or ISO that was not removed.
    pub(super) async fn find_template(&self, uuid: Uuid) -> Result<Stored<Template>, Failure> {
        let found = self.repository.find::<Template>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no template {uuid}")))
    }

    /// The way to a data store, whatever its role.
    ///
    /// # Errors
    /// As the way to a pool, and to an image store.
    pub(super) async fn store_access(&self, uuid: Uuid) -> Result<StoreAccess<'_>, StepError> {
        let key = Key::Uuid(uuid);
        if self.repository.find_any::<ImageStore>(key).await?.is_some() {
            return Ok(self.image_access(uuid).await?.into_store());
        }
        Ok(self.access(uuid).await?.into_store())
    }

    /// Asks, together with the beginning of an operation on a data store, that it is in use.
    pub(super) async fn expect_store_in_use(&self, uuid: Uuid) -> Result<Change, StoreError> {
        let is_image_store = self.repository.find::<ImageStore>(uuid).await?.is_some();
        Ok(match is_image_store {
            true => expect_up(uuid),
            false => expect_in_use(uuid),
        })
    }

    /// The bytes of a copy's origin.
    pub(super) async fn bytes_of(&self, origin: Origin) -> Result<Bytes<'_>, StepError> {
        let same = |length_bytes: u64| json!({ "of": origin, "bytes": length_bytes }).to_string();
        match origin {
            Origin::Volume(uuid) => {
                let volume = self.find_volume(uuid).await?;
                Ok(Bytes {
                    same: same(volume.size_bytes),
                    access: self.store_access(pool_of(&volume)?).await?,
                    object: volume.as_seen_by_plugins(volume.id).into(),
                    length_bytes: volume.size_bytes,
                    format: volume.format,
                })
            }
            Origin::Snapshot(uuid) => {
                let snapshot = self.find_snapshot(uuid).await?;
                Ok(Bytes {
                    same: same(snapshot.volume.size_bytes),
                    access: self.store_access(snapshot.pool).await?,
                    object: self.snapshot_info(&snapshot).await?.into(),
                    length_bytes: snapshot.volume.size_bytes,
                    format: snapshot.volume.format,
                })
            }
            Origin::InStore(uuid) => {
                let one = self.find_in_store(uuid).await?;
                Ok(Bytes {
                    same: same(one.length_bytes),
                    access: self.store_access(one.store).await?,
                    object: self.object_here(&one).await?,
                    length_bytes: one.length_bytes,
                    format: one.format,
                })
            }
        }
    }

    /// An object as the driver of a store sees it there.
    pub(super) async fn object_here(&self, one: &ObjectInStore) -> Result<DataObject, StepError> {
        let key = Key::Uuid(one.object);
        let missing = || Failure::not_found(format!("there is no {} {}", one.kind, one.object));
        Ok(match one.kind {
            RecordKind::Template => {
                let template = self.repository.find_any::<Template>(key).await?;
                let template = template.ok_or_else(missing)?;
                one.here(template.as_seen_by_plugins(template.id))
            }
            _ => {
                let snapshot = self.repository.find_any::<Snapshot>(key).await?;
                let snapshot = snapshot.ok_or_else(missing)?;
                one.here(snapshot.as_seen_by_plugins(snapshot.id))
            }
        })
    }

    /// Brings the bytes of an origin to a store, and verifies them there. Idempotent: after a crash
    /// it goes on where it was. Gives the object as it is to be written: Ready.
    pub(super) async fn bring(
        &self,
        context: &StepContext,
        uuid: Uuid,
        origin: Origin,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let mut one = self.find_in_store(uuid).await?;
        let from = self.bytes_of(origin).await?;
        let to = self.store_access(one.store).await?;
        if from.format != one.format {
            return self.convert(context, &from, &to, one).await;
        }
        one.length_bytes = from.length_bytes;
        let there = self.object_here(&one).await?;
        let source = (&from.access, from.object);
        let mut keep = Keeping::again(self, one, from.same);
        let target = (&to, there.clone());
        let made = self.copy_object(context, source, target, from.length_bytes, &mut keep).await?;
        let mut one = keep.one;
        one.digest = made.digest;
        one.path = made.copied.path;
        one.details = made.copied.details;
        one.format = made.copied.format.unwrap_or(one.format);
        self.arrived(context, &to, one, there).await
    }

    /// Looks at what was brought to a store, and calls it Ready.
    pub(super) async fn arrived(
        &self,
        context: &StepContext,
        to: &StoreAccess<'_>,
        mut one: Stored<ObjectInStore>,
        mut there: DataObject,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        found_at(&mut there, &one.path, &one.details);
        let shown = to.describe(context, there).await?;
        if !shown.present {
            return Err(to.contradiction("has the object", "is not there"));
        }
        if !shown.path.is_empty() {
            one.path = shown.path;
        }
        one.physical_size_bytes = shown.physical_size_bytes;
        one.note = None;
        one.checkpoint = None;
        one.state = one.state.next(ObjectInStoreEvent::OperationSuccessed)?;
        Ok(one)
    }

    /// Removes what a step brought to a store: its way back. The record ends with the operation.
    pub(super) async fn drop_place(
        &self,
        context: &StepContext,
        uuid: Uuid,
    ) -> Result<Vec<Change>, StepError> {
        let one = self.find_in_store(uuid).await?;
        self.drop_from_store(context, &one).await?;
        Ok(Vec::new())
    }

    /// Removes the bytes of an object from a store.
    pub(super) async fn drop_from_store(
        &self,
        context: &StepContext,
        one: &ObjectInStore,
    ) -> Result<(), StepError> {
        let access = self.store_access(one.store).await?;
        access.delete(context, self.object_here(one).await?).await
    }
}
