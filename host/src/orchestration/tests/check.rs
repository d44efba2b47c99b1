//! What is true of every world in which nothing runs.

use super::picture::Picture;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The states that only an operation leads out of.
const TRANSITIONAL: &[&str] = &[
    "Allocated",
    "Creating",
    "Attaching",
    "Resizing",
    "Snapshotting",
    "RevertSnapshotting",
    "Migrating",
    "Expunging",
    "Destroying",
    "Initial",
    "Initialized",
    "PrepareForMaintenance",
    "CancelMaintenance",
    "Removing",
    "Starting",
    "Stopping",
];

/// Checks a picture of a world in which nothing runs. What nobody owned before need have no owner
/// now.
pub(super) fn check(before: &Picture, picture: &Picture) {
    for claim in &picture.claims {
        let is_held = claim.starts_with("object:") || claim.starts_with("use:");
        assert!(!is_held, "nothing runs, and {claim} is held");
    }
    for (key, record) in &picture.records {
        let state = record["state"].as_str().unwrap_or_default();
        assert!(!TRANSITIONAL.contains(&state), "nothing runs, and {key} is in state {state}");
    }
    objects_have_owners(before, picture);
    promises_are_of_volumes(picture);
    parents_live(picture);
    attachments_are_true(picture);
    for pair in &picture.host_pools {
        let told = &picture.told.connected;
        assert!(told.contains(pair), "host pool {pair:?}, of which the provider was not told");
    }
}

/// Each object has one owner, each owner its object.
fn objects_have_owners(before: &Picture, picture: &Picture) {
    let owned = owned(picture);
    for path in &owned {
        assert!(picture.objects.contains_key(path), "nothing is at {path:?}, which has an owner");
    }
    let owned_before = owned_paths(before);
    for path in picture.objects.keys() {
        let was_stray = before.objects.contains_key(path) && !owned_before.contains(path);
        let is_free = was_stray || picture.released.contains(path);
        assert!(owned.contains(path) || is_free, "{path:?} has no owner");
    }
}

fn owned(picture: &Picture) -> BTreeSet<String> {
    let paths = paths(picture);
    let owned: BTreeSet<String> = paths.iter().cloned().collect();
    assert_eq!(owned.len(), paths.len(), "an object has two owners: {paths:?}");
    owned
}

fn owned_paths(picture: &Picture) -> BTreeSet<String> {
    paths(picture).into_iter().collect()
}

fn paths(picture: &Picture) -> Vec<String> {
    let records = picture.all("volume").chain(picture.all("snapshot"));
    records.map(|(_, record)| record["path"].as_str().unwrap().to_owned()).collect()
}

/// A volume has one promise, of its size on its pool; nothing else has any.
fn promises_are_of_volumes(picture: &Picture) {
    let expected = picture.all("volume").map(|(uuid, record)| {
        let pool: Uuid = record["pool"].as_str().unwrap().parse().unwrap();
        ((pool, uuid), record["size_bytes"].as_u64().unwrap())
    });
    assert_eq!(picture.promises, expected.collect(), "promises, and the sizes of volumes");
}

fn parents_live(picture: &Picture) {
    for (uuid, record) in picture.all("snapshot") {
        if let Some(parent) = record["parent"].as_str() {
            let parent = picture.record("snapshot", parent.parse().unwrap());
            assert!(parent.is_some(), "the parent of snapshot {uuid} is not there");
        }
    }
}

/// A volume that says it has an instance has the attachment, a host has access where and only
/// where an attachment says so, and only while the instance runs there.
fn attachments_are_true(picture: &Picture) {
    let by_volumes: BTreeSet<_> = picture
        .all("volume")
        .filter_map(|(uuid, record)| Some((uuid.to_string(), record["instance"].as_str()?)))
        .collect();
    let mut by_attachments = BTreeSet::new();
    let mut access = BTreeSet::new();
    for (uuid, record) in picture.all("attachment") {
        let (volume, instance) = (record["volume"].as_str(), record["instance"].as_str());
        let (volume, instance) = (volume.unwrap(), instance.unwrap());
        let is_new = by_attachments.insert((volume.to_owned(), instance));
        assert!(is_new, "volume {volume} is attached twice");
        let instance = picture.record("instance", instance.parse().unwrap());
        let runs_on = instance.filter(|one| one["state"] == "Running");
        let runs_on = runs_on.and_then(|one| one["host"].as_str());
        assert_eq!(record["host"].as_str(), runs_on, "the host of attachment {uuid}");
        let volume: Uuid = volume.parse().unwrap();
        access.extend(runs_on.map(|host| (volume, host.parse::<Uuid>().unwrap())));
    }
    assert_eq!(by_attachments, by_volumes, "attachments, and volumes that have an instance");
    assert_eq!(picture.told.access, access, "who has access, and who should have");
}
