//! An image store is changed: its name, its limit, its weight, whether it takes something new.

use crate::model::{Failure, ImageStore, Stored};
use crate::orchestration::bandwidth::bandwidth;
use crate::store::Change;
use uuid::Uuid;

/// What is to change. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateImageStore {
    /// Another name.
    pub name: Option<String>,
    /// Whether it takes nothing new.
    pub read_only: Option<bool>,
    /// How much it is preferred where something new is to go.
    pub weight: Option<u32>,
    /// How much of the back end may be used.
    pub capacity_bytes: Option<u64>,
    /// How many bytes a second the host moves to and from it; 0 for no limit.
    pub bandwidth: Option<u64>,
}

impl super::ImageStores {
    /// Changes an image store (`updateImageStore`).
    ///
    /// # Errors
    /// `NotFound`; `AlreadyExists` for a name that is taken; `InvalidArgument` for a bandwidth that
    /// moves nothing.
    pub async fn update(
        &self,
        uuid: Uuid,
        wish: UpdateImageStore,
    ) -> Result<Stored<ImageStore>, Failure> {
        let mut store = self.rooms.find_image_store(uuid).await?;
        store.name = wish.name.unwrap_or_else(|| std::mem::take(&mut store.record.name));
        store.weight = wish.weight.unwrap_or(store.weight);
        store.read_only = wish.read_only.unwrap_or(store.read_only);
        if let Some(bytes) = wish.capacity_bytes {
            store.capacity_bytes = bytes;
            store.capacity_limited = true;
        }
        store.bandwidth = bandwidth(wish.bandwidth, store.bandwidth)?;
        let changes = vec![Change::expect_name_free(&store.record, None), Change::update(&store)];
        self.rooms.repository.transact(changes).await?;
        self.rooms.allowances.of(uuid, store.bandwidth);
        self.find(uuid).await
    }
}
