//! The comparison against a provider in this process, whose objects the tests put and take away
//! behind the host's back.

use super::{Orphan, OrphanClass, Pace, StoreScan};
use crate::in_memory::InMemory;
use crate::jobs::{self, NewOperation, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Caller, Failure, Phase, RecordKind, Snapshot, SnapshotState, StoragePool, Volume, VolumeState,
    Zone,
};
use crate::orchestration::doctor::Severity;
use crate::orchestration::storage_pool::CreateStoragePool;
use crate::orchestration::volume::CreateVolume;
use crate::orchestration::{Orchestration, Policy, RequestContext, Rooms, RoomsParts};
use crate::registry::DataStoreProviderManager;
use crate::store::{Change, Filter, Key, Store};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::{Details, PluginErrorKind, Scope};
use tempfile::TempDir;
use uuid::Uuid;

const SIZE: u64 = 1 << 30;

/// A host with one pool, and its back end.
struct Scene {
    host: Orchestration,
    memory: InMemory,
    store: Store,
    zone: Uuid,
    pool: Uuid,
    _dir: TempDir,
}

fn request() -> RequestContext {
    RequestContext::system("test")
}

impl Scene {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let memory = InMemory::default();
        let providers = DataStoreProviderManager::new();
        let report = json!({
            "name": "memory", "kind": "volume", "isolation": "in-process", "required": false,
            "state": "Ready", "path": "",
            "provider": {
                "name": "In Memory", "types": ["PRIMARY"], "scopes": ["ZONE"],
                "host_listener": false, "vm_snapshot_strategy": false,
                "settings_schema": {}, "input_schemas": [],
            },
        });
        let provider = Arc::new(memory.clone());
        providers.put(0, serde_json::from_value(report).unwrap(), Some(provider), None);
        let host = Orchestration::new(Arc::new(Rooms::new(RoomsParts {
            repository: store.repository(),
            providers: Arc::new(providers),
            policy: Policy::default(),
            windows: Box::new(|_| Duration::from_secs(10)),
        })));
        host.zones.seed().await.unwrap();
        let zone = store.repository().list::<Zone>(&Filter::default()).await.unwrap()[0].uuid;
        let mut details = Details::new();
        details.insert("area", "a");
        let wish = CreateStoragePool {
            name: "fast".to_owned(),
            url: "memory://a".to_owned(),
            scope: Scope::zone(zone),
            zone,
            hypervisor: None,
            provider: Some("In Memory".to_owned()),
            details,
            tags: Vec::new(),
            capacity_bytes: None,
            capacity_iops: None,
        };
        let begun = host.storage_pools.create(&request(), wish).await.unwrap();
        let scene = Self { host, memory, store, zone, pool: begun.object, _dir: dir };
        scene.done(begun.operation).await;
        scene
    }

    async fn done(&self, operation: Uuid) {
        let ended = self.host.rooms().jobs.wait(operation).await.unwrap();
        assert_eq!(ended.phase, Phase::Done, "{:?}", ended.failure);
    }

    async fn volume(&self, name: &str) -> Uuid {
        let wish = CreateVolume {
            name: Some(name.to_owned()),
            zone: Some(self.zone),
            disk_offering: None,
            size_bytes: Some(SIZE),
            source: None,
            pool: Some(self.pool),
            tags: Vec::new(),
        };
        let begun = self.host.volumes.create(&request(), wish).await.unwrap();
        self.done(begun.operation).await;
        begun.object
    }

    async fn expunged(&self, name: &str) -> Uuid {
        let volume = self.volume(name).await;
        let begun = self.host.volumes.expunge(&request(), volume).await.unwrap();
        self.done(begun.operation).await;
        volume
    }

    fn path(&self, installation: &str, kind: &str, uuid: Uuid) -> String {
        format!("a/{installation}.{kind}.{uuid}")
    }

    fn our_path(&self, uuid: Uuid) -> String {
        let repository = self.store.repository();
        self.path(repository.installation_id().as_str(), "VOLUME", uuid)
    }

    /// Puts an object there, as a call does that takes effect late.
    fn put(&self, path: &str) {
        self.memory.with(|all| {
            let object = all.entry(path.to_owned()).or_default();
            (object.size, object.complete) = (SIZE, true);
        });
    }

    fn take(&self, path: &str) {
        assert!(self.memory.with(|all| all.remove(path)).is_some(), "{path}");
    }

    fn has(&self, path: &str) -> bool {
        self.memory.with(|all| all.contains_key(path))
    }

    async fn scan(&self) -> StoreScan {
        let mut scans = self.host.reconcile.scan(Some(self.pool)).await.unwrap();
        assert_eq!(scans.len(), 1);
        scans.remove(0)
    }

    async fn classes(&self) -> Vec<(OrphanClass, Option<Uuid>)> {
        let scan = self.scan().await;
        assert_eq!(scan.problem, None);
        scan.orphans.iter().map(|Orphan { class, object, .. }| (*class, *object)).collect()
    }

    async fn update<T: crate::model::Record>(&self, uuid: Uuid, change: impl FnOnce(&mut T)) {
        let repository = self.store.repository();
        let mut stored = repository.find::<T>(uuid).await.unwrap().unwrap();
        change(&mut stored.record);
        repository.transact(vec![Change::update(&stored)]).await.unwrap();
    }
}

#[tokio::test]
async fn pool_that_agrees_with_the_store_has_nothing_odd() {
    let scene = Scene::new().await;
    scene.volume("one").await;
    scene.expunged("two").await;
    let scan = scene.scan().await;
    assert_eq!((scan.ours, scan.foreign, scan.orphans), (1, 0, Vec::new()));
}

#[tokio::test]
async fn object_that_the_store_does_not_know_is_reported_and_never_purged() {
    let scene = Scene::new().await;
    let stranger = Uuid::new_v4();
    scene.put(&scene.our_path(stranger));
    assert_eq!(scene.classes().await, [(OrphanClass::Unknown, Some(stranger))]);
    let purged = scene.host.reconcile.purge(&request(), None, false).await.unwrap();
    assert_eq!(purged, []);
    assert!(scene.has(&scene.our_path(stranger)));
}

#[tokio::test]
async fn objects_of_others_are_counted_and_never_touched() {
    let scene = Scene::new().await;
    let gone = scene.expunged("gone").await;
    // Even of the same uuid.
    let path = scene.path("ins-aaaaaaaaaaaa", "VOLUME", gone);
    scene.put(&path);
    let scan = scene.scan().await;
    assert_eq!((scan.ours, scan.foreign, scan.orphans), (0, 1, Vec::new()));
    scene.host.reconcile.purge(&request(), None, false).await.unwrap();
    assert!(scene.has(&path));
}

#[tokio::test]
async fn leftover_is_purged_by_an_operation_and_only_without_dry_run() {
    let scene = Scene::new().await;
    let alive = scene.volume("alive").await;
    let gone = scene.expunged("gone").await;
    scene.put(&scene.our_path(gone));
    assert_eq!(scene.classes().await, [(OrphanClass::Leftover, Some(gone))]);

    let dry = scene.host.reconcile.purge(&request(), None, true).await.unwrap();
    assert_eq!((dry.len(), dry[0].operation), (1, None));
    assert!(scene.has(&scene.our_path(gone)));

    let purged = scene.host.reconcile.purge(&request(), None, false).await.unwrap();
    assert_eq!((purged.len(), &purged[0].failure), (1, &None));
    let operation = scene.host.rooms().jobs.find(purged[0].operation.unwrap()).await.unwrap();
    assert_eq!((operation.flow.as_str(), operation.phase), ("orphan.purge", Phase::Done));
    assert!(!scene.has(&scene.our_path(gone)));
    assert!(scene.has(&scene.our_path(alive)));
    assert_eq!(scene.classes().await, []);
}

#[tokio::test]
async fn leftover_that_an_operation_holds_is_left_alone() {
    let scene = Scene::new().await;
    let gone = scene.expunged("gone").await;
    scene.put(&scene.our_path(gone));
    let claim = Change::Claim { name: format!("object:{gone}"), holder: Uuid::new_v4() };
    scene.store.repository().transact(vec![claim]).await.unwrap();
    assert_eq!(scene.classes().await, []);
    assert_eq!(scene.host.reconcile.purge(&request(), None, false).await.unwrap(), []);
    assert!(scene.has(&scene.our_path(gone)));
}

#[tokio::test]
async fn released_volume_is_a_foreign_object() {
    let scene = Scene::new().await;
    let released = scene.volume("released").await;
    scene.update::<Volume>(released, |volume| volume.released = true).await;
    let repository = scene.store.repository();
    let volume = repository.find::<Volume>(released).await.unwrap().unwrap();
    repository.transact(vec![Change::remove(&volume.record)]).await.unwrap();
    let scan = scene.scan().await;
    assert_eq!((scan.ours, scan.foreign, scan.orphans), (0, 1, Vec::new()));
}

#[tokio::test]
async fn removed_record_whose_bytes_were_never_removed_is_no_leftover() {
    let scene = Scene::new().await;
    let odd = scene.volume("odd").await;
    let repository = scene.store.repository();
    let volume = repository.find::<Volume>(odd).await.unwrap().unwrap();
    assert_eq!(volume.state, VolumeState::Ready);
    repository.transact(vec![Change::remove(&volume.record)]).await.unwrap();
    assert_eq!(scene.classes().await, []);
    scene.host.reconcile.purge(&request(), None, false).await.unwrap();
    assert!(scene.has(&scene.our_path(odd)));
}

#[tokio::test]
async fn object_that_a_volume_refers_to_by_its_path_has_an_owner() {
    let scene = Scene::new().await;
    let gone = scene.expunged("gone").await;
    let owner = scene.volume("owner").await;
    scene.put(&scene.our_path(gone));
    let path = scene.our_path(gone);
    scene.update::<Volume>(owner, |volume| volume.path = path).await;
    scene.take(&scene.our_path(owner));
    let scan = scene.scan().await;
    assert_eq!((scan.ours, scan.orphans), (1, Vec::new()));
    scene.host.reconcile.purge(&request(), None, false).await.unwrap();
    assert!(scene.has(&scene.our_path(gone)));
}

#[tokio::test]
async fn volumes_and_snapshots_that_are_not_there_are_missing() {
    let scene = Scene::new().await;
    let lost = scene.volume("lost").await;
    scene.take(&scene.our_path(lost));
    let there = scene.volume("there").await;
    let repository = scene.store.repository();
    let volume = repository.find_any::<Volume>(Key::Uuid(there)).await.unwrap().unwrap();
    let snapshot = Uuid::new_v4();
    // As JSON: the vertical of snapshots gives the record further fields.
    let record: Snapshot = serde_json::from_value(json!({
        "uuid": snapshot, "name": "s", "state": SnapshotState::BackedUp, "volume": volume.record,
        "volume_id": volume.id, "pool": scene.pool, "snapshot_type": "MANUAL",
    }))
    .unwrap();
    repository.transact(vec![Change::insert(&record)]).await.unwrap();
    assert_eq!(
        scene.classes().await,
        [(OrphanClass::Missing, Some(lost)), (OrphanClass::Missing, Some(snapshot))]
    );
}

#[tokio::test]
async fn object_of_a_volume_that_is_elsewhere_is_misplaced() {
    let scene = Scene::new().await;
    let moved = scene.volume("moved").await;
    scene.update::<Volume>(moved, |volume| volume.pool = Some(Uuid::new_v4())).await;
    assert_eq!(scene.classes().await, [(OrphanClass::Misplaced, Some(moved))]);
    scene.host.reconcile.purge(&request(), None, false).await.unwrap();
    assert!(scene.has(&scene.our_path(moved)));
}

#[tokio::test]
async fn pool_in_quarantine_is_never_touched() {
    let scene = Scene::new().await;
    let gone = scene.expunged("gone").await;
    scene.put(&scene.our_path(gone));
    scene
        .update::<StoragePool>(scene.pool, |pool| pool.quarantine = Some("a twin".to_owned()))
        .await;
    let problem = scene.scan().await.problem.unwrap();
    assert!(problem.message.contains("a twin"), "{problem}");
    assert_eq!(scene.host.reconcile.purge(&request(), None, false).await.unwrap(), []);
    let refused = scene.host.reconcile.adopt(&request(), scene.pool, Uuid::new_v4()).await;
    assert_eq!(refused.unwrap_err().kind, PluginErrorKind::Conflict);
    assert!(scene.has(&scene.our_path(gone)));
}

#[tokio::test]
async fn unknown_object_is_adopted_once_under_its_own_id() {
    let scene = Scene::new().await;
    let stranger = Uuid::new_v4();
    scene.put(&scene.our_path(stranger));
    let reconcile = &scene.host.reconcile;
    let begun = reconcile.adopt(&request(), scene.pool, stranger).await.unwrap();
    assert_eq!(begun.object, stranger);
    scene.done(begun.operation).await;
    let volume = scene.host.volumes.find(stranger).await.unwrap();
    assert_eq!(volume.name, format!("adopted-{stranger}"));
    assert_eq!((volume.state, volume.size_bytes), (VolumeState::Ready, SIZE));
    assert_eq!(volume.path, scene.our_path(stranger));
    assert_eq!(scene.classes().await, []);
    let again = reconcile.adopt(&request(), scene.pool, stranger).await.unwrap_err();
    assert_eq!(again.kind, PluginErrorKind::Conflict);
    let worst = scene.host.doctor.findings().await.unwrap().remove(0);
    assert_eq!(worst.severity, Severity::Info, "the ledger agrees: {worst:?}");
    // And it can be deleted like any other.
    let begun = scene.host.volumes.expunge(&request(), stranger).await.unwrap();
    scene.done(begun.operation).await;
    assert!(!scene.has(&scene.our_path(stranger)));
}

#[tokio::test]
async fn only_an_unknown_object_that_is_there_is_adopted() {
    let scene = Scene::new().await;
    let gone = scene.expunged("gone").await;
    scene.put(&scene.our_path(gone));
    let reconcile = &scene.host.reconcile;
    let refused = reconcile.adopt(&request(), scene.pool, gone).await.unwrap_err();
    assert_eq!(refused.kind, PluginErrorKind::Conflict);
    let begun = reconcile.adopt(&request(), scene.pool, Uuid::new_v4()).await.unwrap();
    let operation = scene.host.rooms().jobs.wait(begun.operation).await.unwrap();
    assert_eq!(operation.failure.unwrap().kind, PluginErrorKind::NotFound);
}

/// Waits until an object is gone; the deadline is generous, for a busy machine.
async fn gone(scene: &Scene, path: &str) {
    let poll = async {
        while scene.has(path) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), poll).await.unwrap();
}

#[tokio::test]
async fn sweep_removes_leftovers_by_itself() {
    let scene = Scene::new().await;
    let volume = scene.expunged("gone").await;
    let stranger = Uuid::new_v4();
    scene.put(&scene.our_path(volume));
    scene.put(&scene.our_path(stranger));
    let every = Duration::from_millis(20);
    scene.host.reconcile.watch(Pace { every, after_given_up: Duration::from_hours(1) });
    gone(&scene, &scene.our_path(volume)).await;
    assert!(scene.has(&scene.our_path(stranger)));
}

/// An operation whose call was given up.
struct Hangs;

impl jobs::Flow for Hangs {
    type State = ();
    const NAME: &'static str = "test.hangs";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[Step::outside("hang", step_fn!(hang))];

    fn abandon<'a>(&'a self, _: &'a StepContext, (): &'a mut ()) -> StepFuture<'a> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Hangs {
    async fn hang(&self, _: &StepContext, (): &mut ()) -> Result<Vec<Change>, StepError> {
        Err(StepError::never(Failure::new(PluginErrorKind::Timeout, "it made no progress")))
    }
}

#[tokio::test]
async fn late_effect_of_a_call_that_was_given_up_is_removed_soon_after() {
    let scene = Scene::new().await;
    let volume = scene.expunged("gone").await;
    let after_given_up = Duration::from_millis(20);
    scene.host.reconcile.watch(Pace { every: Duration::from_hours(1), after_given_up });
    scene.put(&scene.our_path(volume));
    let jobs = &scene.host.rooms().jobs;
    jobs.add_flow(Arc::new(Hangs));
    let new = NewOperation {
        uuid: Uuid::new_v4(),
        caller: Caller::system(),
        command: "test".to_owned(),
        object: Some((RecordKind::Volume, volume)),
        exclusive: Vec::new(),
        shared: Vec::new(),
        token: None,
        changes: Vec::new(),
    };
    let operation = jobs.start::<Hangs>(new, &()).await.unwrap();
    assert_eq!(jobs.wait(operation).await.unwrap().phase, Phase::Undone);
    gone(&scene, &scene.our_path(volume)).await;
}

#[tokio::test]
async fn all_stores_are_swept_after_a_flow_that_touches_several() {
    let scene = Scene::new().await;
    let jobs = &scene.host.rooms().jobs;
    let spans = ["volume.migrate", "snapshot.backup", "snapshot.copy", "snapshot.delete"];
    // Of one that is not known, nothing is known.
    for flow in spans.into_iter().chain(["nobody.knows"]) {
        assert!(jobs.spans_stores(flow), "{flow}");
    }
    assert!(!jobs.spans_stores("volume.resize"));
}
