//! Which image store takes something new.
//!
//! What it is not: the judgement; that is in `choice.rs`. Here is found out what is judged.

use super::choice::{Answer, Verdict, Wanted, objection, verdict};
use crate::jobs::StepError;
use crate::model::{Failure, ImageStore, Stored};
use crate::orchestration::rooms::Rooms;
use crate::store::Filter;
use std::cmp::Reverse;
use std::time::Duration;
use storage_plugin_api::{CallContext, ImageFormat};
use uuid::Uuid;

/// How long a driver may take to say which formats it stores. A caller waits for that.
const ASK: Duration = Duration::from_secs(5);

/// An image store that was asked, and what is to be said of it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The store.
    pub store: Stored<ImageStore>,
    /// Whether it takes it.
    pub verdict: Verdict,
}

impl super::ImageStores {
    /// What is said of each image store of a zone where something new of a format and a size is to
    /// go, the best first; `storage-host explain image-store` shows it.
    ///
    /// # Errors
    /// The store's.
    pub async fn explain(
        &self,
        zone: Uuid,
        format: ImageFormat,
        size_bytes: u64,
    ) -> Result<Vec<Candidate>, Failure> {
        let wanted = Wanted { zone: Some(zone), format, size_bytes, among: None };
        Ok(self.rooms.image_store_candidates(&wanted).await?)
    }
}

impl Rooms {
    /// The image stores of a zone that take something new of so many bytes, the best first.
    ///
    /// # Errors
    /// `CapacityExceeded`, with the reason of each store that is left out.
    pub(in crate::orchestration) async fn image_stores_for(
        &self,
        zone: Uuid,
        format: ImageFormat,
        size_bytes: u64,
    ) -> Result<Vec<Stored<ImageStore>>, StepError> {
        let wanted = Wanted { zone: Some(zone), format, size_bytes, among: None };
        self.image_stores_that_take(&wanted).await
    }

    /// The image stores that take something, the best first.
    ///
    /// # Errors
    /// `CapacityExceeded`, with the reason of each store that is left out.
    pub(in crate::orchestration) async fn image_stores_that_take(
        &self,
        wanted: &Wanted,
    ) -> Result<Vec<Stored<ImageStore>>, StepError> {
        let (fitting, others): (Vec<_>, Vec<_>) = self
            .image_store_candidates(wanted)
            .await?
            .into_iter()
            .partition(|one| one.verdict.rank.is_some());
        if fitting.is_empty() {
            let reasons: Vec<_> = others
                .iter()
                .map(|one| format!("{:?} {}", one.store.name, one.verdict.reason))
                .collect();
            let reasons = match reasons.as_slice() {
                [] => "there is none; add one (addImageStore)".to_owned(),
                reasons => reasons.join(", "),
            };
            let (bytes, place) =
                (wanted.size_bytes, if wanted.among.is_some() { "" } else { " of the zone" });
            let why = format!("no image store{place} takes {bytes} bytes: {reasons}");
            return Err(Failure::no_room(why).into());
        }
        Ok(fitting.into_iter().map(|one| one.store).collect())
    }

    /// The image stores that come into question, each with its verdict, the best first.
    async fn image_store_candidates(&self, wanted: &Wanted) -> Result<Vec<Candidate>, StepError> {
        let mut candidates = Vec::new();
        for store in self.repository.list::<ImageStore>(&Filter::default()).await? {
            if !wanted.concerns(&store) {
                continue;
            }
            let threshold = self.policy.image_store_threshold;
            let verdict = match objection(&store, wanted, threshold) {
                Some(reason) => Verdict { rank: None, reason },
                None => verdict(&store, wanted, &self.ask_formats(&store).await),
            };
            candidates.push(Candidate { store, verdict });
        }
        candidates.sort_by_key(|one| Reverse(one.verdict.rank));
        Ok(candidates)
    }

    /// Which formats the driver of a store takes, before any bytes move.
    async fn ask_formats(&self, store: &Stored<ImageStore>) -> Answer {
        if self.providers.provider(&store.provider).is_none() {
            return Answer::Missing;
        }
        let asked = async {
            let access = self.image_access(store.uuid).await?;
            let call = CallContext::new(Uuid::new_v4());
            Ok::<_, StepError>(access.capabilities(&call).await?.formats)
        };
        match tokio::time::timeout(ASK, asked).await {
            Ok(Ok(formats)) => Answer::Takes(formats),
            Ok(Err(error)) => Answer::Silent(error.failure.message),
            Err(_) => Answer::Silent(format!("nothing within {} s", ASK.as_secs())),
        }
    }
}
