//! An image store is removed: nothing is on it, its life cycle takes away what adding it left.
//!
//! **Invariant:** nothing new comes to it once its removal began. The record goes last, and stays as
//! proof.

use super::add::unclaim;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Failure, ImageStore, ImageStoreEvent, ImageStoreState, Machine, ObjectInStore, RecordKind,
    Stored,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

/// So many objects are named that keep a store.
const NAMED: usize = 10;

impl super::ImageStores {
    /// Begins to remove an image store (`deleteImageStore`), or an image cache
    /// (`deleteSecondaryStagingStore`), which gives up its copies before.
    ///
    /// # Errors
    /// `InUse` while templates or snapshots are on it, naming them; `Unavailable` while its
    /// provider is missing.
    pub async fn delete(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let store = self.rooms.find_image_store(uuid).await?;
        self.rooms.image_access_to(store.clone())?.life_cycle()?;
        let store = match store.role {
            DataStoreRole::ImageCache => self.emptied(store).await?,
            _ => store,
        };
        self.rooms.expect_empty(&store).await?;
        let mut store = store;
        store.state = store.state.next(ImageStoreEvent::RemoveRequested)?;
        let changes = vec![Change::update(&store), expect_empty(uuid), Change::ExpectUnused(uuid)];
        let object = (RecordKind::ImageStore, uuid);
        let state = State { image_store: uuid };
        self.rooms.begin::<Flow>(request, object, With::default(), changes, &state).await
    }
}

impl super::ImageStores {
    /// A cache takes nothing new from here on, and gives up all that nobody uses.
    async fn emptied(&self, mut cache: Stored<ImageStore>) -> Result<Stored<ImageStore>, Failure> {
        cache.read_only = true;
        self.rooms.repository.transact(vec![Change::update(&cache)]).await?;
        self.empty_cache(cache.uuid).await?;
        self.find(cache.uuid).await
    }
}

fn expect_empty(store: Uuid) -> Change {
    Change::ExpectNone { kind: RecordKind::ObjectInStore, owner: store }
}

/// `image_store.delete`.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    image_store: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "image_store.delete";
    const VERSION: u32 = 2;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("remove it from the back end", step_fn!(remove))
            .undone_by(step_fn!(put_back))];

    /// A failure leaves it as it was.
    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async {
            let mut store = self.0.find_image_store(state.image_store).await?;
            // The first version of this left it Up meanwhile.
            if store.state == ImageStoreState::Removing {
                store.state = store.state.next(ImageStoreEvent::OperationFailed)?;
            }
            Ok(vec![Change::update(&store)])
        })
    }
}

impl Flow {
    async fn remove(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let access = self.0.image_access_to(self.0.find_image_store(state.image_store).await?)?;
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        // "No" means that there is nothing to remove.
        access.guarded(&call, life_cycle.delete_data_store(&call, &access.context)).await?;
        self.0.connected.remove(state.image_store);
        let mut store = access.image_store;
        if store.state == ImageStoreState::Up {
            store.state = store.state.next(ImageStoreEvent::RemoveRequested)?;
        }
        store.state = store.state.next(ImageStoreEvent::OperationSucceeded)?;
        let told = format!("{} was removed", store.title());
        let object = (RecordKind::ImageStore, store.uuid);
        let mut changes = vec![
            expect_empty(store.uuid),
            Change::update(&store),
            Change::remove(&store.record),
            context.event("IMAGE.STORE.DELETE", object, told),
        ];
        changes.extend(unclaim(&store));
        Ok(changes)
    }

    /// Its life cycle may have taken away what adding it left, whatever it said: that is made anew.
    async fn put_back(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let store = self.0.find_image_store(state.image_store).await?;
        if store.quarantine.is_some() {
            return Ok(Vec::new());
        }
        let access = self.0.image_access_to(store)?;
        if self.0.connect_image_store(context, &access).await.is_err() {
            self.0.initialize_image_store(context, &access).await?;
            self.0.connect_image_store(context, &access).await?;
        }
        self.0.connected.add(state.image_store);
        Ok(Vec::new())
    }
}

impl Rooms {
    /// Refuses while anything is on an image store, with names.
    async fn expect_empty(&self, store: &Stored<ImageStore>) -> Result<(), Failure> {
        let filter = Filter { owner: Some(store.uuid), ..Filter::default() };
        let objects = self.repository.list::<ObjectInStore>(&filter).await?;
        if objects.is_empty() {
            return Ok(());
        }
        let mut names = Vec::new();
        for one in objects.iter().take(NAMED) {
            names.push(format!("{} {:?}", one.kind, self.name_of(one).await?));
        }
        if objects.len() > NAMED {
            names.push(format!("and {} more", objects.len() - NAMED));
        }
        Err(Failure::in_use(format!(
            "{} has {}; {}",
            store.title(),
            names.join(", "),
            match store.role {
                DataStoreRole::ImageCache => "they are in use now: try again later",
                _ => {
                    "delete them, or move them to another store first \
                     (migrateSecondaryStorageData)"
                }
            }
        )))
    }
}
