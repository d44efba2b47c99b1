//! What policies do as time goes by; the time is what the tests say.

use super::CreateSnapshotPolicy;
use crate::model::{
    EventLevel, Failure, IntervalType, Schedule, Snapshot, SnapshotPolicy, SnapshotState, Stored,
};
use crate::orchestration::doctor::Severity;
use crate::orchestration::testing::{MIB, World, request};
use crate::store::{Change, EventFilter, Filter, Key, now_us};
use std::time::Duration;
use storage_plugin_api::{PluginError, PluginErrorKind};
use uuid::Uuid;

const HOUR_US: i64 = 3600 * 1_000_000;

fn hourly(volume: Uuid, max_snapshots: u32) -> CreateSnapshotPolicy {
    CreateSnapshotPolicy {
        volume,
        schedule: Schedule::new(IntervalType::Hourly, "15", "UTC").unwrap(),
        max_snapshots,
        max_age: None,
        backup: false,
        archive: false,
        copy_to_zones: Vec::new(),
        is_displayed: true,
    }
}

async fn create(world: &World, wish: CreateSnapshotPolicy) -> Result<Uuid, Failure> {
    world.orchestration.snapshot_policies.create(&request(), wish).await
}

async fn see(world: &World, policy: Uuid) -> Stored<SnapshotPolicy> {
    let found = world.rooms().repository.find_any(Key::Uuid(policy)).await;
    found.unwrap().unwrap()
}

/// The moment at which a policy is due next.
async fn next(world: &World, policy: Uuid) -> i64 {
    let policy = see(world, policy).await;
    policy.schedule.next_after(policy.last_due_us).unwrap()
}

/// A round at a moment; waits for what it began, and for what follows from that now.
async fn round(world: &World, at_us: i64) -> usize {
    let policies = &world.orchestration.snapshot_policies;
    let begun = policies.run_due(at_us).await.unwrap();
    for one in &begun {
        world.rests(*one).await;
    }
    settle(world, now_us()).await;
    begun.len()
}

/// What is left to be done at a moment of the store's own time.
async fn settle(world: &World, now_us: i64) {
    let policies = &world.orchestration.snapshot_policies;
    loop {
        let more = policies.settle(now_us).await.unwrap();
        if more.is_empty() {
            return;
        }
        for one in more {
            world.rests(one).await;
        }
    }
}

/// The snapshots of a volume that are there, the oldest first.
async fn snapshots(world: &World, volume: Uuid) -> Vec<Stored<Snapshot>> {
    world.rooms().snapshots_of(volume).await.unwrap()
}

async fn runs(world: &World, volume: Uuid) -> Vec<i64> {
    let snapshots = snapshots(world, volume).await;
    snapshots.iter().filter_map(|one| Some(one.policy?.due_us)).collect()
}

async fn events(world: &World, object: Uuid) -> Vec<(String, EventLevel, String)> {
    let filter = EventFilter { object: Some(object), ..EventFilter::default() };
    let events = world.rooms().repository.list_events(&filter).await.unwrap();
    events
        .into_iter()
        .map(|one| (one.event.event_type, one.event.level, one.event.description))
        .collect()
}

async fn a_volume(world: &World) -> Uuid {
    world.volume(world.pool("a").await, MIB).await
}

#[tokio::test]
async fn a_moment_has_one_snapshot_and_many_that_were_missed_have_one() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 8)).await.unwrap();
    let due = next(&world, policy).await;
    assert_eq!(round(&world, due - 1).await, 0);
    assert_eq!(round(&world, due + 7).await, 1);
    assert_eq!(round(&world, due + 8).await, 0);
    assert_eq!(runs(&world, volume).await, [due]);
    // The host was down for days.
    assert_eq!(round(&world, due + 50 * HOUR_US).await, 1);
    assert_eq!(runs(&world, volume).await, [due, due + 50 * HOUR_US]);
    let snapshot = snapshots(&world, volume).await.remove(0);
    assert_eq!(
        (snapshot.state, snapshot.snapshot_type.as_str()),
        (SnapshotState::BackedUp, "HOURLY")
    );
    let told = events(&world, snapshot.uuid).await;
    assert!(told[0].2.contains(&policy.to_string()), "{told:?}");
    assert!(see(&world, policy).await.is_settled);
    world.nothing_is_held().await;
}

#[tokio::test]
async fn rounds_at_the_same_time_take_one_snapshot() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 8)).await.unwrap();
    let due = next(&world, policy).await;
    let policies = &world.orchestration.snapshot_policies;
    let (one, other) = tokio::join!(policies.run_due(due), policies.run_due(due));
    let begun = [one.unwrap(), other.unwrap()].concat();
    for started in &begun {
        world.done(Ok(*started)).await;
    }
    assert_eq!(begun.len(), 1);
    assert_eq!(runs(&world, volume).await, [due]);
    assert_eq!(round(&world, due).await, 0);
}

#[tokio::test]
async fn a_clock_that_was_wrong_costs_no_snapshot_and_doubles_none() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 8)).await.unwrap();
    let due = next(&world, policy).await;
    round(&world, due).await;
    // Set back by half an hour: the moment comes again, and has its snapshot.
    assert_eq!(round(&world, due - HOUR_US / 2).await, 0);
    assert_eq!(round(&world, due + 1).await, 0);
    // Years ahead for a while, then right again: it does not wait for those years.
    let ahead = due + 30_000 * HOUR_US;
    assert_eq!(round(&world, ahead).await, 1);
    assert_eq!(round(&world, due + 2).await, 0);
    assert_eq!(round(&world, due + HOUR_US).await, 1);
    // Before the beginning, as where a machine has no clock: that moment is not taken again.
    assert_eq!(round(&world, due - 500 * HOUR_US).await, 0);
    assert_eq!(round(&world, due + HOUR_US + 1).await, 0);
    assert_eq!(runs(&world, volume).await, [due, ahead, due + HOUR_US]);
}

#[tokio::test]
async fn a_clock_that_was_ahead_by_hours_leaves_no_gap_and_is_told() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 8)).await.unwrap();
    let due = next(&world, policy).await;
    let ahead = due + 3 * HOUR_US;
    assert_eq!(round(&world, ahead).await, 1);
    assert_eq!(round(&world, due + 1).await, 0);
    let note = see(&world, policy).await.note.clone().unwrap();
    assert!(note.contains("10799 s from now: the clock was ahead"), "{note}");
    assert_eq!(round(&world, due + HOUR_US).await, 1);
    assert_eq!(see(&world, policy).await.note, None);
    assert_eq!(round(&world, due + 2 * HOUR_US).await, 1);
    // The moment that the wrong clock took is not taken again.
    assert_eq!(round(&world, ahead).await, 0);
    assert_eq!(runs(&world, volume).await, [ahead, due + HOUR_US, due + 2 * HOUR_US]);
}

#[tokio::test]
async fn the_oldest_beyond_the_number_go_and_manual_ones_stay() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let manual = world.orchestration.snapshots.create(&request(), volume, None).await;
    let manual = world.done(manual).await.object;
    let policy = create(&world, hourly(volume, 2)).await.unwrap();
    let due = next(&world, policy).await;
    for hour in 0..4 {
        round(&world, due + hour * HOUR_US).await;
    }
    assert_eq!(runs(&world, volume).await, [due + 2 * HOUR_US, due + 3 * HOUR_US]);
    assert_eq!(snapshots(&world, volume).await[0].uuid, manual);
    // Without its policy nobody deletes them.
    world.orchestration.snapshot_policies.delete(&request(), &[policy]).await.unwrap();
    assert_eq!(round(&world, due + 9 * HOUR_US).await, 0);
    assert_eq!(snapshots(&world, volume).await.len(), 3);
}

#[tokio::test]
async fn snapshots_grow_old_only_while_newer_ones_come() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let max_age = Some(Duration::from_hours(2));
    let wish = CreateSnapshotPolicy { max_age, ..hourly(volume, 8) };
    let policy = create(&world, wish).await.unwrap();
    let due = next(&world, policy).await;
    round(&world, due).await;
    round(&world, due + HOUR_US).await;
    world.provider.fail("take_snapshot", 1, PluginError::internal("no"));
    round(&world, due + 5 * HOUR_US).await;
    assert_eq!(runs(&world, volume).await, [due, due + HOUR_US]);
    round(&world, due + 6 * HOUR_US).await;
    assert_eq!(runs(&world, volume).await, [due + 6 * HOUR_US]);
}

#[tokio::test]
async fn one_that_somebody_uses_is_tried_again_later() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 1)).await.unwrap();
    let due = next(&world, policy).await;
    round(&world, due).await;
    world.provider.fail("delete_async", 1, PluginError::in_use("two clones need it"));
    round(&world, due + HOUR_US).await;
    let there = snapshots(&world, volume).await;
    assert_eq!(there.len(), 2);
    assert!(there[0].note.as_ref().unwrap().contains("two clones need it"));
    assert!(!see(&world, policy).await.is_settled);
    // Neither the next one goes in its place, nor is it asked at once again.
    let since = there[0].updated_us;
    settle(&world, since + HOUR_US / 2).await;
    assert_eq!(snapshots(&world, volume).await.len(), 2);
    settle(&world, since + HOUR_US).await;
    assert_eq!(runs(&world, volume).await.len(), 1);
    assert!(see(&world, policy).await.is_settled);
}

#[tokio::test]
async fn failures_are_told_by_events_and_by_the_doctor_until_one_succeeds() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 8)).await.unwrap();
    let due = next(&world, policy).await;
    // The driver fails, then there is no room for more, then it is as it was.
    world.provider.fail("take_snapshot", 1, PluginError::internal("lost a disk"));
    round(&world, due).await;
    let seen = see(&world, policy).await;
    assert!(seen.failed_runs == 1 && seen.note.as_ref().unwrap().contains("lost a disk"));
    world.provider.can(|can| can.limits.snapshots_per_volume = Some(0));
    round(&world, due + HOUR_US).await;
    round(&world, due + 2 * HOUR_US).await;
    let told = events(&world, policy).await;
    assert_eq!(told[0].1, EventLevel::Error);
    assert!(told[0].2.contains("keeps 0 of a volume"), "{told:?}");
    assert_eq!(told.iter().filter(|one| one.0 == "SNAPSHOTPOLICY.RUN").count(), 3);
    let findings = world.orchestration.doctor.findings().await.unwrap();
    let found = findings.iter().find(|one| one.object == Some(policy)).unwrap();
    assert_eq!(found.severity, Severity::Error);
    assert!(found.what.contains("3 moments in a row"), "{}", found.what);
    world.provider.can(|_| ());
    round(&world, due + 3 * HOUR_US).await;
    let seen = see(&world, policy).await;
    assert_eq!((seen.failed_runs, seen.note.clone()), (0, None));
    let findings = world.orchestration.doctor.findings().await.unwrap();
    assert!(findings.iter().all(|one| one.object != Some(policy)));
}

#[tokio::test]
async fn a_volume_that_somebody_has_is_waited_for() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 8)).await.unwrap();
    let due = next(&world, policy).await;
    let held = Change::Claim { name: format!("object:{volume}"), holder: Uuid::new_v4() };
    let Change::Claim { name, holder } = held.clone() else { unreachable!() };
    world.rooms().repository.transact(vec![held]).await.unwrap();
    assert_eq!(round(&world, due).await, 0);
    assert_eq!(round(&world, due + 1).await, 0);
    let seen = see(&world, policy).await;
    assert!(seen.note.as_ref().unwrap().contains("waits"), "{:?}", seen.note);
    assert_eq!(seen.failed_runs, 0);
    // Told once.
    let told = events(&world, policy).await;
    assert_eq!(told.iter().filter(|one| one.1 == EventLevel::Warn).count(), 1, "{told:?}");
    world.rooms().repository.transact(vec![Change::Unclaim { name, holder }]).await.unwrap();
    assert_eq!(round(&world, due + 2).await, 1);
    assert_eq!(runs(&world, volume).await, [due]);
    assert_eq!(see(&world, policy).await.note, None);
}

#[tokio::test]
async fn a_destroyed_volume_has_none_taken_and_takes_its_policies_along() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 8)).await.unwrap();
    let due = next(&world, policy).await;
    let volumes = &world.orchestration.volumes;
    world.done(volumes.destroy(&request(), volume).await).await;
    assert_eq!(round(&world, due).await, 0);
    assert_eq!(see(&world, policy).await.note, None);
    let refused = create(&world, hourly(volume, 8)).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    world.done(volumes.recover(&request(), volume).await).await;
    assert_eq!(round(&world, due).await, 1);
    world.done(volumes.expunge(&request(), volume).await).await;
    assert!(see(&world, policy).await.removed_us.is_some());
    // One that is given out of care takes them along, too.
    let other = a_volume_on(&world, "b").await;
    let policy = create(&world, hourly(other, 8)).await.unwrap();
    world.done(volumes.unmanage(&request(), other).await).await;
    assert!(see(&world, policy).await.removed_us.is_some());
}

async fn a_volume_on(world: &World, area: &str) -> Uuid {
    world.volume(world.pool(area).await, MIB).await
}

#[tokio::test]
async fn the_policy_of_an_interval_is_made_anew_and_keeps_its_id() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 3)).await.unwrap();
    let due = next(&world, policy).await;
    for hour in 0..3 {
        round(&world, due + hour * HOUR_US).await;
    }
    // The same schedule goes on where it is, and what is too many goes.
    assert_eq!(create(&world, hourly(volume, 1)).await.unwrap(), policy);
    assert_eq!(round(&world, due + 2 * HOUR_US).await, 0);
    assert_eq!(runs(&world, volume).await, [due + 2 * HOUR_US]);
    // Another one begins now.
    let schedule = Schedule::new(IntervalType::Hourly, "45", "UTC").unwrap();
    let wish = CreateSnapshotPolicy { schedule, ..hourly(volume, 1) };
    assert_eq!(create(&world, wish).await.unwrap(), policy);
    assert!(see(&world, policy).await.last_due_us <= now_us());
    let schedule = Schedule::new(IntervalType::Daily, "0:2", "UTC").unwrap();
    let wish = CreateSnapshotPolicy { schedule, ..hourly(volume, 1) };
    assert_ne!(create(&world, wish).await.unwrap(), policy);
    let policies = &world.orchestration.snapshot_policies;
    assert_eq!(policies.list(&Filter::default()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_the_way_out() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let refused = async |wish| create(&world, wish).await.unwrap_err();
    assert!(refused(hourly(volume, 0)).await.message.contains("not 0; give a maxsnaps"));
    let max_age = Some(Duration::from_millis(3));
    let wish = CreateSnapshotPolicy { max_age, ..hourly(volume, 1) };
    assert!(refused(wish).await.message.contains("maxage"));
    let wish = CreateSnapshotPolicy { backup: true, ..hourly(volume, 1) };
    assert!(refused(wish).await.message.contains("addImageStore"));
    world.provider.can(|can| can.limits.snapshots_per_volume = Some(4));
    assert!(refused(hourly(volume, 4)).await.message.contains("needs 5"));
    create(&world, hourly(volume, 3)).await.unwrap();
    world.provider.can(|can| can.storage_system_snapshot = false);
    assert_eq!(refused(hourly(volume, 3)).await.kind, PluginErrorKind::Unsupported);
}

#[tokio::test]
async fn snapshots_go_where_the_policy_wants_them() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let store = world.image_store("images").await;
    // Those that left their pool take no place there.
    world.provider.can(|can| can.limits.snapshots_per_volume = Some(1));
    let wish = CreateSnapshotPolicy { archive: true, ..hourly(volume, 2) };
    let policy = create(&world, wish).await.unwrap();
    let due = next(&world, policy).await;
    for hour in 0..3 {
        round(&world, due + hour * HOUR_US).await;
    }
    let there = snapshots(&world, volume).await;
    assert_eq!(there.len(), 2);
    for snapshot in there {
        assert!(!snapshot.on_primary);
        let places = world.orchestration.snapshots.places(snapshot.uuid).await.unwrap();
        assert_eq!(places.iter().map(|one| one.store).collect::<Vec<_>>(), [store]);
    }
    world.nothing_is_held().await;
}

#[tokio::test]
async fn backups_that_fail_displace_none_that_did_not() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    world.image_store("images").await;
    let wish = CreateSnapshotPolicy { backup: true, ..hourly(volume, 1) };
    let policy = create(&world, wish).await.unwrap();
    let due = next(&world, policy).await;
    round(&world, due).await;
    world.provider.fail("open_writer", 1, PluginError::internal("lost a disk"));
    round(&world, due + HOUR_US).await;
    let there = snapshots(&world, volume).await;
    assert_eq!(runs(&world, volume).await, [due, due + HOUR_US]);
    assert!(there[1].note.as_ref().unwrap().contains("lost a disk"), "{:?}", there[1].note);
    // Another try an hour later; then the older one has done its service.
    settle(&world, there[1].updated_us + HOUR_US).await;
    assert_eq!(runs(&world, volume).await, [due + HOUR_US]);
}

/// A policy that backs up, and two snapshots of it that are on their pool only.
async fn piled_up(world: &World) -> (Uuid, Uuid, [Uuid; 2]) {
    let volume = a_volume(world).await;
    world.image_store("images").await;
    let wish = CreateSnapshotPolicy { backup: true, ..hourly(volume, 8) };
    let policy = create(world, wish).await.unwrap();
    let due = next(world, policy).await;
    for at_us in [due, due + HOUR_US] {
        for one in world.orchestration.snapshot_policies.run_due(at_us).await.unwrap() {
            world.done(Ok(one)).await;
        }
    }
    let there = snapshots(world, volume).await;
    (volume, policy, [there[0].uuid, there[1].uuid])
}

#[tokio::test]
async fn backups_that_piled_up_go_one_after_the_other_and_move_what_changed() {
    let world = World::new().await;
    let (_, policy, piled) = piled_up(&world).await;
    let policies = &world.orchestration.snapshot_policies;
    for snapshot in piled {
        let begun = policies.settle(now_us()).await.unwrap();
        assert_eq!(begun.iter().map(|one| one.object).collect::<Vec<_>>(), [snapshot]);
        world.done(Ok(begun[0])).await;
    }
    let places = world.orchestration.snapshots.places(piled[1]).await.unwrap();
    assert_eq!(places[0].moved_bytes, Some(0));
    settle(&world, now_us()).await;
    assert!(see(&world, policy).await.is_settled);
}

#[tokio::test]
async fn a_backup_waits_while_another_one_of_its_policy_moves() {
    let world = World::new().await;
    let (_, _, piled) = piled_up(&world).await;
    world.provider.hang("open_writer");
    let policies = &world.orchestration.snapshot_policies;
    assert_eq!(policies.settle(now_us()).await.unwrap()[0].object, piled[0]);
    world.provider.hangs().await;
    assert!(policies.settle(now_us()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_backup_that_waits_is_told_once_until_it_goes_on() {
    let world = World::new().await;
    let (_, policy, piled) = piled_up(&world).await;
    let holder = Uuid::new_v4();
    let names = piled.map(|snapshot| format!("object:{snapshot}"));
    let held = names.clone().map(|name| Change::Claim { name, holder });
    world.rooms().repository.transact(held.to_vec()).await.unwrap();
    let policies = &world.orchestration.snapshot_policies;
    for _ in 0..2 {
        assert!(policies.settle(now_us()).await.unwrap().is_empty());
    }
    let backlog = see(&world, policy).await.backlog.clone().unwrap();
    assert!(backlog.contains("waits to be backed up: "), "{backlog}");
    let told = events(&world, policy).await;
    assert_eq!(told.iter().filter(|one| one.1 == EventLevel::Warn).count(), 1, "{told:?}");
    let findings = world.orchestration.doctor.findings().await.unwrap();
    assert!(findings.iter().any(|one| one.object == Some(policy)));
    let free = names.map(|name| Change::Unclaim { name, holder });
    world.rooms().repository.transact(free.to_vec()).await.unwrap();
    let begun = policies.settle(now_us()).await.unwrap();
    assert_eq!(begun[0].object, piled[0]);
    assert_eq!(see(&world, policy).await.backlog, None);
    world.done(Ok(begun[0])).await;
}

#[tokio::test]
async fn a_policy_runs_when_it_is_told_to() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 8)).await.unwrap();
    let policies = &world.orchestration.snapshot_policies;
    world.done(policies.run(&request(), policy).await).await;
    world.done(policies.run(&request(), policy).await).await;
    let runs = runs(&world, volume).await;
    assert!(runs.len() == 2 && runs[0] < runs[1], "{runs:?}");
    // Its next moment comes all the same.
    let due = next(&world, policy).await;
    assert_eq!(round(&world, due).await, 1);
}

#[tokio::test]
async fn the_host_looks_by_itself_when_something_ended() {
    let world = World::new().await;
    let volume = a_volume(&world).await;
    let policy = create(&world, hourly(volume, 1)).await.unwrap();
    let policies = &world.orchestration.snapshot_policies;
    policies.watch();
    world.done(policies.run(&request(), policy).await).await;
    world.done(policies.run(&request(), policy).await).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while runs(&world, volume).await.len() > 1 {
        assert!(tokio::time::Instant::now() < deadline, "the older snapshot is there still");
        tokio::task::yield_now().await;
    }
}
