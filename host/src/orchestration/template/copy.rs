//! An object comes to a data store, whatever it comes from: a template is made of a volume or a
//! snapshot, cached on a pool, copied to another store.

use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, Machine, RecordKind, TemplateEvent};
use crate::orchestration::in_store::{Origin, ends, expect_active};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::Rooms;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
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
        rooms.expect_not_in_zone(template.uuid, zone).await?;
        let source = rooms.template_source(&template, zone).await?;
        let mut copy = rooms.copy_to_zone(&source, zone).await?;
        copy.changes.push(expect_active(template.uuid));
        let state = State {
            one: copy.one,
            origin: Origin::InStore(source.uuid),
            makes_template: false,
            event: "TEMPLATE.COPY".to_owned(),
        };
        let object = (RecordKind::Template, template.uuid);
        rooms.begin::<Flow>(request, object, copy.with, copy.changes, &state).await
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
        self.0.drop_place(context, state.one).await
    }

    async fn forget(&self, state: &State) -> Result<Vec<Change>, StepError> {
        let one = self.0.find_in_store(state.one).await?;
        let mut changes = Vec::new();
        if state.makes_template {
            let mut template = self.0.find_template(one.object).await?;
            template.state = template.state.next(TemplateEvent::DestroyRequested)?;
            changes.extend([Change::update(&template), Change::remove(&template.record)]);
        }
        changes.extend(ends(one)?);
        Ok(changes)
    }
}
