//! A snapshot policy, as `listSnapshotPolicies` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{SnapshotPolicy, Stored, Volume, Zone};
use std::time::Duration;
use uuid::Uuid;

response! {
    pub(in crate::api) struct SnapshotPolicyResponse {
        "id"             id: Uuid                => "the ID of the snapshot policy";
        "volumeid"       volume_id: Uuid         => "the ID of the disk volume";
        "volumename"     volume_name: Option<String> => "name of the disk volume";
        "schedule"       schedule: String        => "time the snapshot is scheduled to be taken.";
        "timezone"       timezone: String        => "the time zone of the snapshot policy";
        "intervaltype"   interval: i32           => "the interval type of the snapshot policy: 0 hourly, 1 daily, 2 weekly, 3 monthly";
        "maxsnaps"       max_snapshots: u32      => "maximum number of snapshots retained";
        "fordisplay"     is_displayed: bool      => "is this policy for display to the regular user";
        "zone"           zones: Vec<PolicyZoneResponse> => "the zones whose image stores get copies of the snapshots";
        "tags"           tags: Vec<String>       => "the list of resource tags associated: none";
        "hasannotations" has_annotations: bool   => "true if the entity/resource has annotations";
        "maxage"         max_age: Option<String> => "how old snapshots may become before they are deleted (an extension of this host)";
        "backup"         backup: bool            => "whether the snapshots are copied to an image store (an extension of this host)";
        "archive"        archive: bool           => "whether the snapshots leave their storage pool then (an extension of this host)";
        "nextrun"        next_run: Option<String> => "when the next snapshot is due (an extension of this host)";
        "lastrun"        last_run: String        => "the moment of the last snapshot, or when the policy was made (an extension of this host)";
        "failedruns"     failed_runs: u32        => "how many moments in a row went by without a snapshot (an extension of this host)";
        "note"           note: Option<String>    => "what is wrong with it (an extension of this host)";
    }
}

response! {
    pub(in crate::api) struct PolicyZoneResponse {
        "id"   id: Uuid             => "the ID of the zone";
        "name" name: Option<String> => "the name of the zone";
    }
}

impl Shown for SnapshotPolicy {
    const OBJECT_NAME: &'static str = "snapshotpolicy";
    type Response = SnapshotPolicyResponse;

    async fn show(
        names: &mut Names,
        policy: &Stored<Self>,
    ) -> Result<SnapshotPolicyResponse, ApiError> {
        let volume = names.find::<Volume>(Some(policy.volume)).await?;
        let mut zones = Vec::new();
        for id in &policy.copy_to_zones {
            let name = names.find::<Zone>(Some(*id)).await?.map(|zone| zone.name.clone());
            zones.push(PolicyZoneResponse { id: *id, name });
        }
        let age = |seconds| humantime::format_duration(Duration::from_secs(seconds)).to_string();
        Ok(SnapshotPolicyResponse {
            id: policy.uuid,
            volume_id: policy.volume,
            volume_name: volume.map(|volume| volume.name.clone()),
            schedule: policy.schedule.text.clone(),
            timezone: policy.schedule.timezone.clone(),
            interval: policy.schedule.interval.number(),
            max_snapshots: policy.max_snapshots,
            is_displayed: policy.is_displayed,
            zones,
            tags: Vec::new(),
            has_annotations: false,
            max_age: policy.max_age_seconds.map(age),
            backup: policy.backup,
            archive: policy.archive,
            next_run: policy.schedule.next_after(policy.last_due_us).ok().map(format_us),
            last_run: format_us(policy.last_due_us),
            failed_runs: policy.failed_runs,
            note: policy.trouble().map(str::to_owned),
        })
    }
}
