//! A template is cached on a pool, once, however many volumes want it at the same time.

use super::copy::{self, expect_active};
use crate::jobs::{StepContext, StepError};
use crate::model::{
    Failure, ObjectInStore, ObjectInStoreState, Phase, RecordKind, StoragePool, Stored, Template,
};
use crate::orchestration::in_store::{Origin, begins, coming_to_pool};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter, StoreError};
use std::time::Duration;
use storage_plugin_api::{ImageFormat, PluginError, PluginErrorKind};
use uuid::Uuid;

/// How often a step that waits for another operation looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(500);

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

impl Rooms {
    /// An object on a store.
    pub(in crate::orchestration) async fn in_store(
        &self,
        object: Uuid,
        store: Uuid,
    ) -> Result<Option<Stored<ObjectInStore>>, StoreError> {
        let name = Some(object.to_string());
        let filter = Filter { name, owner: Some(store), ..Filter::default() };
        Ok(self.repository.list(&filter).await?.into_iter().next())
    }

    /// The template on a pool: as it is there, or brought there now. Whoever comes second waits for
    /// the first.
    ///
    /// # Errors
    /// Why it could not be brought.
    pub(in crate::orchestration) async fn template_on_pool(
        &self,
        context: &StepContext,
        template: Uuid,
        pool: Uuid,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        loop {
            let found = self.in_store(template, pool).await?;
            let operation = match found {
                Some(one) if one.state == ObjectInStoreState::Ready => return Ok(one),
                Some(one) => self.under_way(one.uuid).await?.map(|operation| operation.uuid),
                None => {
                    let request = RequestContext::system("volume from template");
                    match self.begin_on_pool(&request, template, pool).await {
                        Ok(begun) => Some(begun.operation),
                        // Somebody else was quicker.
                        Err(_) if self.in_store(template, pool).await?.is_some() => continue,
                        Err(failure) => return Err(failure.into()),
                    }
                }
            };
            let Some(operation) = operation else {
                return Err(PluginError::unavailable(
                    "the template on the pool is on its way in or out, and no operation works on it",
                )
                .into());
            };
            self.wait_for(context, operation).await?;
        }
    }

    /// Waits until another operation ended well.
    async fn wait_for(&self, context: &StepContext, operation: Uuid) -> Result<(), StepError> {
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
                "operation {operation}, which brings the template to the pool, rests for now"
            ))
            .into()),
        }
    }

    /// Begins to cache a template on a pool.
    pub(in crate::orchestration) async fn begin_on_pool(
        &self,
        request: &RequestContext,
        template: Uuid,
        pool: Uuid,
    ) -> Result<Started, Failure> {
        let template = self.find_template(template).await?;
        let pool = self.find_pool(pool).await?;
        let source = self.template_source(&template, pool.zone).await?;
        let one = self.coming(&template, &pool, &source)?;
        let state = copy::State {
            one: one.uuid,
            origin: Origin::InStore(source.uuid),
            makes_template: false,
            event: "TEMPLATE.PREPARE".to_owned(),
        };
        let up = vec!["Up"];
        let mut changes = begins(&one).to_vec();
        changes.extend([
            expect_active(template.uuid),
            Change::Expect { kind: RecordKind::StoragePool, uuid: pool.uuid, states: up },
            Change::Reserve { store: pool.uuid, owner: one.uuid, bytes: template.size_bytes },
        ]);
        let shared = vec![template.uuid, source.uuid, source.store, pool.uuid];
        let with = With { shared, ..With::default() };
        let object = (RecordKind::ObjectInStore, one.uuid);
        self.begin::<copy::Flow>(request, object, with, changes, &state).await
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
