//! Which image store takes something new.

use crate::jobs::StepError;
use crate::model::{Failure, ImageStore, ImageStoreState, Stored};
use crate::orchestration::rooms::Rooms;
use crate::store::Filter;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

impl Rooms {
    /// The image stores of a zone that take something new of so many bytes, the one with the most
    /// room first.
    ///
    /// # Errors
    /// `CapacityExceeded`, with the reason of each store that is left out.
    pub(in crate::orchestration) async fn image_stores_for(
        &self,
        zone: Uuid,
        size_bytes: u64,
    ) -> Result<Vec<Stored<ImageStore>>, StepError> {
        let (mut fitting, mut reasons) = (Vec::new(), Vec::new());
        for store in self.repository.list::<ImageStore>(&Filter::default()).await? {
            if store.role != DataStoreRole::Image || !store.serves(zone) {
                continue;
            }
            match self.reason_against(&store, size_bytes) {
                Some(reason) => reasons.push(format!("{:?} {reason}", store.name)),
                None => fitting.push(store),
            }
        }
        if fitting.is_empty() {
            let reasons = match reasons.as_slice() {
                [] => "there is none; add one (addImageStore)".to_owned(),
                reasons => reasons.join(", "),
            };
            let why = format!("no image store of the zone takes {size_bytes} bytes: {reasons}");
            return Err(Failure::no_room(why).into());
        }
        fitting.sort_by_key(|store| std::cmp::Reverse(room(store)));
        Ok(fitting)
    }

    fn reason_against(&self, store: &ImageStore, size_bytes: u64) -> Option<String> {
        if store.state != ImageStoreState::Up {
            return Some(format!("is in state {}", store.state));
        }
        if store.quarantine.is_some() {
            return Some("is in quarantine".to_owned());
        }
        if store.read_only {
            return Some("is read-only".to_owned());
        }
        if self.providers.provider(&store.provider).is_none() {
            return Some(format!("has a provider, {:?}, that is not loaded", store.provider));
        }
        // One that is full takes nothing, also where nobody knows yet how much comes.
        if room(store) < size_bytes.max(1) {
            return Some(format!(
                "has used {} of {} bytes",
                store.used_bytes, store.capacity_bytes
            ));
        }
        None
    }
}

/// How much it can still take; everything where nobody knows.
fn room(store: &ImageStore) -> u64 {
    match store.capacity_bytes {
        0 => u64::MAX,
        bytes => bytes.saturating_sub(store.used_bytes),
    }
}
