//! Where templates and snapshots are, beside where they were born, and where they are read best.
//!
//! What it is not: how they come there, and go; that is in `in_store.rs`.
//!
//! **Invariant:** a place whose store cannot be reached is read only where there is no other.

use super::in_store::{begins, coming_to_image_store, expect_ready, expect_up};
use super::rooms::{Rooms, With};
use crate::jobs::StepError;
use crate::model::{
    Failure, ImageStore, ImageStoreState, ObjectInStore, ObjectInStoreState, RecordKind, Snapshot,
    StoragePool, Stored, Template,
};
use crate::store::{Change, Filter, Key, StoreError};
use storage_plugin_api::{DataStoreRole, PluginErrorKind};
use uuid::Uuid;

/// What begins a copy to an image store of a zone.
pub(super) struct CopyToZone {
    /// What comes to be there.
    pub(super) one: Uuid,
    pub(super) changes: Vec<Change>,
    pub(super) with: With,
}

impl Rooms {
    /// An object on a store that was not removed.
    pub(super) async fn find_in_store(
        &self,
        uuid: Uuid,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        if let Some(one) = self.repository.find::<ObjectInStore>(uuid).await? {
            return Ok(one);
        }
        let gone = match self.repository.find_any::<ObjectInStore>(Key::Uuid(uuid)).await? {
            Some(one) => format!("{}: it was removed; ask again", self.place_in_words(&one).await?),
            None => format!(
                "no template or snapshot is on a store by the id {uuid}; see listTemplates and \
                 listSnapshots"
            ),
        };
        Err(Failure::not_found(gone).into())
    }

    /// Where an object is, or is on its way to, beside where it was born.
    pub(super) async fn places_of(
        &self,
        object: Uuid,
    ) -> Result<Vec<Stored<ObjectInStore>>, StoreError> {
        let filter = Filter { name: Some(object.to_string()), ..Filter::default() };
        self.repository.list(&filter).await
    }

    /// An object on a store.
    pub(super) async fn in_store(
        &self,
        object: Uuid,
        store: Uuid,
    ) -> Result<Option<Stored<ObjectInStore>>, StoreError> {
        let name = Some(object.to_string());
        let filter = Filter { name, owner: Some(store), ..Filter::default() };
        Ok(self.repository.list(&filter).await?.into_iter().next())
    }

    /// The name of an object on a store.
    pub(super) async fn name_of(&self, one: &ObjectInStore) -> Result<String, StoreError> {
        let key = Key::Uuid(one.object);
        let name = match one.kind {
            RecordKind::Template => {
                let template = self.repository.find_any::<Template>(key).await?;
                template.map(|template| template.record.name)
            }
            _ => {
                let snapshot = self.repository.find_any::<Snapshot>(key).await?;
                snapshot.map(|snapshot| snapshot.record.name)
            }
        };
        Ok(name.unwrap_or_else(|| one.object.to_string()))
    }

    /// What a data store is called in messages, whatever its role, also when it was removed.
    pub(super) async fn title_of(&self, store: Uuid) -> Result<String, StoreError> {
        if let Some(pool) = self.repository.find_any::<StoragePool>(Key::Uuid(store)).await? {
            return Ok(pool.title());
        }
        let found = self.repository.find_any::<ImageStore>(Key::Uuid(store)).await?;
        Ok(found.map_or_else(|| format!("store {store}, which is gone"), |store| store.title()))
    }

    /// What an object is, on which store, and how far it has come: the beginning of a message.
    pub(super) async fn place_in_words(&self, one: &ObjectInStore) -> Result<String, StoreError> {
        let note = one.note.as_ref().map(|note| format!(" ({note})"));
        Ok(format!(
            "{} {:?} is in state {}{} on {}",
            one.kind,
            self.name_of(one).await?,
            one.state,
            note.unwrap_or_default(),
            self.title_of(one.store).await?
        ))
    }

    /// Of some places the Ready one that a zone reads best: one that can be reached now, of those
    /// the nearest, of those one of the role that is named first. Places of other roles are none.
    pub(super) async fn best_place(
        &self,
        places: &[Stored<ObjectInStore>],
        zone: Uuid,
        roles: &[DataStoreRole],
    ) -> Result<Option<Stored<ObjectInStore>>, StoreError> {
        let role = |one: &ObjectInStore| roles.iter().position(|role| *role == one.role);
        let ready = places.iter().filter(|one| one.state == ObjectInStoreState::Ready);
        let mut ready: Vec<_> = ready.filter(|one| role(one).is_some()).collect();
        ready.sort_by_key(|one| (one.distance(zone), role(one)));
        for one in &ready {
            // Nobody waits for a store to be connected where there is nothing to choose.
            if ready.len() == 1 || self.is_within_reach(one.store).await? {
                return Ok(Some((*one).clone()));
            }
        }
        Ok(ready.first().map(|one| (*one).clone()))
    }

    /// Whether an image store or image cache can be read now, as far as the host knows without
    /// asking its plugin.
    async fn is_within_reach(&self, uuid: Uuid) -> Result<bool, StoreError> {
        let Some(store) = self.repository.find::<ImageStore>(uuid).await? else {
            return Ok(false);
        };
        let is_up = store.state == ImageStoreState::Up && store.quarantine.is_none();
        Ok(is_up
            && self.providers.why_unavailable(&store.provider).is_none()
            && self.connected.is_settled(uuid, true).await
            && self.guard.circuits().iter().all(|(down, _)| *down != uuid))
    }

    /// Refuses a copy to a zone where the object is on an image store, or on its way there.
    ///
    /// # Errors
    /// `AlreadyExists`, with the store, and what can be done.
    pub(super) async fn expect_not_in_zone(&self, object: Uuid, zone: Uuid) -> Result<(), Failure> {
        use ObjectInStoreState::{Allocated, Creating, Destroyed, Destroying, Failed, Ready};
        let places = self.places_of(object).await?;
        let Some(one) = places.iter().find(|one| one.is_for_images_of(zone)) else {
            return Ok(());
        };
        let way_out = match one.state {
            Ready => "and can be read there",
            Allocated | Creating => "wait until it is there",
            Destroying | Destroyed => "wait until it is gone, then copy it anew",
            Failed => "delete it before it is brought there anew",
        };
        let why = self.place_in_words(one).await?;
        Err(Failure::new(
            PluginErrorKind::AlreadyExists,
            format!("{why}, which serves zone {zone} already; {way_out}"),
        ))
    }

    /// What begins a copy of an object to the image store of a zone that takes it best.
    ///
    /// # Errors
    /// `CapacityExceeded` where no store of the zone takes it.
    pub(super) async fn copy_to_zone(
        &self,
        source: &ObjectInStore,
        zone: Uuid,
    ) -> Result<CopyToZone, Failure> {
        let store = self.image_store_for(zone, source.format, source.length_bytes).await?;
        let one = coming_to_image_store((source.kind, source.object), &store, source.format);
        let mut changes = begins(&one).to_vec();
        changes.extend([expect_ready(source.uuid), expect_up(store.uuid)]);
        let with = With { shared: vec![source.uuid, source.store, store.uuid], ..With::default() };
        Ok(CopyToZone { one: one.uuid, changes, with })
    }
}
