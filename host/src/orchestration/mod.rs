//! What happens to storage: one service for each kind of resource.
//!
//! What it is: the flows (sagas) and the questions behind the API, on top of registry, jobs and
//! store. What it is not: HTTP, numbers of CloudStack's errors, ways to reach a plugin.
//!
//! **Invariants:** an intent is durable before a driver is called; what a driver answers is
//! believed only once its `describe` confirms it. Lists and reads are answered from the store,
//! never by asking a plugin. No operation touches an object that another one holds.
//!
//! Start reading at [`Rooms`], then `volume/create.rs`: every flow looks like that one.

mod image_access;
mod pool_access;
mod random_word;
mod request;
mod rooms;
mod spool;
mod store_access;
mod takeover;

mod allocation;
mod bandwidth;
mod capacity;
mod connecting;
mod convert;
mod copy;
pub mod doctor;
mod download;
pub mod extract;
mod grants;
pub mod hypervisor_host;
pub mod image_store;
mod in_store;
pub mod instance;
mod landing;
pub mod reconcile;
pub mod snapshot;
pub mod snapshot_policy;
pub mod storage_pool;
pub mod template;
mod under_way;
pub mod upload;
pub mod vm_snapshot;
pub mod volume;
mod whereabouts;
mod zones;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use capacity::take_report;
pub use request::{RequestContext, Started};
pub use rooms::{CachePolicy, ImagePolicy, Policy, Rooms, RoomsParts, Windows};
pub use zones::Zones;

use crate::model::Failure;
use doctor::Doctor;
use extract::Extracts;
use hypervisor_host::HypervisorHosts;
use image_store::ImageStores;
use instance::Instances;
use reconcile::{Pace, Reconcile};
use snapshot::Snapshots;
use snapshot_policy::SnapshotPolicies;
use std::sync::Arc;
use std::time::Duration;
use storage_pool::StoragePools;
use template::Templates;
use upload::Uploads;
use vm_snapshot::VmSnapshots;
use volume::Volumes;

/// How often operations are looked for that nobody runs although they do not rest.
const RECOVERY_INTERVAL: Duration = Duration::from_mins(1);

/// Everything the API can ask for, by resource.
#[derive(Debug, Clone)]
pub struct Orchestration {
    /// Storage pools.
    pub storage_pools: StoragePools,
    /// Volumes.
    pub volumes: Volumes,
    /// Hypervisor hosts.
    pub hypervisor_hosts: HypervisorHosts,
    /// Image stores and image caches.
    pub image_stores: ImageStores,
    /// Templates and ISOs.
    pub templates: Templates,
    /// Links for download.
    pub extracts: Extracts,
    /// Uploads of templates and ISOs.
    pub uploads: Uploads,
    /// Snapshots of volumes.
    pub snapshots: Snapshots,
    /// Snapshots of volumes by a schedule.
    pub snapshot_policies: SnapshotPolicies,
    /// Snapshots of instances.
    pub vm_snapshots: VmSnapshots,
    /// Instances.
    pub instances: Instances,
    /// Zones, pods, clusters and disk offerings.
    pub zones: Zones,
    /// The truth of the back ends beside that of the store.
    pub reconcile: Reconcile,
    /// What is wrong, and the way out.
    pub doctor: Doctor,
    rooms: Arc<Rooms>,
}

impl Orchestration {
    /// The services over these rooms; their flows are known to the engine afterwards.
    pub fn new(rooms: Arc<Rooms>) -> Self {
        let snapshots = Snapshots::new(Arc::clone(&rooms));
        Self {
            storage_pools: StoragePools::new(Arc::clone(&rooms)),
            volumes: Volumes::new(Arc::clone(&rooms)),
            hypervisor_hosts: HypervisorHosts::new(Arc::clone(&rooms)),
            image_stores: ImageStores::new(Arc::clone(&rooms)),
            templates: Templates::new(Arc::clone(&rooms)),
            extracts: Extracts::new(Arc::clone(&rooms)),
            uploads: Uploads::new(Arc::clone(&rooms)),
            snapshot_policies: SnapshotPolicies::new(Arc::clone(&rooms), snapshots.clone()),
            snapshots,
            vm_snapshots: VmSnapshots::new(Arc::clone(&rooms)),
            instances: Instances::new(Arc::clone(&rooms)),
            zones: Zones::new(Arc::clone(&rooms)),
            reconcile: Reconcile::new(Arc::clone(&rooms)),
            doctor: Doctor::new(Arc::clone(&rooms)),
            rooms,
        }
    }

    /// Goes on where the host stopped, or begins: makes the first zone, connects the pools, and every operation that does not rest.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn resume(&self) -> Result<(), Failure> {
        self.zones.seed().await?;
        self.storage_pools.connect_all().await?;
        self.image_stores.connect_all().await?;
        self.rooms.watch_capacity();
        let recovered = self.rooms.jobs.recover().await?;
        self.volumes.expunge_periodically();
        self.snapshot_policies.watch();
        self.reconcile.watch(Pace::default());
        self.extracts.sweep_periodically();
        self.uploads.sweep_periodically();
        self.image_stores.sweep_caches_periodically();
        if recovered > 0 {
            log::info!("{recovered} operations go on from before the start of the host");
        }
        self.recover_periodically();
        Ok(())
    }

    /// Operations whose code broke go on as well, as long as the host runs.
    fn recover_periodically(&self) {
        let rooms = Arc::downgrade(&self.rooms);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(RECOVERY_INTERVAL).await;
                let Some(rooms) = rooms.upgrade() else {
                    return;
                };
                if let Err(error) = rooms.jobs.recover().await {
                    log::warn!("operations that broke cannot be looked for: {error}");
                }
            }
        });
    }

    /// What the services stand on.
    pub fn rooms(&self) -> &Arc<Rooms> {
        &self.rooms
    }
}
