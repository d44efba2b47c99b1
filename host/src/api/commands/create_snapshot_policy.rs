//! `createSnapshotPolicy`: snapshots of a volume by a schedule.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::{SnapshotPolicyResponse, reply_shown};
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{IntervalType, Schedule, SnapshotPolicy, Volume, Zone};
use crate::orchestration::snapshot_policy::CreateSnapshotPolicy;
use std::time::Duration;

pub(super) const COMMAND: Command = Command {
    name: "createSnapshotPolicy",
    description: "Creates a snapshot policy for the account. The policy that the volume has of the interval, if it has one, becomes this.",
    since: None,
    is_async: false,
    begins: false,
    params: Params::PARAMS,
    response: SnapshotPolicyResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "volumeid"     volume: Id          => "the ID of the disk volume";
        "intervaltype" interval: Word<IntervalType> => "valid values are HOURLY, DAILY, WEEKLY, and MONTHLY";
        "schedule"     schedule: String    => "time the snapshot is scheduled to be taken. Format is: if HOURLY, MM; if DAILY, MM:HH; if WEEKLY, MM:HH:DD (1 (Sunday) to 7); if MONTHLY, MM:HH:DD (1 to 28)";
        "timezone"     timezone: String    => "specifies a timezone for this command: a name of the IANA database, such as Europe/Berlin. Where the clocks skip the time of a day, that day's snapshot is taken an hour later; where they show it twice, the first time";
        "maxsnaps"     max_snapshots: i32  => "maximum number of snapshots to retain";
        "zoneids"      zones: Option<Vec<Id>> => "a list of IDs of the zones in which the snapshot will be made available; it is backed up then";
        "fordisplay"   is_displayed: Option<bool> => "an optional field, whether to the display the policy to the end user or not";
        "maxage"       max_age: Option<String> => "how old its snapshots may become, such as 30d; they are deleted once a newer one is there (an extension of this host)";
        "backup"       backup: Option<bool> => "whether its snapshots are copied to an image store; false if it is left out (an extension of this host)";
        "archive"      archive: Option<bool> => "whether they leave their storage pool then; each backup moves all bytes in that case (an extension of this host)";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let volume = call.find::<Volume>("volumeid", params.volume).await?;
    let Word(interval) = params.interval;
    let mut copy_to_zones = Vec::new();
    for zone in params.zones.unwrap_or_default() {
        let zone = call.find::<Zone>("zoneids", zone).await?.uuid;
        // Its own zone has the backup.
        if zone != volume.zone && !copy_to_zones.contains(&zone) {
            copy_to_zones.push(zone);
        }
    }
    let wish = CreateSnapshotPolicy {
        volume: volume.uuid,
        schedule: Schedule::new(interval, &params.schedule, &params.timezone)?,
        max_snapshots: max_snapshots(params.max_snapshots)?,
        max_age: params.max_age.as_deref().map(age).transpose()?,
        backup: params.backup.unwrap_or_default(),
        archive: params.archive.unwrap_or_default(),
        copy_to_zones,
        is_displayed: params.is_displayed.unwrap_or(true),
    };
    let policies = &call.services.orchestration.snapshot_policies;
    let policy = policies.create(&call.request(), wish).await?;
    reply_shown::<SnapshotPolicy>(&call, policy).await
}

fn max_snapshots(number: i32) -> Result<u32, ApiError> {
    u32::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| {
        ApiError::invalid_parameter(format!(
            "Invalid value for parameter maxsnaps: a policy keeps 1 snapshot at least, not \
             {number}; give 1 or more"
        ))
    })
}

fn age(text: &str) -> Result<Duration, ApiError> {
    humantime::parse_duration(text).map_err(|error| {
        ApiError::invalid_parameter(format!(
            "Invalid value for parameter maxage: {error}; write a time such as 12h, 30d or 1year"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_snapshots_are_refused_with_their_number() {
        assert_eq!(max_snapshots(1).unwrap(), 1);
        for number in [0, -3] {
            let refused = format!("{:?}", max_snapshots(number).unwrap_err());
            assert!(refused.contains(&format!("not {number}; give 1")), "{refused}");
        }
    }
}
