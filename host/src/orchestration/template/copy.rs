//! An object comes to a data store, whatever it comes from: a template is made of a volume or a
//! snapshot, cached on a pool, copied to another store.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Machine, RecordKind, TemplateEvent};
use crate::orchestration::in_store::{
    Origin, begins, coming_to_image_store, ends, expect_active, expect_ready, expect_up,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

impl super::Templates {
    /// Begins to copy a template to an image store of another zone, or to another store
    /// (`copyTemplate`).
    ///
    /// # Errors
    /// `AlreadyExists` where it is there; `Conflict` where it is ready nowhere; `CapacityExceeded`
    /// where no store of the zone takes it.
    pub async fn copy(
        &self,
        request: &RequestContext,
        template: Uuid,
        zone: Uuid,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let template = rooms.find_template(template).await?;
        let places = rooms.places_of(template.uuid).await?;
        let is_there = places.iter().any(|one| {
            one.role == DataStoreRole::Image && one.zone.is_none_or(|other| other == zone)
        });
        if is_there {
            return Err(Failure::new(
                storage_plugin_api::PluginErrorKind::AlreadyExists,
                format!("{} {:?} is in that zone already", template.word(), template.name),
            ));
        }
        let source = rooms.template_source(&template, zone).await?;
        let store = rooms.image_store_for(zone, source.format, source.length_bytes).await?;
        let one =
            coming_to_image_store((RecordKind::Template, template.uuid), &store, source.format);
        let state = State {
            one: one.uuid,
            origin: Origin::InStore(source.uuid),
            makes_template: false,
            event: "TEMPLATE.COPY".to_owned(),
        };
        let shared = vec![source.uuid, source.store, store.uuid];
        let with = With { shared, ..With::default() };
        let mut changes = begins(&one).to_vec();
        changes.extend([
            expect_active(template.uuid),
            expect_ready(source.uuid),
            expect_up(store.uuid),
        ]);
        rooms
            .begin::<Flow>(request, (RecordKind::Template, template.uuid), with, changes, &state)
            .await
    }
}

/// `template.copy`: the bytes are brought and verified, then the record says so.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// What comes to be on the store.
    pub(super) one: Uuid,
    /// Where its bytes come from.
    pub(super) origin: Origin,
    /// The template comes to be with it, and goes if it fails.
    pub(super) makes_template: bool,
    /// CloudStack's word for it.
    pub(super) event: String,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "template.copy";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("bring its bytes", step_fn!(bring)).undone_by(step_fn!(drop_it))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(self.forget(state))
    }
}

impl Flow {
    async fn bring(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let one = self.0.bring(context, state.one, state.origin).await?;
        let mut changes = vec![Change::update(&one)];
        let mut template = self.0.find_template(one.object).await?;
        if state.makes_template {
            template.physical_size_bytes = one.length_bytes;
            template.checksum.clone_from(&one.digest);
            changes.push(Change::update(&template));
        }
        let object = (RecordKind::Template, template.uuid);
        let store = self.0.store_access(one.store).await?.title;
        let told = format!("{} {:?} is on {store}", template.word(), template.name);
        changes.push(context.event(&state.event, object, told));
        Ok(changes)
    }

    async fn drop_it(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let one = self.0.find_in_store(state.one).await?;
        self.0.drop_from_store(context, &one).await?;
        Ok(Vec::new())
    }

    async fn forget(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let one = self.0.find_in_store(state.one).await?;
        let mut changes = vec![Change::Unreserve { store: one.store, owner: one.uuid }];
        if state.makes_template {
            let mut template = self.0.find_template(one.object).await?;
            template.state = template.state.next(TemplateEvent::DestroyRequested)?;
            changes.extend([Change::update(&template), Change::remove(&template.record)]);
        }
        changes.extend(ends(one)?);
        Ok(changes)
    }
}
