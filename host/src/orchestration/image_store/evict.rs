//! An image cache gives something up: it was not used for long, or the space is needed.
//!
//! **Invariant:** nothing that an operation uses is given up; that is asked in the transaction with
//! which its removal begins.

use super::eviction::{Cached, Fill, Why, evictions};
use crate::jobs::{self, Step, StepContext, StepError, step_fn, uses_of};
use crate::model::{
    Failure, ImageStore, ImageStoreState, Machine, ObjectInStore, ObjectInStoreEvent,
    ObjectInStoreState, RecordKind, Stored,
};
use crate::orchestration::in_store::ends;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter, StoreError, now_us};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::DataStoreRole;
use uuid::Uuid;

/// How often the caches are looked at.
const SWEEP: Duration = Duration::from_mins(1);

impl super::ImageStores {
    /// Lets image caches give up what is too old or too much, now and then, as long as the host
    /// runs.
    pub fn sweep_caches_periodically(&self) {
        let rooms = Arc::downgrade(&self.rooms);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(rooms) = rooms.upgrade() else {
                    return;
                };
                if let Err(failure) = (Self { rooms }).sweep_caches().await {
                    log::warn!("image caches cannot be swept: {failure}");
                }
            }
        });
    }

    /// Lets image caches give up what is too old or too much. Gives how many objects that are.
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep_caches(&self) -> Result<usize, Failure> {
        let states = vec![ImageStoreState::Up.as_str()];
        let filter = Filter { states, ..Filter::default() };
        let mut gone = 0;
        for cache in self.rooms.repository.list::<ImageStore>(&filter).await? {
            if cache.role == DataStoreRole::ImageCache && self.rooms.connected.has(cache.uuid) {
                gone += self.rooms.make_room(&cache, 0).await?;
            }
        }
        Ok(gone)
    }

    /// Empties an image cache of everything that nobody uses now (`evictSecondaryStagingStore`).
    /// Gives how many objects went, and how many stay because they are in use.
    ///
    /// # Errors
    /// `InvalidArgument` for an image store, which has no copies but the only ones there are.
    pub async fn empty_cache(&self, uuid: Uuid) -> Result<(usize, usize), Failure> {
        let cache = self.rooms.find_image_store(uuid).await?;
        if cache.role != DataStoreRole::ImageCache {
            return Err(Failure::invalid(format!(
                "{} is no image cache; what is on it can be moved (migrateSecondaryStorageData)",
                cache.title()
            )));
        }
        let cached = self.rooms.cached(uuid).await?;
        let all = cached.iter().map(|one| (one.one, Why::Asked)).collect();
        let gone = self.rooms.evict_all(&cache, all).await?;
        Ok((gone, cached.len() - gone))
    }
}

impl Rooms {
    /// Makes room in a cache for so many bytes, as far as it has to. Gives how many objects went.
    pub(in crate::orchestration) async fn make_room(
        &self,
        cache: &Stored<ImageStore>,
        coming: u64,
    ) -> Result<usize, Failure> {
        let cached = self.cached(cache.uuid).await?;
        let of_ours = cached.iter().map(|one| one.bytes).sum();
        let fill = Fill {
            // What was asked last may be of before the newest came.
            used: cache.used_bytes.max(of_ours),
            capacity: cache.capacity_bytes,
            coming,
        };
        let gone = evictions(fill, cached, &self.policy.image_cache, now_us());
        self.evict_all(cache, gone).await
    }

    /// What a cache has.
    async fn cached(&self, cache: Uuid) -> Result<Vec<Cached>, Failure> {
        let claims = self.repository.list_claims().await?;
        let is_in_use = |one: Uuid| {
            let prefix = uses_of(one);
            claims.iter().any(|claim| claim.name.starts_with(&prefix))
        };
        let mut places = self.what_is_on(cache).await?;
        places.retain(|one| one.state == ObjectInStoreState::Ready);
        let cached = places.iter().map(|one| Cached {
            one: one.uuid,
            bytes: one.bytes(),
            last_used_us: one.last_used_us.unwrap_or(one.updated_us),
            is_in_use: is_in_use(one.uuid),
        });
        Ok(cached.collect())
    }

    /// Gives some things up, each in an operation of its own. What is used meanwhile stays.
    async fn evict_all(
        &self,
        cache: &Stored<ImageStore>,
        some: Vec<(Uuid, Why)>,
    ) -> Result<usize, Failure> {
        let request = RequestContext::system("image cache");
        let mut gone = 0;
        for (one, why) in some {
            let begun = match self.begin_evict(&request, one, why).await {
                Ok(begun) => begun,
                Err(failure) => {
                    log::debug!("{} keeps {one}: {failure}", cache.title());
                    continue;
                }
            };
            gone += usize::from(self.jobs.wait(begun.operation).await?.phase.is_final());
        }
        if gone > 0 {
            self.note_usage(cache.uuid).await;
        }
        Ok(gone)
    }

    /// Begins to give up what is in an image cache.
    ///
    /// # Errors
    /// `InUse` while an operation uses it; `Conflict` where it is not Ready.
    pub(in crate::orchestration) async fn begin_evict(
        &self,
        request: &RequestContext,
        one: Uuid,
        why: Why,
    ) -> Result<Started, Failure> {
        let mut place = self.find_in_store(one).await?;
        // There is no way back once it began, so what cannot be reached is refused now.
        self.store_access(place.store).await?;
        place.state = place.state.next(ObjectInStoreEvent::DestroyRequested)?;
        let changes = vec![
            Change::ExpectUnused(one),
            Change::update(&place),
            self.expect_store_in_use(place.store).await?,
        ];
        let with = With { shared: vec![place.store], ..With::default() };
        let object = (RecordKind::ObjectInStore, one);
        self.begin::<Flow>(request, object, with, changes, &State { one, why }).await
    }

    /// Notes that a copy in an image cache is used now, so that others go before it.
    pub(in crate::orchestration) async fn note_use(&self, one: &Stored<ObjectInStore>) {
        if one.role != DataStoreRole::ImageCache {
            return;
        }
        let noted: Result<(), StoreError> = async {
            let Some(mut one) = self.repository.find::<ObjectInStore>(one.uuid).await? else {
                return Ok(());
            };
            one.last_used_us = Some(now_us());
            // Whoever came between used it as well.
            self.repository.transact(vec![Change::update(&one)]).await.ok();
            Ok(())
        }
        .await;
        if let Err(error) = noted {
            log::debug!("the use of {} is not noted: {error}", one.uuid);
        }
    }
}

/// `image_cache.evict`: the copy goes; what it was copied from is where it was.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    one: Uuid,
    why: Why,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "image_cache.evict";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("remove it from the cache", step_fn!(remove)).forward_only()];
}

impl Flow {
    async fn remove(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let one = self.0.find_in_store(state.one).await?;
        self.0.drop_from_store(context, &one).await?;
        let name = self.0.name_of(&one).await?;
        let cache = self.0.store_access(one.store).await?.title;
        let told = format!("{cache} gave up {} {name:?}: {}", one.kind, state.why);
        let event = context.event("IMAGE.CACHE.EVICT", (one.kind, one.object), told);
        let mut changes = ends(one)?;
        changes.push(event);
        Ok(changes)
    }
}
