//! Each thing that can be wrong is found, with its way out; a healthy host is left in peace.

use super::{Finding, Severity};
use crate::model::{
    Caller, Failure, Journal, JournalEntry, Moment, Operation, Phase, RecordKind, StoragePool,
    StoragePoolState,
};
use crate::orchestration::{Orchestration, Policy, Rooms, RoomsParts};
use crate::registry::DataStoreProviderManager;
use crate::store::{Change, Store};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::PluginErrorKind;
use tempfile::TempDir;
use uuid::Uuid;

struct Scene {
    host: Orchestration,
    store: Store,
    providers: Arc<DataStoreProviderManager>,
    _dir: TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let providers = Arc::new(DataStoreProviderManager::new());
        let host = Orchestration::new(Arc::new(Rooms::new(RoomsParts {
            repository: store.repository(),
            providers: Arc::clone(&providers),
            policy: Policy::default(),
            windows: Box::new(|_| Duration::from_secs(10)),
        })));
        Self { host, store, providers, _dir: dir }
    }

    async fn change(&self, changes: Vec<Change>) {
        self.store.repository().transact(changes).await.unwrap();
    }

    /// What is wrong, without what is as it should be.
    async fn wrong(&self) -> Vec<Finding> {
        let mut findings = self.host.doctor.findings().await.unwrap();
        findings.retain(|finding| finding.severity > Severity::Info);
        findings
    }

    /// The one thing that is wrong.
    async fn only(&self) -> Finding {
        let mut findings = self.wrong().await;
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.remove(0)
    }
}

// As JSON: the vertical of pools gives the record further fields.
fn pool(state: StoragePoolState, quarantine: Option<&str>) -> StoragePool {
    serde_json::from_value(json!({
        "uuid": Uuid::new_v4(), "name": "fast", "state": state, "provider": "Nobody",
        "zone": Uuid::new_v4(), "scope": { "scope_type": "ZONE" }, "url": "x://y", "details": {},
        "overprovision_factor": 1.0, "quarantine": quarantine,
    }))
    .unwrap()
}

fn operation(waiting_for: Option<&str>) -> Operation {
    let mut journal = Journal::default();
    for (attempt, at_us) in [(1, 1_000_000), (2, 2_000_000)] {
        journal.push(JournalEntry {
            step: "make".to_owned(),
            moment: Moment::Waiting,
            at_us,
            took_us: 0,
            attempt,
            failure: Some(Failure::unavailable("dead")),
        });
    }
    Operation {
        uuid: Uuid::new_v4(),
        flow: "volume.create".to_owned(),
        flow_version: 1,
        state: "{}".to_owned(),
        position: 0,
        phase: Phase::Running,
        attempt: 2,
        failure: None,
        waiting_for: waiting_for.map(str::to_owned),
        cancel_requested: false,
        caller: Caller::admin(),
        command: "createVolume".to_owned(),
        object: Some((RecordKind::Volume, Uuid::new_v4())),
        journal,
        epoch: 1,
        created_us: 0,
        updated_us: 0,
    }
}

#[tokio::test]
async fn healthy_host_is_told_with_its_installation_and_epoch() {
    let scene = Scene::new();
    let findings = scene.host.doctor.findings().await.unwrap();
    assert_eq!(findings.len(), 1);
    let repository = scene.store.repository();
    let what = &findings[0].what;
    assert!(what.contains(repository.installation_id().as_str()), "{what}");
    assert!(what.contains("epoch 1"), "{what}");
}

#[tokio::test]
async fn pool_in_quarantine_is_told_with_both_installations() {
    let scene = Scene::new();
    let reason = "the mark is of ins-bbbbbbbbbbbb, epoch 7";
    scene.change(vec![Change::insert(&pool(StoragePoolState::Up, Some(reason)))]).await;
    let found = scene.only().await;
    assert_eq!(found.severity, Severity::Error);
    let ours = scene.store.repository().installation_id().to_string();
    assert!(found.what.contains(reason) && found.what.contains(&ours), "{}", found.what);
    assert!(found.way_out.contains("releaseStoragePoolQuarantine"), "{}", found.way_out);
}

#[tokio::test]
async fn pool_whose_maintenance_failed_is_told_with_both_ways_out() {
    let scene = Scene::new();
    let pool = pool(StoragePoolState::ErrorInMaintenance, None);
    scene.change(vec![Change::insert(&pool)]).await;
    let found = scene.only().await;
    assert_eq!((found.severity, found.object), (Severity::Error, Some(pool.uuid)));
    for way_out in ["cancelStorageMaintenance", "enableStorageMaintenance"] {
        assert!(found.way_out.contains(way_out), "{found:?}");
    }
}

#[tokio::test]
async fn pool_that_is_not_connected_is_told_with_its_provider() {
    let scene = Scene::new();
    scene.change(vec![Change::insert(&pool(StoragePoolState::Up, None))]).await;
    let found = scene.only().await;
    assert!(found.what.contains("provider \"Nobody\" is not loaded"), "{}", found.what);
}

#[tokio::test]
async fn plugin_that_was_refused_is_told_with_its_way_out() {
    let scene = Scene::new();
    let report = json!({
        "name": "ceph", "kind": "volume", "isolation": "in-process", "required": false,
        "state": "Failed", "path": "/ceph.so",
        "refusal": {
            "code": "newer-glibc", "what": "cannot load \"ceph\"", "why": "needs glibc 2.99",
            "way_out": "build it on an older system",
        },
    });
    scene.providers.put(0, serde_json::from_value(report).unwrap(), None, None);
    let found = scene.only().await;
    assert_eq!(found.way_out, "build it on an older system");
    assert!(found.what.contains("needs glibc 2.99"), "{}", found.what);
}

#[tokio::test]
async fn operation_that_waits_is_told_with_what_for_and_since_when() {
    let scene = Scene::new();
    scene.change(vec![Change::Begin(Box::new(operation(Some("pool fast is dead"))))]).await;
    let found = scene.only().await;
    assert_eq!((found.severity, found.since_us), (Severity::Warning, Some(1_000_000)));
    assert!(found.what.contains("pool fast is dead"), "{}", found.what);
}

#[tokio::test]
async fn operation_that_nobody_works_on_is_told() {
    let scene = Scene::new();
    scene.change(vec![Change::Begin(Box::new(operation(None)))]).await;
    let found = scene.only().await;
    assert_eq!(found.severity, Severity::Error);
    assert!(found.what.contains("nobody works on it"), "{}", found.what);
}

#[tokio::test]
async fn claim_of_no_operation_and_state_without_one_are_told() {
    let scene = Scene::new();
    let claim =
        Change::Claim { name: format!("object:{}", Uuid::new_v4()), holder: Uuid::new_v4() };
    scene.change(vec![claim]).await;
    assert!(scene.only().await.what.contains("no operation that lives"));

    let scene = Scene::new();
    scene.change(vec![Change::insert(&pool(StoragePoolState::Attaching, None))]).await;
    let found = scene.only().await;
    assert!(found.what.contains("it is Attaching and no operation works on it"), "{}", found.what);
}

#[tokio::test]
async fn promise_to_nobody_is_told() {
    let scene = Scene::new();
    let pool = pool(StoragePoolState::Maintenance, None);
    let owner = Uuid::new_v4();
    let reserve = Change::Reserve { store: pool.uuid, owner, bytes: 7 };
    scene.change(vec![Change::insert(&pool), reserve]).await;
    let found = scene.only().await;
    assert!(found.what.contains("7 bytes are promised to"), "{}", found.what);
}

#[tokio::test]
async fn open_circuit_is_told_with_the_last_answer() {
    use crate::jobs::GuardedCall;
    use storage_plugin_api::{CallContext, PluginError};
    let scene = Scene::new();
    let store = Uuid::new_v4();
    let window = Duration::from_secs(1);
    for _ in 0..10 {
        let about = GuardedCall { provider: "p", window, store: Some((store, "pool")) };
        let call = CallContext::new(Uuid::new_v4());
        let dead = async { Err::<(), _>(PluginError::unavailable("connection refused")) };
        let failed = scene.host.rooms().guard.call(about, &call, dead).await.unwrap_err();
        assert_eq!(failed.kind(), PluginErrorKind::Unavailable);
    }
    let found = scene.only().await;
    assert_eq!(found.object, Some(store));
    assert!(found.what.contains("connection refused"), "{}", found.what);
}
