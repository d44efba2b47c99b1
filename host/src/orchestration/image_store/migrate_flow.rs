//! What is on an image store goes to others, one after the other.
//!
//! What it is not: the move of one object; each is an operation of its own, and what was moved stays
//! moved whatever becomes of the rest.
//!
//! **Invariant:** a store that is emptied takes nothing new from the beginning on; what is on its way
//! there is waited for.

use super::choice::Wanted;
use super::migrate::Migrated;
use crate::jobs::{self, Retrying, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Caller, Failure, ImageStore, ObjectInStore, ObjectInStoreState, RecordKind, Stored,
};
use crate::orchestration::request::RequestContext;
use crate::orchestration::rooms::Rooms;
use crate::store::{Change, Key};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use storage_plugin_api::{DataStoreRole, PluginErrorKind};
use uuid::Uuid;

/// How often one object is come back to, because something else was done with it meanwhile.
const ATTEMPTS: u32 = 32;

/// `image_store.migrate`: one operation after the other for what is to go.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) source: Uuid,
    pub(super) destinations: Vec<Uuid>,
    pub(super) plan: Plan,
    /// What was there at the beginning.
    pub(super) listed: BTreeSet<Uuid>,
    pub(super) was_read_only: bool,
    /// As the answer says it.
    pub(super) how: String,
    #[serde(default)]
    pub(super) outcome: Option<Migrated>,
}

/// What is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Plan {
    /// All that is there, or comes.
    All,
    /// These, to the store that was chosen for them, if one was.
    Some(BTreeMap<Uuid, Option<Uuid>>),
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "image_store.migrate";
    const VERSION: u32 = 1;
    // What was moved stays moved: there is nothing to undo.
    const STEPS: &'static [Step<Self>] =
        &[Step::local("move one after the other", step_fn!(move_all))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async move {
            let mut source = self.0.find_image_store(state.source).await?;
            if state.plan != Plan::All || source.read_only == state.was_read_only {
                return Ok(Vec::new());
            }
            source.read_only = state.was_read_only;
            Ok(vec![Change::update(&source)])
        })
    }
}

impl Flow {
    async fn move_all(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut attempts = BTreeMap::<Uuid, u32>::new();
        let mut stay = BTreeMap::<Uuid, String>::new();
        while let Some(one) = self.next(state, &stay).await? {
            state.listed.insert(one.uuid);
            let attempt = attempts.entry(one.uuid).or_default();
            *attempt += 1;
            let outcome = match *attempt > ATTEMPTS {
                true => Err(Failure::in_use("others work on it all the time")),
                false => self.move_one(context, state, &one).await?,
            };
            if let Err(failure) = outcome {
                let name = self.0.name_of(&one).await?;
                stay.insert(one.uuid, format!("{} {name:?}: {failure}", one.kind));
            }
        }
        let moved = self.gone(state).await?;
        let outcome =
            Migrated { how: state.how.clone(), moved, stay: stay.into_values().collect() };
        let source = self.0.find_image_store(state.source).await?;
        let told = format!("{}: {}", source.title(), outcome.message());
        let word = match state.how.as_str() {
            "resources" => "IMAGE.STORE.MIGRATE.RESOURCES",
            _ => "IMAGE.STORE.MIGRATE.DATA",
        };
        state.outcome = Some(outcome);
        Ok(vec![context.event(word, (RecordKind::ImageStore, source.uuid), told)])
    }

    /// What comes next.
    async fn next(
        &self,
        state: &State,
        stay: &BTreeMap<Uuid, String>,
    ) -> Result<Option<Stored<ObjectInStore>>, StepError> {
        let is_meant = |one: &Stored<ObjectInStore>| match &state.plan {
            Plan::All => true,
            Plan::Some(chosen) => chosen.contains_key(&one.uuid),
        };
        let places = self.0.what_is_on(state.source).await?;
        Ok(places.into_iter().find(|one| is_meant(one) && !stay.contains_key(&one.uuid)))
    }

    /// How many are not on the source any more, and somewhere else.
    async fn gone(&self, state: &State) -> Result<usize, StepError> {
        let mut gone = 0;
        for uuid in &state.listed {
            let place = self.0.repository.find_any::<ObjectInStore>(Key::Uuid(*uuid)).await?;
            let Some(place) = place.filter(|place| place.removed_us.is_some()) else {
                continue;
            };
            let is_elsewhere = self.0.places_of(place.object).await?.iter().any(|other| {
                other.role == DataStoreRole::Image && other.state == ObjectInStoreState::Ready
            });
            gone += usize::from(is_elsewhere);
        }
        Ok(gone)
    }

    /// One step towards the object being elsewhere: whatever works on it is waited for, or it is
    /// moved. The outer error ends the whole; the inner one says why this one stays.
    async fn move_one(
        &self,
        context: &StepContext,
        state: &State,
        one: &Stored<ObjectInStore>,
    ) -> Result<Result<(), Failure>, StepError> {
        for object in [one.uuid, one.object] {
            if let Some(other) = self.0.under_way(object).await? {
                // How it ends is seen by another look.
                return match self.0.wait_until_done(context, other.uuid).await {
                    Err(error) if error.failure.kind == PluginErrorKind::Cancelled => Err(error),
                    Err(error) if !self.0.jobs.find(other.uuid).await?.phase.is_final() => {
                        Err(error.worth_another_try())
                    }
                    _ => Ok(Ok(())),
                };
            }
        }
        if one.state != ObjectInStoreState::Ready {
            let note = one.note.as_ref().map(|note| format!(" ({note})"));
            return Ok(Err(Failure::conflict(format!(
                "it is in state {}{}",
                one.state,
                note.unwrap_or_default()
            ))));
        }
        let store = match self.destination(state, one).await {
            Ok(store) => store,
            Err(error) => return inner(error),
        };
        let request = RequestContext {
            caller: Caller { account: context.account().to_owned(), ..Caller::admin() },
            command: "migrateSecondaryStorageData".to_owned(),
        };
        let begun = match self.0.begin_migrate_object(&request, one, &store).await {
            Ok(begun) => begun,
            Err(failure) => {
                let is_gone = self.0.repository.find::<ObjectInStore>(one.uuid).await?.is_none();
                let other = self.0.under_way(one.object).await?;
                // Somebody came between: it is looked at again.
                return Ok(if is_gone || other.is_some() { Ok(()) } else { Err(failure) });
            }
        };
        let outcome = self.wait(context, begun.operation).await?;
        if outcome.is_ok() {
            self.0.note_usage(store.uuid).await;
        }
        Ok(outcome)
    }

    /// The store that an object goes to.
    async fn destination(
        &self,
        state: &State,
        one: &ObjectInStore,
    ) -> Result<Stored<ImageStore>, StepError> {
        let planned = match &state.plan {
            Plan::Some(chosen) => chosen.iter().find(|(place, _)| **place == one.uuid),
            Plan::All => None,
        };
        let planned = planned.and_then(|(_, store)| *store);
        let wanted = Wanted {
            zone: one.zone,
            format: one.format,
            size_bytes: one.bytes(),
            among: Some(planned.map_or_else(|| state.destinations.clone(), |store| vec![store])),
        };
        // Where it is already, nothing has to fit in.
        for place in self.0.places_of(one.object).await? {
            let is_there = place.state == ObjectInStoreState::Ready;
            if is_there && state.destinations.contains(&place.store) {
                return self.0.find_image_store(place.store).await;
            }
        }
        Ok(self.0.image_stores_that_take(&wanted).await?.0)
    }

    /// Waits for the operation that moves an object. A wish to turn back reaches it as well.
    async fn wait(
        &self,
        context: &StepContext,
        operation: Uuid,
    ) -> Result<Result<(), Failure>, StepError> {
        let Err(error) = self.0.wait_until_done(context, operation).await else {
            return Ok(Ok(()));
        };
        if self.0.jobs.find(operation).await?.phase.is_final() {
            return Ok(Err(error.failure));
        }
        if error.failure.kind == PluginErrorKind::Cancelled {
            // One that has passed its point of no return comes to its end.
            let asked = self.0.jobs.cancel(operation).await;
            log::debug!("operation {operation} is asked to turn back as well: {asked:?}");
            return Err(error);
        }
        Err(error.worth_another_try())
    }
}

/// Why one object stays, unless it is the host that stops.
fn inner(error: StepError) -> Result<Result<(), Failure>, StepError> {
    match error.retrying {
        Retrying::AtNextStart => Err(error),
        _ => Ok(Err(error.failure)),
    }
}
