//! The operator's way out of a quarantine: the image store is connected again, with a takeover if the
//! operator says that this host is the one that counts. See the file of the same name of pools.

use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{Failure, RecordKind};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::ImageStores {
    /// Begins to take an image store or image cache out of quarantine
    /// (`releaseImageStoreQuarantine`). With `takeover`, this host's epoch is raised above that of
    /// the back end.
    ///
    /// # Errors
    /// `Conflict` for a store that is in none; `Unavailable` while its provider is missing.
    pub async fn release_quarantine(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        takeover: bool,
    ) -> Result<Started, Failure> {
        let store = self.rooms.find_image_store(uuid).await?;
        if store.quarantine.is_none() {
            return Err(Failure::conflict(format!("{} is in no quarantine", store.title())));
        }
        self.rooms.image_access_to(store)?.life_cycle()?;
        let object = (RecordKind::ImageStore, uuid);
        let state = State { image_store: uuid, takeover };
        self.rooms.begin::<Flow>(request, object, With::default(), Vec::new(), &state).await
    }
}

/// `image_store.release`: connected again, as this host or above the other.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    image_store: Uuid,
    takeover: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "image_store.release";
    const VERSION: u32 = 1;
    // Nothing to undo: a store that was not connected is in quarantine as before.
    const STEPS: &'static [Step<Self>] = &[Step::outside("connect it", step_fn!(connect))];
}

impl Flow {
    async fn connect(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let (rooms, uuid) = (&self.0, state.image_store);
        let title = rooms.find_image_store(uuid).await?.title();
        let connect = || async move {
            let access = rooms.image_access_to(rooms.find_image_store(uuid).await?)?;
            rooms.connect_image_store(context, &access).await?;
            Ok(access.image_store)
        };
        let connected = rooms.connect_or_take_over(context, &title, state.takeover, connect);
        let mut store = connected.await?;
        rooms.connected.add(uuid);
        store.quarantine = None;
        let told = format!("{title} was released from quarantine");
        let object = (RecordKind::ImageStore, store.uuid);
        let event = context.event("IMAGE.STORE.QUARANTINE.RELEASE", object, told);
        Ok(vec![Change::update(&store), event])
    }
}
