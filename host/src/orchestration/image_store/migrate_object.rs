//! One template or snapshot goes from an image store to another.
//!
//! **Invariant:** the source lets go of it only after its bytes on the other store were read back
//! with the same digest, the record there says Ready, and nobody reads the old ones any more.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn, uses_of};
use crate::model::{
    ExtractLink, Failure, ImageStore, Machine, ObjectInStore, ObjectInStoreEvent,
    ObjectInStoreState, RecordKind, Stored,
};
use crate::motion::read_back;
use crate::orchestration::in_store::{Origin, begins, coming_to_image_store, ends, expect_ready};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

impl Rooms {
    /// Begins to move what is on an image store to another one. Where the object is there already,
    /// the source only lets go of it.
    ///
    /// # Errors
    /// `Conflict` for what is not Ready, or is being changed; `InUse` for what is on its way.
    pub(in crate::orchestration) async fn begin_migrate_object(
        &self,
        request: &RequestContext,
        source: &Stored<ObjectInStore>,
        store: &Stored<ImageStore>,
    ) -> Result<Started, Failure> {
        let object = (source.kind, source.object);
        let there = self.in_store(source.object, store.uuid).await?.map(|one| one.uuid);
        let state = match source.kind {
            RecordKind::Template => "Active",
            _ => "BackedUp",
        };
        let mut changes = vec![
            Change::expect(source.kind, source.object, state),
            expect_ready(source.uuid),
            self.expect_store_in_use(store.uuid).await?,
        ];
        let mut with =
            With { exclusive: Vec::new(), shared: vec![source.object, source.store, store.uuid] };
        let to = match there {
            Some(there) => {
                changes.push(expect_ready(there));
                with.shared.push(there);
                there
            }
            None => {
                let one = coming_to_image_store(object, store, source.format);
                changes.extend(begins(&one));
                with.exclusive.push(one.uuid);
                one.uuid
            }
        };
        let state = State { source: source.uuid, to, brings: there.is_none() };
        let object = (RecordKind::ObjectInStore, source.uuid);
        self.begin::<Flow>(request, object, with, changes, &state).await
    }

    /// Waits until no operation reads what is on a store.
    async fn wait_for_readers(&self, context: &StepContext, one: Uuid) -> Result<(), StepError> {
        let prefix = uses_of(one);
        loop {
            let claims = self.repository.list_claims().await?;
            let Some(reader) = claims.iter().find(|claim| claim.name.starts_with(&prefix)) else {
                return Ok(());
            };
            // Whether it ends well is its own affair.
            if let Err(error) = self.wait_until_done(context, reader.holder).await {
                let reader = self.jobs.find(reader.holder).await;
                if !reader.is_ok_and(|reader| reader.phase.is_final()) {
                    return Err(error.worth_another_try());
                }
            }
        }
    }
}

/// `image_store.migrate_object`: copied and verified, switched to, removed from the source.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// The object on the store that it leaves.
    source: Uuid,
    /// The object on the store that it goes to.
    to: Uuid,
    /// It was not there before.
    brings: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "image_store.migrate_object";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("bring its bytes", step_fn!(bring)).undone_by(step_fn!(drop_it)),
        Step::local("switch to them", step_fn!(switch)),
        Step::outside("remove it from the source", step_fn!(leave)).forward_only(),
    ];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async move {
            match state.brings {
                true => Ok(ends(self.0.find_in_store(state.to).await?)?),
                false => Ok(Vec::new()),
            }
        })
    }
}

impl Flow {
    async fn bring(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let source = self.0.find_in_store(state.source).await?;
        if !state.brings {
            let there = self.0.find_in_store(state.to).await?;
            self.expect_same(context, &source, &there).await?;
            return Ok(Vec::new());
        }
        let before = self.0.find_in_store(state.to).await?.state;
        let mut one = self.0.bring(context, state.to, Origin::InStore(source.uuid)).await?;
        one.record.digest = Some(self.expect_same(context, &source, &one).await?);
        // It counts when the source counts no more.
        one.state = before;
        Ok(vec![Change::update(&one)])
    }

    /// Refuses where the bytes on the other store are not those that once came to the source. Gives
    /// their digest.
    async fn expect_same(
        &self,
        context: &StepContext,
        source: &ObjectInStore,
        one: &ObjectInStore,
    ) -> Result<String, StepError> {
        let there = match &one.digest {
            // The host moved and verified them.
            Some(digest) => digest.clone(),
            None => self.read(context, one).await?,
        };
        let here = match &source.digest {
            Some(digest) => digest.clone(),
            None => self.read(context, source).await?,
        };
        if there == here {
            return Ok(there);
        }
        let store = self.0.store_access(source.store).await?.title;
        Err(Failure::new(
            PluginErrorKind::Corrupt,
            format!(
                "what came to {store} had the digest {here}, and its copy has {there}: the bytes \
                 changed since, and stay where they are"
            ),
        )
        .into())
    }

    async fn read(&self, context: &StepContext, one: &ObjectInStore) -> Result<String, StepError> {
        let access = self.0.store_access(one.store).await?;
        let object = self.0.object_here(one).await?;
        let digest =
            read_back(&context.call(), &access.end(object), one.length_bytes, None).await?;
        Ok(digest.to_string())
    }

    async fn switch(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        self.0.wait_for_readers(context, state.source).await?;
        let mut source = self.0.find_in_store(state.source).await?;
        let mut to = self.0.find_in_store(state.to).await?;
        let mut changes = vec![Change::ExpectUnused(source.uuid)];
        if to.state != ObjectInStoreState::Ready {
            to.state = to.state.next(ObjectInStoreEvent::OperationSuccessed)?;
            changes.push(Change::update(&to));
        }
        source.state = source.state.next(ObjectInStoreEvent::DestroyRequested)?;
        changes.push(Change::update(&source));
        changes.extend(self.links_follow(&source, &to).await?);
        Ok(changes)
    }

    /// Links of this host lead to the same bytes where they are now. Those that a driver made lead
    /// to its own store, and end with what they lead to.
    async fn links_follow(
        &self,
        source: &ObjectInStore,
        to: &ObjectInStore,
    ) -> Result<Vec<Change>, StepError> {
        let filter = Filter { owner: Some(source.object), ..Filter::default() };
        let mut links = self.0.repository.list::<ExtractLink>(&filter).await?;
        links.retain(|link| link.place == Some(source.uuid) && link.driver_url.is_none());
        let moved = links.iter_mut().map(|link| {
            link.place = Some(to.uuid);
            link.store = to.store;
            Change::update(link)
        });
        Ok(moved.collect())
    }

    async fn leave(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let source = self.0.find_in_store(state.source).await?;
        self.0.drop_from_store(context, &source).await?;
        let to = self.0.find_in_store(state.to).await?;
        let from = self.0.store_access(source.store).await?.title;
        let store = self.0.store_access(to.store).await?.title;
        let name = self.0.name_of(&source).await?;
        let told = format!("{} {name:?} went from {from} to {store}", source.kind);
        let event = context.event("IMAGE.STORE.MIGRATE.OBJECT", (source.kind, source.object), told);
        let mut changes = ends(source)?;
        changes.push(event);
        Ok(changes)
    }

    async fn drop_it(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        match state.brings {
            true => self.0.drop_place(context, state.to).await,
            false => Ok(Vec::new()),
        }
    }
}
