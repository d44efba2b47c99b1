//! A policy is made, or made anew: a volume has one of each interval.

use super::event;
use crate::model::{
    EventLevel, Failure, RecordKind, Schedule, SnapshotPolicy, Stored, Volume, VolumeState,
};
use crate::orchestration::request::RequestContext;
use crate::orchestration::volume::pool_of;
use crate::store::{Change, Filter, now_us};
use std::time::Duration;
use uuid::Uuid;

/// The states of a volume that lives.
const ALIVE: &[&str] = &[
    VolumeState::Ready.as_str(),
    VolumeState::Snapshotting.as_str(),
    VolumeState::RevertSnapshotting.as_str(),
    VolumeState::Resizing.as_str(),
    VolumeState::Attaching.as_str(),
    VolumeState::Migrating.as_str(),
];

/// What a policy is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateSnapshotPolicy {
    /// The volume.
    pub volume: Uuid,
    /// When its snapshots are taken.
    pub schedule: Schedule,
    /// How many of them stay: at least 1.
    pub max_snapshots: u32,
    /// How old they may become.
    pub max_age: Option<Duration>,
    /// Whether they are copied to an image store.
    pub backup: bool,
    /// Whether they leave their pool then.
    pub archive: bool,
    /// The zones whose image stores get copies as well.
    pub copy_to_zones: Vec<Uuid>,
    /// Whether it is shown to users.
    pub is_displayed: bool,
}

impl CreateSnapshotPolicy {
    fn record(&self, uuid: Uuid, zone: Uuid, last_due_us: i64) -> SnapshotPolicy {
        SnapshotPolicy {
            uuid,
            volume: self.volume,
            zone,
            schedule: self.schedule.clone(),
            max_snapshots: self.max_snapshots,
            max_age_seconds: self.max_age.map(|age| age.as_secs()),
            backup: self.backup || self.archive || !self.copy_to_zones.is_empty(),
            archive: self.archive,
            copy_to_zones: self.copy_to_zones.clone(),
            is_displayed: self.is_displayed,
            last_due_us,
            is_settled: false,
            failed_runs: 0,
            note: None,
            backlog: None,
        }
    }
}

impl super::SnapshotPolicies {
    /// Makes a policy (`createSnapshotPolicy`). The one that the volume has of the interval, if it
    /// has one, becomes this: it keeps its id and its snapshots, as in CloudStack.
    ///
    /// # Errors
    /// `InvalidArgument` for a number or an age of nothing; `Unsupported` where the volume's pool
    /// takes no snapshots; `CapacityExceeded` where it keeps fewer than the policy would, or no
    /// image store takes what is to be backed up; `Conflict` for a volume that is destroyed.
    pub async fn create(
        &self,
        request: &RequestContext,
        wish: CreateSnapshotPolicy,
    ) -> Result<Uuid, Failure> {
        let volume = self.rooms.find_volume(wish.volume).await?;
        self.check(&volume, &wish).await?;
        let interval = wish.schedule.interval;
        let filter = Filter {
            name: Some(interval.as_str().to_owned()),
            owner: Some(volume.uuid),
            ..Filter::default()
        };
        let there = self.rooms.repository.list::<SnapshotPolicy>(&filter).await?;
        let (uuid, change, told) = match there.into_iter().next() {
            None => {
                let record = wish.record(Uuid::new_v4(), volume.zone, now_us());
                let told = format!(
                    "a {interval} snapshot policy of volume {:?} was made: {:?} in {}, {} stay",
                    volume.name, wish.schedule.text, wish.schedule.timezone, wish.max_snapshots
                );
                (record.uuid, Change::insert(&record), ("SNAPSHOTPOLICY.CREATE", told))
            }
            Some(mut policy) => {
                // What another schedule would have had until now was nobody's wish.
                let is_same = policy.schedule == wish.schedule;
                let since = if is_same { policy.last_due_us } else { now_us() };
                policy.record = wish.record(policy.uuid, volume.zone, since);
                let told = format!(
                    "the {interval} snapshot policy of volume {:?} is now {:?} in {}, {} stay",
                    volume.name, wish.schedule.text, wish.schedule.timezone, wish.max_snapshots
                );
                (policy.uuid, Change::update(&policy), ("SNAPSHOTPOLICY.UPDATE", told))
            }
        };
        let expect =
            Change::Expect { kind: RecordKind::Volume, uuid: volume.uuid, states: ALIVE.to_vec() };
        let name_is_free = Change::ExpectNoneNamed {
            kind: RecordKind::SnapshotPolicy,
            name: interval.as_str().to_owned(),
            within: Some(volume.uuid),
            but: uuid,
        };
        let (event_type, told) = told;
        let account = &request.caller.account;
        let told = event((event_type, EventLevel::Info), account, uuid, told);
        self.rooms.repository.transact(vec![expect, name_is_free, change, told]).await?;
        self.wake.notify_one();
        Ok(uuid)
    }

    async fn check(
        &self,
        volume: &Stored<Volume>,
        wish: &CreateSnapshotPolicy,
    ) -> Result<(), Failure> {
        if wish.max_snapshots == 0 {
            return Err(Failure::invalid(format!(
                "a policy keeps 1 snapshot at least, not {}; give a maxsnaps of 1 or more",
                wish.max_snapshots
            )));
        }
        if wish.max_age.is_some_and(|age| age.as_secs() == 0) {
            return Err(Failure::invalid(
                "maxage is less than a second; say how old snapshots may become, such as 30d, or \
                 leave it out",
            ));
        }
        // While the newest comes to be, those that stay are all there.
        let needed = wish.max_snapshots.saturating_add(1);
        let access = self.rooms.access(pool_of(volume)?).await?;
        let call = storage_plugin_api::CallContext::new(volume.uuid);
        let capabilities = access.capabilities(&call).await?;
        if !capabilities.storage_system_snapshot {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} takes no snapshots",
                access.pool.provider, access.pool.name
            )));
        }
        let limit = capabilities.limits.snapshots_per_volume;
        if let Some(limit) = limit.filter(|limit| *limit < needed && !wish.archive) {
            return Err(Failure::no_room(format!(
                "storage pool {:?} keeps {limit} snapshots of a volume at most, and a policy with \
                 maxsnaps {} needs {needed}, because one is taken before the oldest goes; ask for \
                 fewer, or archive them",
                access.pool.name, wish.max_snapshots
            )));
        }
        let zones = wish.copy_to_zones.iter().copied();
        let own =
            (wish.backup || wish.archive || !wish.copy_to_zones.is_empty()).then_some(volume.zone);
        for zone in own.into_iter().chain(zones) {
            self.rooms.image_store_for(zone, volume.format, volume.size_bytes).await?;
        }
        Ok(())
    }
}
