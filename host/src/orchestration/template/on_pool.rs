//! A template is cached on a pool, or in an image cache: once, however many want it at the same time.

use super::copy;
use crate::jobs::{StepContext, StepError};
use crate::model::{
    Failure, ObjectInStore, ObjectInStoreState, Phase, RecordKind, StoragePool, Stored, Template,
};
use crate::orchestration::in_store::{
    Origin, begins, coming_to_image_store, coming_to_pool, expect_active, expect_ready, expect_up,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use std::time::Duration;
use storage_plugin_api::{ImageFormat, PluginError, PluginErrorKind};
use uuid::Uuid;

/// How often a step that waits for another operation looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(500);

/// How often it is looked again where a template is, when it was somewhere else meanwhile.
const ATTEMPTS: u32 = 3;

impl super::Templates {
    /// Brings a template to a pool before anything is made from it (`prepareTemplate`), and waits
    /// until it is there.
    ///
    /// # Errors
    /// `Conflict` where it is ready nowhere; `CapacityExceeded`; why it could not be brought.
    pub async fn prepare(&self, template: Uuid, pool: Uuid) -> Result<(), Failure> {
        let context = StepContext::detached("system");
        Ok(self.rooms.template_on_pool(&context, template, pool).await.map(drop)?)
    }

    /// How far what is on its way to a store has come, in percent.
    pub async fn percent(&self, one: &ObjectInStore) -> Option<u64> {
        // Its own operation, or that of the template which comes to be with it.
        for object in [one.uuid, one.object] {
            let Some(operation) = self.rooms.under_way(object).await.ok().flatten() else {
                continue;
            };
            let progress = self.rooms.jobs.progress(operation.uuid)?;
            let total = progress.total_bytes.filter(|total| *total > 0)?;
            return Some(progress.done_bytes.saturating_mul(100) / total);
        }
        None
    }
}

/// Where a template is brought to be read from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::orchestration) enum Destination {
    /// A storage pool.
    Pool(Uuid),
    /// An image cache.
    Cache(Uuid),
}

impl Destination {
    fn store(self) -> Uuid {
        match self {
            Self::Pool(uuid) | Self::Cache(uuid) => uuid,
        }
    }
}

impl Rooms {
    /// The template on a pool: as it is there, or brought there now, through an image cache where
    /// the zone has one and it comes from afar. Whoever comes second waits for the first.
    ///
    /// # Errors
    /// Why it could not be brought.
    pub(in crate::orchestration) async fn template_on_pool(
        &self,
        context: &StepContext,
        template: Uuid,
        pool: Uuid,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        if self.in_store(template, pool).await?.is_none() {
            let zone = self.find_pool(pool).await?.zone;
            self.stage(context, template, zone).await?;
        }
        self.brought_to(context, template, Destination::Pool(pool)).await
    }

    /// The template on a data store: as it is there, or brought there now. Whoever comes second
    /// waits for the first.
    ///
    /// # Errors
    /// Why it could not be brought.
    pub(super) async fn brought_to(
        &self,
        context: &StepContext,
        template: Uuid,
        to: Destination,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        let mut again = ATTEMPTS;
        loop {
            let found = self.in_store(template, to.store()).await?;
            let operation = match found {
                Some(one) if one.state == ObjectInStoreState::Ready => return Ok(one),
                Some(one) => match self.under_way(one.uuid).await? {
                    Some(operation) => operation.uuid,
                    None => return Err(self.nobody_works_on(&one).await?),
                },
                None => {
                    let request = RequestContext::system("volume from template");
                    match self.begin_bring(&request, template, to).await {
                        Ok(begun) => begun.operation,
                        // Somebody else was quicker.
                        Err(_) if self.in_store(template, to.store()).await?.is_some() => continue,
                        // Its source went to another store, or out of a cache, at this moment.
                        Err(failure) if failure.kind == PluginErrorKind::Conflict && again > 0 => {
                            again -= 1;
                            continue;
                        }
                        Err(failure) => return Err(failure.into()),
                    }
                }
            };
            self.wait_until_done(context, operation).await?;
        }
    }

    async fn nobody_works_on(&self, one: &ObjectInStore) -> Result<StepError, StepError> {
        let why = self.place_in_words(one).await?;
        Ok(PluginError::unavailable(format!(
            "{why}, and no operation works on it now; see `storage-host operations list` for the \
             one that did, and `storage-host doctor`"
        ))
        .into())
    }

    /// Waits until another operation ended well, and tells how far it is.
    ///
    /// # Errors
    /// Its failure; `Unavailable` where nobody works on it now; `Cancelled`.
    pub(in crate::orchestration) async fn wait_until_done(
        &self,
        context: &StepContext,
        operation: Uuid,
    ) -> Result<(), StepError> {
        let call = context.call();
        let ended = loop {
            if let Ok(ended) = tokio::time::timeout(LOOK, self.jobs.wait(operation)).await {
                break ended?;
            }
            if call.is_cancelled() {
                let why = format!("cancelled while operation {operation} was waited for");
                return Err(PluginError::cancelled(why).into());
            }
            if let Some(progress) = self.jobs.progress(operation) {
                call.report_progress(progress.done_bytes, progress.total_bytes);
            }
        };
        match (ended.phase, ended.failure) {
            (Phase::Done, _) => Ok(()),
            (Phase::Undone, Some(failure)) => Err(failure.into()),
            _ => Err(PluginError::unavailable(format!(
                "operation {operation}, which has to be done first, rests for now"
            ))
            .into()),
        }
    }

    /// Begins to bring a template to where it is read from: a pool, or an image cache.
    pub(in crate::orchestration) async fn begin_bring(
        &self,
        request: &RequestContext,
        template: Uuid,
        to: Destination,
    ) -> Result<Started, Failure> {
        let template = self.find_template(template).await?;
        let (one, source, event, more) = match to {
            Destination::Pool(pool) => {
                let pool = self.find_pool(pool).await?;
                let source = self.nearest_source(&template, pool.zone).await?;
                let one = self.coming(&template, &pool, &source)?;
                let bytes = template.size_bytes;
                let room = Change::Reserve { store: pool.uuid, owner: one.uuid, bytes };
                let up = Change::expect(RecordKind::StoragePool, pool.uuid, "Up");
                (one, source, "TEMPLATE.PREPARE", vec![up, room])
            }
            Destination::Cache(cache) => {
                let cache = self.find_image_store(cache).await?;
                let zone = cache.scope.zone_id.unwrap_or_default();
                let source = self.template_source(&template, zone).await?;
                let object = (RecordKind::Template, template.uuid);
                let one = coming_to_image_store(object, &cache, source.format);
                (one, source, "IMAGE.CACHE.FILL", vec![expect_up(cache.uuid)])
            }
        };
        let state = copy::State {
            one: one.uuid,
            origin: Origin::InStore(source.uuid),
            makes_template: false,
            event: event.to_owned(),
        };
        let mut changes = begins(&one).to_vec();
        changes.extend([expect_active(template.uuid), expect_ready(source.uuid)]);
        changes.extend(more);
        let shared = vec![template.uuid, source.uuid, source.store, to.store()];
        let with = With { shared, ..With::default() };
        let object = (RecordKind::ObjectInStore, one.uuid);
        let begun = self.begin::<copy::Flow>(request, object, with, changes, &state).await?;
        self.note_use(&source).await;
        Ok(begun)
    }

    /// A pool takes raw bytes always, and so it gets those.
    fn coming(
        &self,
        template: &Template,
        pool: &StoragePool,
        source: &ObjectInStore,
    ) -> Result<ObjectInStore, Failure> {
        if template.is_iso() || source.format == ImageFormat::Iso {
            return Err(Failure::invalid(format!(
                "iso {:?} is no disk that a volume could be made from",
                template.name
            )));
        }
        if template.size_bytes == 0 {
            return Err(Failure::new(
                PluginErrorKind::Conflict,
                format!("the virtual size of template {:?} is not known", template.name),
            ));
        }
        Ok(coming_to_pool((RecordKind::Template, template.uuid), pool, ImageFormat::Raw))
    }
}
