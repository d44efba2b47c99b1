//! A template is deleted, from every store.

use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{
    Failure, Machine, ObjectInStore, ObjectInStoreEvent, ObjectInStoreState, RecordKind, Template,
    TemplateEvent,
};
use crate::orchestration::in_store::ends;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

impl super::Templates {
    /// Begins to delete a template (`deleteTemplate`, `deleteIso`), from all stores. Volumes that
    /// were made from it stay.
    ///
    /// # Errors
    /// `InUse` while a volume is made from it, it is on its way to a store, or what is on a pool
    /// cannot be without it; why a store that it is on cannot be reached.
    pub async fn delete(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        let mut template = self.rooms.find_template(uuid).await?;
        template.state = template.state.next(TemplateEvent::DestroyRequested)?;
        let mut changes = vec![Change::ExpectUnused(uuid), Change::update(&template)];
        let mut with = With::default();
        for mut one in self.rooms.places_of(uuid).await? {
            if one.state == ObjectInStoreState::Creating {
                return Err(Failure::in_use(format!(
                    "{} {:?} is on its way to a store; wait for it, or cancel that operation",
                    template.word(),
                    template.name
                )));
            }
            // There is no way back once it began, so what cannot be reached is refused now.
            self.expect_unneeded(&template, &one).await?;
            one.state = one.state.next(ObjectInStoreEvent::DestroyRequested)?;
            changes.extend([
                Change::ExpectUnused(one.uuid),
                Change::update(&one),
                self.rooms.expect_store_in_use(one.store).await?,
            ]);
            with.exclusive.push(one.uuid);
            // Nor is the store removed meanwhile, with what is on it.
            with.shared.push(one.store);
        }
        let state = State { template: uuid };
        let object = (RecordKind::Template, uuid);
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }

    /// Refuses to remove what other objects on a store are read from. Its driver would refuse as
    /// well, again and again.
    async fn expect_unneeded(
        &self,
        template: &Template,
        one: &ObjectInStore,
    ) -> Result<(), Failure> {
        let context = StepContext::detached("system");
        let access = self.rooms.store_access(one.store).await?;
        if one.role != DataStoreRole::Primary {
            return Ok(());
        }
        let here = self.rooms.object_here(one).await?;
        let needed_by = access.describe(&context, here).await?.needed_by;
        if needed_by.is_empty() {
            return Ok(());
        }
        Err(Failure::in_use(format!(
            "{} {:?} holds bytes of others on {}: {}; remove them first, or move the volumes to \
             another pool and remove their snapshots",
            template.word(),
            template.name,
            access.title,
            needed_by.join(", ")
        )))
    }
}

/// `template.delete`: bytes that are gone do not come back, so there is no way back.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    template: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "template.delete";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("remove it from the stores", step_fn!(remove)).forward_only()];
}

impl Flow {
    async fn remove(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let template = self.0.find_template(state.template).await?;
        let mut changes = Vec::new();
        // Listed anew: one may have come while the begin of this waited for a store to answer, and
        // none comes any more.
        for one in self.0.places_of(state.template).await? {
            self.0.drop_from_store(context, &one).await?;
            changes.extend(ends(one)?);
        }
        let told = format!("{} {:?} was deleted", template.word(), template.name);
        let object = (RecordKind::Template, template.uuid);
        changes.extend([
            Change::remove(&template.record),
            context.event("TEMPLATE.DELETE", object, told),
        ]);
        Ok(changes)
    }
}
