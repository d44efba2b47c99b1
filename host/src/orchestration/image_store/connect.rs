//! After a start of the host, each image store is connected again before anything touches it; see
//! the file of the same name of storage pools.

use crate::jobs::{StepContext, StepError};
use crate::model::{
    EventLevel, Failure, ImageStore, ImageStoreState, NewEvent, RecordKind, Stored,
};
use crate::orchestration::connecting::Connectable;
use crate::orchestration::image_access::ImageAccess;
use crate::orchestration::rooms::Rooms;
use crate::store::{Change, Filter};
use std::sync::Arc;
use storage_plugin_api::{AttachZoneRequest, PluginErrorKind};
use uuid::Uuid;

impl super::ImageStores {
    /// Connects every image store, each on its own and until it answers. Returns at once.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn connect_all(&self) -> Result<(), Failure> {
        let states = vec![ImageStoreState::Up.as_str()];
        let filter = Filter { states, ..Filter::default() };
        for store in self.rooms.repository.list::<ImageStore>(&filter).await? {
            let rooms = Arc::clone(&self.rooms);
            let it = Connectable::ImageStore(store.uuid);
            tokio::spawn(async move { rooms.connect_until_it_answers(it).await });
        }
        Ok(())
    }

    /// Why nothing can be done with an image store now, as far as the host knows without asking
    /// its plugin; `None` where it can.
    pub fn unavailable(&self, store: &ImageStore) -> Option<String> {
        let is_in_use = store.state == ImageStoreState::Up && store.quarantine.is_none();
        self.rooms.why_unavailable(store.uuid, &store.provider, is_in_use)
    }
}

impl Rooms {
    pub(in crate::orchestration) async fn reconnect_image_store(
        &self,
        context: &StepContext,
        uuid: Uuid,
    ) -> Result<(), StepError> {
        let Some(store) = self.repository.find::<ImageStore>(uuid).await? else {
            return Ok(());
        };
        if let Some(reason) = &store.quarantine {
            log::error!("{} is in quarantine still: {reason}", store.title());
            return Ok(());
        }
        let access = self.image_access_to(store)?;
        match self.connect_image_store(context, &access).await {
            Ok(()) => {
                self.connected.add(uuid);
                Ok(())
            }
            Err(error) if error.failure.kind == PluginErrorKind::Conflict => {
                self.quarantine_image_store(access.image_store, &error.failure).await
            }
            Err(error) => Err(error),
        }
    }

    /// Tells the life cycle that this host is there; a driver that keeps a mark raises it.
    pub(super) async fn connect_image_store(
        &self,
        context: &StepContext,
        access: &ImageAccess<'_>,
    ) -> Result<(), StepError> {
        let (call, life_cycle) = (context.call(), access.life_cycle()?);
        let ask = AttachZoneRequest::new(access.image_store.scope.clone());
        // "No" means that there is nothing to attach.
        access.guarded(&call, life_cycle.attach_zone(&call, &access.context, ask)).await?;
        // How many calls it takes at once is known from here on.
        access.capabilities(&call).await?;
        Ok(())
    }

    /// Nothing touches the store until an operator decides.
    async fn quarantine_image_store(
        &self,
        mut store: Stored<ImageStore>,
        reason: &Failure,
    ) -> Result<(), StepError> {
        let title = store.title();
        log::error!("{title} is in quarantine: {reason}; see `storage-host doctor`");
        store.quarantine = Some(reason.message.clone());
        let told = Change::Event(NewEvent {
            event_type: "IMAGE.STORE.QUARANTINE".to_owned(),
            level: EventLevel::Error,
            object: Some((RecordKind::ImageStore, store.uuid)),
            account: "system".to_owned(),
            operation: None,
            description: format!("{title} is in quarantine: {reason}"),
        });
        self.repository.transact(vec![Change::update(&store), told]).await?;
        Ok(())
    }
}
