//! A scenario: a world in which one thing is done.

use super::world::{Life, Picture, World};
use crate::model::Failure;
use crate::orchestration::Started;
use std::pin::Pin;
use uuid::Uuid;

type Begun<'a> = Pin<Box<dyn Future<Output = Result<Started, Failure>> + 'a>>;

/// One thing that can be done.
pub(super) struct Scenario {
    /// The name of the flow.
    pub(super) flow: &'static str,
    /// Makes what the thing is done to; its ids.
    pub(super) prepare: fn(&Life) -> Vec<Uuid>,
    /// Begins it.
    pub(super) begin: for<'a> fn(&'a Life, &'a [Uuid]) -> Begun<'a>,
    /// Whether a picture shows that it was done.
    pub(super) is_done: fn(&Picture, &[Uuid]) -> bool,
    /// Changes the picture of before into that of a world where it was undone.
    pub(super) undone: fn(&mut Picture, &[Uuid]),
}

impl Scenario {
    /// A world in which it can be done, the host that lives in it, and the ids.
    pub(super) fn prepared(&self) -> (World, Life, Vec<Uuid>) {
        let world = World::new();
        let life = world.live();
        let ids = (self.prepare)(&life);
        life.idle();
        world.faults.none();
        (world, life, ids)
    }
}

/// What is true of every world in which nothing runs.
pub(super) fn check(picture: &Picture) {
    for claim in &picture.claims {
        assert!(
            !claim.starts_with("object:") && !claim.starts_with("use:"),
            "nothing runs, and {claim} is held"
        );
    }
    let transitional = [
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
    ];
    let mut paths = Vec::new();
    for (key, record) in &picture.records {
        let state = record["state"].as_str().unwrap_or_default();
        assert!(!transitional.contains(&state), "nothing runs, and {key} is in state {state}");
        if key.starts_with("volume ") || key.starts_with("snapshot ") {
            paths.extend(record["path"].as_str().map(str::to_owned));
        }
        if key.starts_with("volume ") {
            let uuid: Uuid = record["uuid"].as_str().unwrap().parse().unwrap();
            let promised = picture.promises.get(&uuid).copied();
            assert_eq!(promised, record["size_bytes"].as_u64(), "the promise of {key}");
        }
    }
    paths.sort();
    let objects: Vec<String> = picture.objects.keys().cloned().collect();
    assert_eq!(objects, paths, "objects of the back end, and those that records own");
}
