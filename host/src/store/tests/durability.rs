//! What is still there after the store was opened again.

use std::fs;

use uuid::Uuid;

use super::{
    get, own, set,
    suite::{begin, operation, pool},
    temporary,
};
use crate::{
    model::{EventLevel, NewEvent, Record, StoragePool},
    store::{Capacity, Change, EventFilter, Store},
};

#[tokio::test]
async fn values_and_the_installation_id_last() {
    let directory = temporary();
    let path = directory.path().join("new/data");
    let store = Store::open(&path).unwrap();
    let id = store.installation_id().clone();
    set(&*store.repository(), own("key"), "value").await.unwrap();
    drop(store);

    let store = Store::open(&path).unwrap();
    assert_eq!(*store.installation_id(), id);
    assert_eq!(get(&*store.repository(), &own("key")).await.as_deref(), Some("value"));
}

#[tokio::test]
async fn two_directories_are_two_installations() {
    let (first, second) = (temporary(), temporary());
    assert_ne!(
        Store::open(first.path()).unwrap().installation_id(),
        Store::open(second.path()).unwrap().installation_id()
    );
}

#[tokio::test]
async fn a_closed_directory_is_free_though_its_store_is_still_held() {
    let directory = temporary();
    let held = Store::open(directory.path()).unwrap();
    set(&*held.repository(), own("key"), "value").await.unwrap();
    held.close();
    // The log was taken into the database: a backup of store.db alone is whole.
    assert!(!directory.path().join("store.db-wal").exists());
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(get(&*store.repository(), &own("key")).await.as_deref(), Some("value"));
}

#[tokio::test]
async fn what_a_crash_at_the_first_start_leaves_is_no_obstacle() {
    let directory = temporary();
    for name in ["store.db", "lock", "secret.key.new"] {
        fs::write(directory.path().join(name), "").unwrap();
    }
    let store = Store::open(directory.path()).unwrap();
    set(&*store.repository(), own("key"), "value").await.unwrap();
    assert!(!directory.path().join("secret.key.new").exists());
}

#[tokio::test]
async fn the_epoch_rises_at_each_opening() {
    let directory = temporary();
    let mut last = 0;
    for round in 0..6 {
        let store = Store::open(directory.path()).unwrap();
        let epoch = store.repository().epoch();
        assert!(epoch > last, "{epoch} after {last}");
        last = match round % 2 {
            0 => epoch,
            _ => store.repository().raise_epoch_above(epoch + 10).await.unwrap(),
        };
    }
    // Another host's state is another matter.
    let other = temporary();
    assert_eq!(Store::open(other.path()).unwrap().repository().epoch(), 1);
}

#[tokio::test]
async fn all_that_a_transaction_made_lasts() {
    let directory = temporary();
    let store = Store::open(directory.path()).unwrap();
    let (pool, operation, id) = (pool("pool", "secret"), operation("flow"), Uuid::new_v4());
    let event = NewEvent {
        event_type: "VOLUME.CREATE".to_owned(),
        level: EventLevel::Info,
        object: None,
        account: "admin".to_owned(),
        operation: None,
        description: String::new(),
    };
    let changes = vec![
        Change::insert(&pool),
        Change::Claim { name: "a".to_owned(), holder: id },
        Change::SetLimit { store: id, bytes: 10 },
        Change::Reserve { store: id, owner: id, bytes: 5 },
        begin(&operation),
        Change::Event(event),
    ];
    store.repository().transact(changes).await.unwrap();
    let forgotten = self::pool("forgotten", "");
    let forget = Change::Forget(StoragePool::KIND, forgotten.uuid);
    store.repository().transact(vec![Change::insert(&forgotten), forget]).await.unwrap();
    drop(store);

    let store = Store::open(directory.path()).unwrap();
    let repository = store.repository();
    let found = repository.find::<StoragePool>(pool.uuid).await.unwrap();
    assert_eq!(found.map(|stored| stored.record), Some(pool));
    assert_eq!(repository.find_claim("a").await.unwrap().unwrap().holder, id);
    let capacity = repository.capacity(id).await.unwrap();
    assert_eq!(capacity, Capacity { limit: Some(10), reserved: 5 });
    assert_eq!(repository.unfinished_operations().await.unwrap().len(), 1);
    assert_eq!(repository.list_events(&EventFilter::default()).await.unwrap().len(), 1);
    // A number that was given is not given again, though nothing has it.
    let next = self::pool("next", "");
    repository.transact(vec![Change::insert(&next)]).await.unwrap();
    assert_eq!(repository.find::<StoragePool>(next.uuid).await.unwrap().unwrap().id, 3);
}
