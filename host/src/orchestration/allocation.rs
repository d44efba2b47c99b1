//! Which pool a new volume goes to.
//!
//! What it is not: the reservation; that is a change of the store, together with the volume's
//! record. A pool that had room here may refuse there: then the next one is asked.

use super::rooms::Rooms;
use crate::jobs::StepError;
use crate::model::{DiskOffering, Failure, StoragePool, StoragePoolState, Stored};
use crate::store::{Filter, Key};
use uuid::Uuid;

/// What a volume asks of its pool.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) zone: Uuid,
    pub(super) size_bytes: u64,
    pub(super) tags: Vec<String>,
    /// This one, or none.
    pub(super) pool: Option<Uuid>,
}

impl Rooms {
    /// The pools that could take a volume, the one with the most room first.
    ///
    /// # Errors
    /// `CapacityExceeded`, with the reason of each pool that is left out.
    pub(super) async fn candidates(
        &self,
        wanted: &Wanted,
    ) -> Result<Vec<Stored<StoragePool>>, StepError> {
        let filter = Filter { zone: Some(wanted.zone), ..Filter::default() };
        let pools = self.repository.list::<StoragePool>(&filter).await?;
        let mut fitting = Vec::new();
        let mut reasons = Vec::new();
        for pool in pools {
            if wanted.pool.is_some_and(|only| only != pool.uuid) {
                continue;
            }
            match self.room(&pool, wanted).await? {
                Ok(free) => fitting.push((free, pool)),
                Err(reason) => reasons.push(format!("{:?} {reason}", pool.name)),
            }
        }
        if fitting.is_empty() {
            let reasons = match reasons.as_slice() {
                [] => "there is none".to_owned(),
                reasons => reasons.join(", "),
            };
            return Err(Failure::no_room(format!(
                "no storage pool of the zone takes a volume of {} bytes: {reasons}",
                wanted.size_bytes
            ))
            .into());
        }
        fitting.sort_by(|(one, _), (other, _)| other.cmp(one));
        Ok(fitting.into_iter().map(|(_, pool)| pool).collect())
    }

    /// The other pools of a volume's zone, and why each of them would not take it.
    pub(super) async fn destinations(
        &self,
        volume: Uuid,
    ) -> Result<Vec<(Stored<StoragePool>, Option<String>)>, StepError> {
        let volume = self.find_volume(volume).await?;
        let offering = match volume.disk_offering {
            Some(uuid) => self.repository.find_any::<DiskOffering>(Key::Uuid(uuid)).await?,
            None => None,
        };
        let wanted = Wanted {
            zone: volume.zone,
            size_bytes: volume.size_bytes,
            tags: offering.map(|offering| offering.record.tags).unwrap_or_default(),
            pool: None,
        };
        let filter = Filter { zone: Some(volume.zone), ..Filter::default() };
        let mut destinations = Vec::new();
        for pool in self.repository.list::<StoragePool>(&filter).await? {
            if Some(pool.uuid) != volume.pool {
                let reason = self.room(&pool, &wanted).await?.err();
                destinations.push((pool, reason));
            }
        }
        Ok(destinations)
    }

    /// How much a pool can still promise, or why it takes nothing.
    async fn room(
        &self,
        pool: &Stored<StoragePool>,
        wanted: &Wanted,
    ) -> Result<Result<u64, String>, StepError> {
        if pool.state != StoragePoolState::Up {
            return Ok(Err(format!("is in state {}", pool.state)));
        }
        if pool.quarantine.is_some() {
            return Ok(Err("is in quarantine".to_owned()));
        }
        if let Some(tag) = wanted.tags.iter().find(|tag| !pool.tags.contains(tag)) {
            return Ok(Err(format!("has no tag {tag:?}")));
        }
        if self.providers.provider(&pool.provider).is_none() {
            return Ok(Err(format!("has a provider, {:?}, that is not loaded", pool.provider)));
        }
        if beyond(pool.used_bytes, pool.capacity_bytes, self.policy.used_threshold) {
            return Ok(Err(format!(
                "has used {} of {} bytes, beyond its threshold (free some, or raise \
                 used_threshold in [storage] of plugins.toml)",
                pool.used_bytes, pool.capacity_bytes
            )));
        }
        let capacity = self.repository.capacity(pool.uuid).await?;
        let Some(limit) = capacity.limit else {
            return Ok(Ok(u64::MAX));
        };
        let after = capacity.reserved.saturating_add(wanted.size_bytes);
        if beyond(after, limit, self.policy.promised_threshold) {
            return Ok(Err(format!(
                "has promised {} of {limit} bytes and cannot promise {} more",
                capacity.reserved, wanted.size_bytes
            )));
        }
        Ok(Ok(limit - capacity.reserved.min(limit)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a threshold is not exact to the byte")]
fn beyond(bytes: u64, of: u64, threshold: f64) -> bool {
    of > 0 && bytes as f64 > of as f64 * threshold
}
