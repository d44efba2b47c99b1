//! Snapshot policies that do not do what they are for.

use super::{Doctor, Finding, Severity};
use crate::model::{SnapshotPolicy, Stored, Volume};
use crate::store::{Filter, StoreError};

/// From so many moments without a snapshot on it is no accident.
const KEEPS_FAILING: u32 = 3;

impl Doctor {
    /// Policies in trouble: what went wrong last is not mended yet.
    pub(super) async fn policies(&self) -> Result<Vec<Finding>, StoreError> {
        let repository = &self.rooms.repository;
        let mut findings = Vec::new();
        for policy in repository.list::<SnapshotPolicy>(&Filter::default()).await? {
            let Some(note) = policy.trouble() else {
                continue;
            };
            let volume = repository.find::<Volume>(policy.volume).await?;
            let volume = volume.map_or_else(|| policy.volume.to_string(), |it| it.name.clone());
            findings.push(finding(&policy, &volume, note));
        }
        Ok(findings)
    }
}

fn finding(policy: &Stored<SnapshotPolicy>, volume: &str, note: &str) -> Finding {
    let severity = match policy.failed_runs {
        KEEPS_FAILING.. => Severity::Error,
        _ => Severity::Warning,
    };
    let missed = match policy.failed_runs {
        0 => String::new(),
        1 => "one moment went by without a snapshot; ".to_owned(),
        many => format!("{many} moments in a row went by without a snapshot; "),
    };
    Finding::new(
        severity,
        format!("{} snapshot policy of volume {volume:?}", policy.schedule.interval),
        format!("{missed}{note}"),
        format!(
            "mend that; `storage-host snapshot-policy run {}` shows whether it works then, and the \
             next run that does takes this away",
            policy.uuid
        ),
    )
    .of(policy.uuid)
    .since(Some(policy.updated_us))
}
