//! What is true of every world in which nothing runs.

use super::picture::Picture;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What a template or snapshot is called on a store where it was not born.
const IN_STORE: &str = "object_in_store";

/// The states that only an operation leads out of.
const TRANSITIONAL: &[&str] = &[
    "Allocated",
    "Creating",
    "Attaching",
    "Resizing",
    "Snapshotting",
    "Reverting",
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
    "Inactive",
];

/// Checks a picture of a world in which nothing runs. What nobody owned before need have no owner
/// now.
pub(super) fn check(before: &Picture, picture: &Picture) {
    for claim in &picture.claims {
        let is_held = claim.starts_with("object:") || claim.starts_with("use:");
        assert!(!is_held, "nothing runs, and {claim} is held");
    }
    for (key, record) in &picture.records {
        if waits_for_upload(picture, record) {
            continue;
        }
        let state = record["state"].as_str().unwrap_or_default();
        assert!(!TRANSITIONAL.contains(&state), "nothing runs, and {key} is in state {state}");
    }
    objects_have_owners(before, picture);
    promises_are_of_what_is_there(picture);
    copies_are_whole(picture);
    parents_live(picture);
    groups_are_whole(picture);
    attachments_are_true(picture);
    for pair in &picture.host_pools {
        let told = &picture.told.connected;
        assert!(told.contains(pair), "host pool {pair:?}, of which the provider was not told");
    }
}

/// Whether it is the place of a template whose bytes somebody may still send.
fn waits_for_upload(picture: &Picture, record: &Value) -> bool {
    let object = record["object"].as_str().and_then(|object| object.parse().ok());
    let state = object.map(|object| picture.word("template", object, "state"));
    record["state"] == "Allocated" && state == Some("NotUploaded")
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
    // A snapshot that was archived is where it was brought.
    let snapshots = picture.all("snapshot").filter(|(_, record)| record["on_primary"] == true);
    let born = picture.all("volume").chain(snapshots);
    // What could not be brought has no bytes anywhere.
    let brought = picture.all(IN_STORE).filter(|(_, record)| {
        let has_begun = waits_for_upload(picture, record) && record["path"] != "";
        record["state"] == "Ready" || has_begun
    });
    born.chain(brought).map(|(_, record)| record["path"].as_str().unwrap().to_owned()).collect()
}

/// A volume has one promise, of its size on its pool, and so has a template that is cached there;
/// nothing else has any.
fn promises_are_of_what_is_there(picture: &Picture) {
    let id = |record: &Value, field: &str| record[field].as_str().unwrap().parse::<Uuid>().unwrap();
    let size = |record: &Value| record["size_bytes"].as_u64().unwrap();
    let volumes = picture.all("volume");
    let mut expected: BTreeMap<_, _> =
        volumes.map(|(uuid, record)| ((id(record, "pool"), uuid), size(record))).collect();
    let cached = picture.all(IN_STORE).filter(|(_, record)| record["role"] == "Primary");
    expected.extend(cached.map(|(uuid, record)| {
        let template = picture.record("template", id(record, "object")).unwrap();
        ((id(record, "store"), uuid), size(template))
    }));
    assert_eq!(picture.promises, expected, "promises, and the sizes of what they are for");
}

/// What is on a store beside where it was born is of something that lives, on a store that lives,
/// has its claim, and is Ready, or failed and says why; only what is on its way goes on somewhere.
fn copies_are_whole(picture: &Picture) {
    let mut claims = BTreeSet::new();
    for (uuid, record) in picture.all(IN_STORE) {
        let id = |field: &str| record[field].as_str().unwrap().parse::<Uuid>().unwrap();
        let kind = record["kind"].as_str().unwrap();
        assert!(picture.record(kind, id("object")).is_some(), "{uuid} is of a {kind} that is gone");
        let stores = ["storage_pool", "image_store"];
        let is_there = stores.iter().any(|kind| picture.record(kind, id("store")).is_some());
        assert!(is_there, "{uuid} is on a store that is gone");
        let waits = waits_for_upload(picture, record);
        assert!(waits || record["told"] == (record["state"] == "Failed"), "why {uuid} is so");
        assert!(waits || record["checkpoint"].is_null(), "{uuid} goes on somewhere: {record}");
        claims.insert(format!("copy:{}:{}", id("store"), id("object")));
    }
    let held = picture.claims.iter().filter(|claim| claim.starts_with("copy:"));
    assert_eq!(held.cloned().collect::<BTreeSet<_>>(), claims, "claims, and what is on stores");
}

fn parents_live(picture: &Picture) {
    for (uuid, record) in picture.all("snapshot") {
        if let Some(parent) = record["parent"].as_str() {
            let parent = picture.record("snapshot", parent.parse().unwrap());
            assert!(parent.is_some(), "the parent of snapshot {uuid} is not there");
        }
    }
}

/// Each member has its instance snapshot. Each of those that is Ready has all of its members, and a
/// parent that is there; an instance is on one of them at most.
fn groups_are_whole(picture: &Picture) {
    for (uuid, record) in picture.all("snapshot") {
        if let Some(group) = record["vm_snapshot"].as_str() {
            let group = picture.record("vm_snapshot", group.parse().unwrap());
            assert!(group.is_some(), "the instance snapshot of member {uuid} is not there");
        }
    }
    let mut current = BTreeSet::new();
    for (uuid, record) in picture.all("vm_snapshot") {
        if let Some(parent) = record["parent"].as_str() {
            let parent = picture.record("vm_snapshot", parent.parse().unwrap());
            assert!(parent.is_some(), "the parent of instance snapshot {uuid} is not there");
        }
        if record["current"] == true {
            let is_new = current.insert(record["instance"].as_str().unwrap());
            assert!(is_new, "an instance is on two of its snapshots, {uuid} for one");
        }
        if record["state"] == "Ready" {
            for member in record["members"].as_array().unwrap() {
                let member = picture.record("snapshot", member.as_str().unwrap().parse().unwrap());
                assert_eq!(member.unwrap()["state"], "BackedUp", "a member of {uuid}");
            }
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
