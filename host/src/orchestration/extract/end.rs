//! Links end: when their time is over, and when what they lead to is gone.

use super::create::image_driver;
use crate::jobs::{self, Step, StepContext, StepError, claim_of, step_fn};
use crate::model::{ExtractLink, Failure, ObjectInStore, RecordKind, Stored};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter, Key};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::DeleteUrlRequest;
use uuid::Uuid;

/// So long after its time a link that its driver does not end is forgotten here: it has expired.
const PATIENCE: Duration = Duration::from_hours(24);

impl super::Extracts {
    /// Ends the links whose time is over by this moment, or whose object is gone. Gives how many
    /// are ended, or are being ended at their stores.
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep(&self, now_us: i64) -> Result<usize, Failure> {
        let mut ended = 0;
        for link in self.rooms.repository.list::<ExtractLink>(&Filter::default()).await? {
            if !link.is_over(now_us) && (!link.is_ready || self.leads_somewhere(&link).await?) {
                continue;
            }
            match self.end(&link, now_us).await {
                Ok(()) => ended += 1,
                // An operation works on it: the next sweep finds it again.
                Err(failure) => log::debug!("link {} is ended later: {failure}", link.uuid),
            }
        }
        Ok(ended)
    }

    /// Whether what a link leads to is there.
    async fn leads_somewhere(&self, link: &ExtractLink) -> Result<bool, Failure> {
        Ok(match link.place {
            Some(place) => self.rooms.repository.find::<ObjectInStore>(place).await?.is_some(),
            None => self.is_there(link).await?,
        })
    }

    async fn is_there(&self, link: &ExtractLink) -> Result<bool, Failure> {
        let key = Key::Uuid(link.object);
        let row = self.rooms.repository.find_row(link.kind, key).await?;
        Ok(row.is_some_and(|row| row.is_there()))
    }

    async fn end(&self, link: &Stored<ExtractLink>, now_us: i64) -> Result<(), Failure> {
        let patience = i64::try_from(PATIENCE.as_micros()).unwrap_or(i64::MAX);
        let is_hopeless = link.expires_us.saturating_add(patience) <= now_us;
        if link.driver_url.is_none() || is_hopeless {
            if link.driver_url.is_some() {
                log::warn!("the driver did not end link {}, which has expired", link.uuid);
            }
            return Ok(self.rooms.repository.transact(forgotten(link.uuid)).await?);
        }
        self.end_at_store(link).await.map(drop)
    }

    /// Begins to end a link at the store whose driver made it.
    pub(in crate::orchestration) async fn end_at_store(
        &self,
        link: &ExtractLink,
    ) -> Result<Started, Failure> {
        let request = RequestContext::system("extract URL sweep");
        let object = (RecordKind::ExtractLink, link.uuid);
        let with = With { shared: vec![link.store], ..With::default() };
        let state = State { link: link.uuid };
        self.rooms.begin::<Flow>(&request, object, with, Vec::new(), &state).await
    }
}

/// The changes with which a link that nobody works on is forgotten.
fn forgotten(link: Uuid) -> Vec<Change> {
    let (name, holder) = (claim_of(link), link);
    vec![
        Change::Claim { name: name.clone(), holder },
        Change::Forget(RecordKind::ExtractLink, link),
        Change::Unclaim { name, holder },
    ]
}

/// `extract.end`: the driver that made a link ends it. What it refuses is asked again by the next
/// sweep.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    link: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "extract.end";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("end it at its store", step_fn!(end_at_store))];
}

impl Flow {
    async fn end_at_store(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let link = self.0.find_link(state.link).await?;
        let place = match link.place {
            Some(place) => self.0.repository.find::<ObjectInStore>(place).await?,
            None => None,
        };
        // Of an object that is gone no link leads anywhere.
        if let (Some(place), Some(url)) = (place, link.driver_url.clone()) {
            let access = self.0.store_access(place.store).await?;
            if let Some(driver) = image_driver(&access) {
                let ask = DeleteUrlRequest::new(self.0.object_here(&place).await?, url);
                let call = context.call();
                let ended = driver.delete_entity_extract_url(&call, &access.context, ask);
                access.guarded(&call, ended).await?;
            }
        }
        Ok(vec![Change::Forget(RecordKind::ExtractLink, link.uuid)])
    }
}
