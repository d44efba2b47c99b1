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
    /// The image store of a zone that takes something new of so many bytes best.
    ///
    /// # Errors
    /// As [`image_stores_that_take`](Self::image_stores_that_take).
    pub(in crate::orchestration) async fn image_store_for(
        &self,
        zone: Uuid,
        format: ImageFormat,
        size_bytes: u64,
    ) -> Result<Stored<ImageStore>, StepError> {
        let wanted = Wanted { zone: Some(zone), format, size_bytes, among: None };
        Ok(self.image_stores_that_take(&wanted).await?.0)
    }

    /// The image store that takes something best, and the others that take it, the better first.
    ///
    /// # Errors
    /// `CapacityExceeded` where none takes it, with the reason of each.
    pub(in crate::orchestration) async fn image_stores_that_take(
        &self,
        wanted: &Wanted,
    ) -> Result<(Stored<ImageStore>, Vec<Stored<ImageStore>>), StepError> {
        let candidates = self.image_store_candidates(wanted).await?;
        let mut fitting = candidates.iter().filter(|one| one.verdict.rank.is_some());
        let best = fitting.next().ok_or_else(|| none_takes(wanted, &candidates))?;
        Ok((best.store.clone(), fitting.map(|one| one.store.clone()).collect()))
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

/// Why nobody takes it, and where to look for more.
fn none_takes(wanted: &Wanted, candidates: &[Candidate]) -> Failure {
    let Wanted { zone, format, size_bytes, among } = wanted;
    let reasons: Vec<_> = candidates
        .iter()
        .map(|one| format!("{:?} {}", one.store.name, one.verdict.reason))
        .collect();
    let reasons = match reasons.as_slice() {
        [] => "there is none; add one (addImageStore)".to_owned(),
        reasons => reasons.join(", "),
    };
    let place = match (among, zone) {
        (Some(_), _) => "that was named".to_owned(),
        (None, Some(zone)) => format!("of zone {zone}"),
        (None, None) => "of the region".to_owned(),
    };
    let size = match size_bytes {
        0 => "bytes".to_owned(),
        bytes => format!("{bytes} bytes"),
    };
    let way_out = zone.map(|zone| {
        format!(
            "; `storage-host explain image-store zoneid={zone} format={format} size={size_bytes}` \
             shows them all"
        )
    });
    Failure::no_room(format!(
        "no image store {place} takes {size} of format {format}: {reasons}{}",
        way_out.unwrap_or_default()
    ))
}
