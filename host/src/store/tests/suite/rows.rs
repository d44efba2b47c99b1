//! Records: what every engine does with them.

use storage_plugin_api::{Details, Scope};
use uuid::Uuid;

use super::join;
use crate::{
    model::{Pod, Record, RecordKind, StoragePool, StoragePoolState, Stored, Zone},
    store::{Change, Filter, Key, Refused, Repository, StoreError, row::to_row},
};

pub(super) fn zone(name: &str) -> Zone {
    let name = name.to_owned();
    Zone { uuid: Uuid::new_v4(), name, network_type: "Basic".to_owned(), enabled: true }
}

/// A record that belongs to another.
pub(crate) fn pod(name: &str, zone: Uuid) -> Pod {
    Pod { uuid: Uuid::new_v4(), name: name.to_owned(), zone }
}

/// A record that is sealed.
pub(crate) fn pool(name: &str, secret: &str) -> StoragePool {
    let mut details = Details::new();
    details.insert("password", secret);
    StoragePool {
        uuid: Uuid::new_v4(),
        name: name.to_owned(),
        state: StoragePoolState::ALL[0],
        provider: "sample".to_owned(),
        zone: Uuid::nil(),
        scope: Scope::region(),
        hypervisor: None,
        url: "file:///".to_owned(),
        details,
        reached_by: None,
        back_end_identity: None,
        tags: Vec::new(),
        capacity_bytes: 0,
        capacity_limited: false,
        used_bytes: 0,
        capacity_iops: None,
        overprovision_factor: 1.0,
        quarantine: None,
        bandwidth: None,
    }
}

pub(super) async fn insert<T: Record>(repository: &dyn Repository, record: &T) -> Stored<T> {
    repository.transact(vec![Change::insert(record)]).await.unwrap();
    repository.find(record.uuid()).await.unwrap().unwrap()
}

async fn names(repository: &dyn Repository, filter: &Filter) -> Vec<String> {
    let listed = repository.list::<Pod>(filter).await.unwrap();
    listed.into_iter().map(|stored| stored.record.name).collect()
}

pub(crate) async fn a_new_record_is_found_by_its_uuid_and_its_number(repository: &dyn Repository) {
    let zone = zone("north");
    let stored = insert(repository, &zone).await;
    assert_eq!(stored.record, zone);
    assert_eq!((stored.id, stored.version, stored.removed_us), (1, 1, None));
    assert!(stored.created_us > 0 && stored.created_us == stored.updated_us);
    let by_id: Option<Stored<Zone>> = repository.find_any(Key::Id(1)).await.unwrap();
    assert_eq!(by_id, Some(stored));
    assert_eq!(repository.find::<Zone>(Uuid::new_v4()).await.unwrap(), None);
    assert_eq!(repository.find_any::<Zone>(Key::Id(2)).await.unwrap(), None);
    assert_eq!(repository.find::<Pod>(zone.uuid).await.unwrap(), None);
}

pub(crate) async fn a_record_that_may_hold_secrets_comes_back(repository: &dyn Repository) {
    let pool = pool("ünïcode ∞", "secret");
    assert_eq!(insert(repository, &pool).await.record, pool);
    let listed = repository.list::<StoragePool>(&Filter::default()).await.unwrap();
    assert_eq!(listed.into_iter().map(|one| one.record).collect::<Vec<_>>(), [pool]);
}

pub(crate) async fn numbers_count_by_kind_and_are_never_used_again(repository: &dyn Repository) {
    let (first, second) = (zone("first"), zone("second"));
    assert_eq!(insert(repository, &first).await.id, 1);
    assert_eq!(insert(repository, &second).await.id, 2);
    assert_eq!(insert(repository, &pod("other kind", first.uuid)).await.id, 1);
    let forget = Change::Forget(RecordKind::Zone, second.uuid);
    repository.transact(vec![forget, Change::remove(&first)]).await.unwrap();
    assert_eq!(insert(repository, &second).await.id, 3);
    assert_eq!(insert(repository, &zone("fourth")).await.id, 4);
}

pub(crate) async fn a_taken_uuid_is_refused(repository: &dyn Repository) {
    let zone = zone("north");
    insert(repository, &zone).await;
    let refused = |outcome: Result<(), Refused>| {
        let wanted = format!("there is a zone {} already", zone.uuid);
        assert!(
            matches!(&outcome, Err(Refused::Exists { kind: RecordKind::Zone, uuid }) if *uuid == zone.uuid),
            "{outcome:?}"
        );
        assert_eq!(outcome.unwrap_err().to_string(), wanted);
    };
    refused(repository.transact(vec![Change::insert(&zone)]).await);
    repository.transact(vec![Change::remove(&zone)]).await.unwrap();
    refused(repository.transact(vec![Change::insert(&zone)]).await);
    let other_kind = Pod { uuid: zone.uuid, name: String::new(), zone: zone.uuid };
    insert(repository, &other_kind).await;
}

pub(crate) async fn an_update_is_found_and_counts_the_version(repository: &dyn Repository) {
    let mut stored = insert(repository, &zone("before")).await;
    stored.name = "after".to_owned();
    stored.enabled = false;
    repository.transact(vec![Change::update(&stored)]).await.unwrap();
    let found: Stored<Zone> = repository.find(stored.uuid).await.unwrap().unwrap();
    assert_eq!(found.record, stored.record);
    assert_eq!((found.id, found.version), (stored.id, 2));
    assert_eq!(found.created_us, stored.created_us);
    assert!(found.updated_us >= stored.updated_us);
    let disabled = Filter { states: vec!["Disabled"], ..Filter::default() };
    assert_eq!(repository.list::<Zone>(&disabled).await.unwrap(), [found]);
    let before = Filter { name: Some("before".to_owned()), ..Filter::default() };
    assert_eq!(repository.list::<Zone>(&before).await.unwrap(), []);
}

pub(crate) async fn a_sealed_record_is_updated_under_its_seal(repository: &dyn Repository) {
    let mut stored = insert(repository, &pool("pool", "before")).await;
    stored.details.insert("password", "after");
    repository.transact(vec![Change::update(&stored)]).await.unwrap();
    let found: Stored<StoragePool> = repository.find(stored.uuid).await.unwrap().unwrap();
    assert_eq!(found.record, stored.record);
}

pub(crate) async fn an_update_of_what_changed_since_is_refused(repository: &dyn Repository) {
    let read = insert(repository, &zone("first")).await;
    let mut newer = read.clone();
    newer.name = "second".to_owned();
    repository.transact(vec![Change::update(&newer)]).await.unwrap();
    let refused = repository.transact(vec![Change::update(&read)]).await;
    assert!(
        matches!(refused, Err(Refused::Changed { kind: RecordKind::Zone, uuid }) if uuid == read.uuid),
        "{refused:?}"
    );
    // A version that is not there yet is another one as well.
    let refused = repository.transact(vec![Change::update(&Stored { version: 3, ..read })]).await;
    assert!(matches!(refused, Err(Refused::Changed { .. })), "{refused:?}");
    let found: Stored<Zone> = repository.find(newer.uuid).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.version), ("second", 2));
}

pub(crate) async fn an_update_of_what_is_gone_is_refused(repository: &dyn Repository) {
    let removed = insert(repository, &zone("removed")).await;
    let forgotten = insert(repository, &zone("forgotten")).await;
    let forget = Change::Forget(RecordKind::Zone, forgotten.uuid);
    repository.transact(vec![Change::remove(&removed.record), forget]).await.unwrap();
    let after: Stored<Zone> = repository.find_any(Key::Uuid(removed.uuid)).await.unwrap().unwrap();
    for gone in [removed, forgotten, after] {
        let refused = repository.transact(vec![Change::update(&gone)]).await;
        assert!(
            matches!(refused, Err(Refused::Missing { kind: RecordKind::Zone, uuid }) if uuid == gone.uuid),
            "{refused:?}"
        );
    }
}

pub(crate) async fn of_two_updates_at_once_one_is_made(repository: &dyn Repository) {
    let read = insert(repository, &zone("before")).await;
    for round in 0..20 {
        let read: Stored<Zone> = repository.find(read.uuid).await.unwrap().unwrap();
        let update = async |name: &str| {
            let mut changed = read.clone();
            changed.name = name.to_owned();
            repository.transact(vec![Change::update(&changed)]).await
        };
        let outcomes = join(vec![update("one"), update("two"), update("three")]).await;
        let refused = outcomes.iter().filter(|one| matches!(one, Err(Refused::Changed { .. })));
        assert_eq!(refused.count(), 2);
        assert_eq!(outcomes.iter().filter(|one| one.is_ok()).count(), 1, "round {round}");
    }
}

pub(crate) async fn a_removed_record_stays_as_proof(repository: &dyn Repository) {
    let zone = zone("north");
    let before = insert(repository, &zone).await;
    repository.transact(vec![Change::remove(&zone)]).await.unwrap();
    assert_eq!(repository.find::<Zone>(zone.uuid).await.unwrap(), None);
    assert_eq!(repository.list::<Zone>(&Filter::default()).await.unwrap(), []);
    let removed: Stored<Zone> = repository.find_any(Key::Uuid(zone.uuid)).await.unwrap().unwrap();
    assert_eq!(removed.record, zone);
    assert_eq!(removed.id, before.id);
    assert!(removed.removed_us.is_some_and(|at| at >= before.created_us));
    let all = Filter { removed: true, ..Filter::default() };
    assert_eq!(repository.list::<Zone>(&all).await.unwrap(), std::slice::from_ref(&removed));
    // Removed again, or never there: nothing.
    let never = self::zone("never");
    repository.transact(vec![Change::remove(&zone), Change::remove(&never)]).await.unwrap();
    let again: Option<Stored<Zone>> = repository.find_any(Key::Uuid(zone.uuid)).await.unwrap();
    assert_eq!(again, Some(removed));
    assert_eq!(repository.find_any::<Zone>(Key::Uuid(never.uuid)).await.unwrap(), None);
}

pub(crate) async fn a_forgotten_record_was_never_there(repository: &dyn Repository) {
    let zone = zone("north");
    insert(repository, &zone).await;
    let forget = Change::Forget(RecordKind::Zone, zone.uuid);
    repository.transact(vec![forget.clone()]).await.unwrap();
    repository.transact(vec![forget]).await.unwrap();
    assert_eq!(repository.find_any::<Zone>(Key::Uuid(zone.uuid)).await.unwrap(), None);
    let all = Filter { removed: true, ..Filter::default() };
    assert_eq!(repository.list::<Zone>(&all).await.unwrap(), []);
    insert(repository, &zone).await;
}

pub(crate) async fn a_list_has_what_its_filter_asks_for(repository: &dyn Repository) {
    let (north, south) = (Uuid::new_v4(), Uuid::new_v4());
    for (name, zone) in [("c", north), ("a", south), ("b", north), ("a", north)] {
        insert(repository, &pod(name, zone)).await;
    }
    insert(repository, &zone("a")).await;
    let gone = insert(repository, &pod("gone", north)).await;
    repository.transact(vec![Change::remove(&gone.record)]).await.unwrap();

    let any = Filter::default;
    assert_eq!(names(repository, &any()).await, ["c", "a", "b", "a"]);
    let owner = Filter { owner: Some(north), ..any() };
    assert_eq!(names(repository, &owner).await, ["c", "b", "a"]);
    let zone = Filter { zone: Some(south), ..any() };
    assert_eq!(names(repository, &zone).await, ["a"]);
    let name = Filter { name: Some("a".to_owned()), ..any() };
    assert_eq!(names(repository, &name).await, ["a", "a"]);
    let both = Filter { name: Some("a".to_owned()), owner: Some(north), ..any() };
    assert_eq!(names(repository, &both).await, ["a"]);
    let removed = Filter { owner: Some(north), removed: true, ..any() };
    assert_eq!(names(repository, &removed).await, ["c", "b", "a", "gone"]);
    let odd = Filter { name: Some("' OR 1 = 1 --".to_owned()), ..any() };
    assert_eq!(names(repository, &odd).await, [""; 0]);
    // Lists of states of any length.
    for length in 1..=9 {
        let mut states = vec!["other"; length];
        let none = Filter { states: states.clone(), ..any() };
        assert_eq!(names(repository, &none).await, [""; 0]);
        states[length / 2] = "Enabled";
        let one = Filter { states, zone: Some(north), ..any() };
        assert_eq!(names(repository, &one).await, ["c", "b", "a"]);
    }
}

pub(crate) async fn a_body_that_is_no_json_fails_before_anything_is_done(
    repository: &dyn Repository,
) {
    let mut broken = to_row(&zone("broken"), 0);
    broken.body = Err("a number is not a number".to_owned());
    let sound = zone("sound");
    let changes = vec![Change::insert(&sound), Change::Insert(broken)];
    let refused = repository.transact(changes).await;
    let Err(Refused::Store(error @ StoreError::Write { .. })) = refused else {
        panic!("{refused:?}")
    };
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "a number is not a number");
    assert_eq!(repository.find::<Zone>(sound.uuid).await.unwrap(), None);
}
