//! What can be done with snapshot policies.

use super::{as_before, volume};
use crate::model::{IntervalType, Schedule};
use crate::orchestration::snapshot_policy::CreateSnapshotPolicy;
use crate::orchestration::tests::scenario::Scenario;
use crate::orchestration::tests::world::{Life, World, request};
use uuid::Uuid;

/// A pool, a volume, and its policy, which is not due while the test runs.
fn with_policy(world: &World, life: &Life) -> Vec<Uuid> {
    let mut ids = volume(world, life);
    let wish = CreateSnapshotPolicy {
        volume: ids[1],
        schedule: Schedule::new(IntervalType::Monthly, "0:0:1", "UTC").unwrap(),
        max_snapshots: 3,
        max_age: None,
        backup: false,
        archive: false,
        copy_to_zones: Vec::new(),
        is_displayed: true,
    };
    ids.push(life.run(life.orchestration.snapshot_policies.create(&request(), wish)).unwrap());
    ids
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario {
            flow: "snapshotpolicy.update",
            way: "hide it",
            prepare: with_policy,
            begin: |life, ids| {
                let policies = &life.orchestration.snapshot_policies;
                Box::pin(async move { policies.update(&request(), ids[2], Some(false)).await })
            },
            is_done: |picture, ids| {
                picture.record("snapshot_policy", ids[2]).unwrap()["is_displayed"] == false
            },
            undone: as_before,
        },
        Scenario {
            flow: "snapshot.create",
            way: "by a policy",
            prepare: with_policy,
            begin: |life, ids| {
                let policies = &life.orchestration.snapshot_policies;
                Box::pin(async move { policies.run(&request(), ids[2]).await })
            },
            is_done: |picture, ids| {
                picture.all("snapshot").any(|(_, one)| {
                    one["policy"]["policy"] == ids[2].to_string()
                        && one["policy"]["due_us"]
                            == picture.record("snapshot_policy", ids[2]).unwrap()["last_due_us"]
                })
            },
            // Once begun, its moment is over, and counts as missed.
            undone: |before, after, ids| {
                let policy = after.record("snapshot_policy", ids[2]).unwrap();
                let has_moved = policy["last_due_us"]
                    != before.record("snapshot_policy", ids[2]).unwrap()["last_due_us"];
                assert_eq!(policy["failed_runs"], u32::from(has_moved));
                before.records.insert(format!("snapshot_policy {}", ids[2]), policy.clone());
            },
        },
    ]
}
