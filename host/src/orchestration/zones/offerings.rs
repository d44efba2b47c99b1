//! Disk offerings: made, changed, withdrawn.
//!
//! **Invariant:** what a volume was made from stays readable: an offering that is removed is kept
//! as proof, and nothing new is made from it.

use super::Zones;
use crate::model::{DiskOffering, Failure, Stored};
use crate::store::Change;

impl Zones {
    /// Makes a disk offering (`createDiskOffering`).
    ///
    /// # Errors
    /// `AlreadyExists` for a name that is taken, `InvalidArgument` for a size of nothing or for
    /// fewer operations at most than at least.
    pub async fn create_disk_offering(&self, offering: &DiskOffering) -> Result<(), Failure> {
        let quality = &offering.quality_of_service;
        if offering.size_bytes == Some(0) {
            return Err(Failure::invalid(
                "a disk offering has a size of more than 0, or leaves it to the caller \
                 (customized=true)",
            ));
        }
        if let (Some(min), Some(max)) = (quality.min_iops, quality.max_iops)
            && min > max
        {
            return Err(Failure::invalid(format!(
                "miniops, {min}, is more than maxiops, {max}; give at most as many"
            )));
        }
        let changes = vec![Change::expect_name_free(offering, None), Change::insert(offering)];
        Ok(self.rooms.repository.transact(changes).await?)
    }

    /// Writes a disk offering that was changed (`updateDiskOffering`).
    ///
    /// # Errors
    /// `AlreadyExists` for a name that another has, `Conflict` where someone else came between.
    pub async fn update_disk_offering(
        &self,
        offering: &Stored<DiskOffering>,
        name_before: &str,
    ) -> Result<(), Failure> {
        let mut changes = vec![Change::update(offering)];
        if offering.name != name_before {
            changes.insert(0, Change::expect_name_free(&offering.record, None));
        }
        Ok(self.rooms.repository.transact(changes).await?)
    }

    /// Withdraws a disk offering (`deleteDiskOffering`).
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_disk_offering(
        &self,
        mut offering: Stored<DiskOffering>,
    ) -> Result<(), Failure> {
        offering.active = false;
        let changes = vec![Change::update(&offering), Change::remove(&offering.record)];
        Ok(self.rooms.repository.transact(changes).await?)
    }
}
