//! What is still there after the store was opened again.

use std::fs;

use super::{get, own, set, temporary};
use crate::store::Store;

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
