//! The capacity ledger: what is promised on a pool is the sum of the promises, and each promise is
//! the size of its volume.

use super::{Doctor, Finding, Severity};
use crate::model::{ObjectInStore, Snapshot, StoragePool, Stored, Volume, VolumeState};
use crate::store::{Filter, StoreError};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

const A_BUG: &str = "this is a bug of the host: report it with the output of `storage-host \
                     operations list` and `storage-host events`";

impl Doctor {
    /// What does not agree in the ledger of a pool.
    pub(super) async fn ledger(
        &self,
        pool: &Stored<StoragePool>,
    ) -> Result<Vec<Finding>, StoreError> {
        let repository = &self.rooms.repository;
        let mut held = self.held().await?;
        let capacity = repository.capacity(pool.uuid).await?;
        let promises = repository.reservations(pool.uuid).await?;
        let filter = Filter { owner: Some(pool.uuid), ..Filter::default() };
        let volumes = repository.list::<Volume>(&filter).await?;
        // An operation that began or ended meanwhile explains a difference.
        held.extend(self.held().await?);

        let mut wrong = Vec::new();
        let sum: u64 = promises.iter().map(|(_, bytes)| *bytes).sum();
        if sum != capacity.reserved {
            let what = format!(
                "its ledger says that {} bytes are promised, and the promises come to {sum}",
                capacity.reserved
            );
            wrong.push((what, pool.uuid));
        }
        let mut promised: HashMap<Uuid, u64> = promises.into_iter().collect();
        for volume in &volumes {
            let bytes = promised.remove(&volume.uuid);
            let what = wrong_promise(volume, bytes).filter(|_| !held.contains(&volume.uuid));
            wrong.extend(what.map(|what| (what, volume.uuid)));
        }
        for (owner, bytes) in promised {
            if !held.contains(&owner) && !self.takes_room(owner).await? {
                let what =
                    format!("{bytes} bytes are promised to {owner}, of which nothing is here");
                wrong.push((what, owner));
            }
        }
        let finding =
            |(what, object)| Finding::new(Severity::Error, pool.title(), what, A_BUG).of(object);
        Ok(wrong.into_iter().map(finding).collect())
    }

    /// Snapshots and cached templates take room, too; and a volume that moves has room on two
    /// pools.
    async fn takes_room(&self, owner: Uuid) -> Result<bool, StoreError> {
        let repository = &self.rooms.repository;
        Ok(repository.find::<Snapshot>(owner).await?.is_some()
            || repository.find::<ObjectInStore>(owner).await?.is_some())
    }

    /// What operations hold now.
    async fn held(&self) -> Result<HashSet<Uuid>, StoreError> {
        let claims = self.rooms.repository.list_claims().await?;
        let objects = claims.iter().filter_map(|claim| {
            let (kind, rest) = claim.name.split_once(':')?;
            let object = rest.split(':').next()?;
            matches!(kind, "object" | "use").then(|| Uuid::try_parse(object).ok())?
        });
        Ok(objects.collect())
    }
}

/// What is wrong with what is promised to a volume, if it is not its size.
fn wrong_promise(volume: &Volume, bytes: Option<u64>) -> Option<String> {
    let is_right = bytes == Some(volume.size_bytes) || volume.state == VolumeState::Expunged;
    (!is_right).then(|| {
        format!(
            "volume {} ({:?}) has {} bytes, and {} are promised to it",
            volume.uuid,
            volume.name,
            volume.size_bytes,
            bytes.unwrap_or_default()
        )
    })
}
