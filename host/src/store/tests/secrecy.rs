//! Secrets stay secret, and the key is the right one or none.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use rusqlite::Connection;

use super::{PLUGIN, get, own, refusal, refusal_with, set, suite::pool, temporary};
use crate::{
    model::StoragePool,
    store::{Change, Filter, KeySource, OpenError, Store, StoreError},
};

const SECRET: &str = "correct horse battery staple";

#[track_caller]
fn assert_hidden(directory: &Path) {
    let mut files = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let mut windows = bytes.windows(SECRET.len());
        assert!(!windows.any(|bytes| bytes == SECRET.as_bytes()), "{path:?}");
        files += 1;
    }
    assert!(files >= 3, "only {files} files");
}

#[tokio::test]
async fn no_file_has_a_secret_in_clear_text() {
    let directory = temporary();
    let store = Store::open(directory.path()).unwrap();
    let repository = store.repository();
    set(&*repository, own("key"), SECRET).await.unwrap();
    assert_hidden(directory.path());
    set(&*repository, own("key"), "another").await.unwrap();
    set(&*repository, own("second"), SECRET).await.unwrap();
    store.close();
    assert_hidden(directory.path());
}

#[tokio::test]
async fn no_file_has_a_secret_of_a_record() {
    let directory = temporary();
    let store = Store::open(directory.path()).unwrap();
    let repository = store.repository();
    let pool = pool("pool", SECRET);
    repository.transact(vec![Change::insert(&pool)]).await.unwrap();
    assert_hidden(directory.path());
    let mut stored = repository.find::<StoragePool>(pool.uuid).await.unwrap().unwrap();
    assert_eq!(stored.record, pool);
    stored.name = "renamed".to_owned();
    repository.transact(vec![Change::update(&stored)]).await.unwrap();
    store.close();
    assert_hidden(directory.path());
}

#[tokio::test]
async fn a_record_that_was_moved_in_the_database_does_not_open() {
    let directory = temporary();
    let store = Store::open(directory.path()).unwrap();
    let repository = store.repository();
    let (mine, theirs) = (pool("mine", "mine"), pool("theirs", SECRET));
    repository.transact(vec![Change::insert(&mine), Change::insert(&theirs)]).await.unwrap();
    let outside = Connection::open(directory.path().join("store.db")).unwrap();
    let swap = "UPDATE records SET body_encrypted =
        (SELECT body_encrypted FROM records WHERE name = 'theirs') WHERE name = 'mine'";
    assert_eq!(outside.execute(swap, []).unwrap(), 1);

    let error = repository.find::<StoragePool>(mine.uuid).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains(SECRET));
    let error = repository.list::<StoragePool>(&Filter::default()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    assert!(repository.find::<StoragePool>(theirs.uuid).await.unwrap().is_some());
}

#[tokio::test]
async fn no_error_has_a_secret() {
    let directory = temporary();
    let store = Store::open(directory.path()).unwrap();
    let large = SECRET.repeat(4000);
    let error = set(&*store.repository(), own("key"), &large).await.unwrap_err();
    assert!(!format!("{error} {error:?} {store:?}").contains(SECRET));
}

#[tokio::test]
async fn values_that_were_swapped_in_the_database_do_not_open() {
    let directory = temporary();
    let store = Store::open(directory.path()).unwrap();
    let repository = store.repository();
    set(&*repository, own("mine"), "mine").await.unwrap();
    set(&*repository, own("theirs"), SECRET).await.unwrap();
    let outside = Connection::open(directory.path().join("store.db")).unwrap();
    let swap = "UPDATE plugin_details SET value_encrypted =
        (SELECT value_encrypted FROM plugin_details WHERE key = 'theirs') WHERE key = 'mine'";
    assert_eq!(outside.execute(swap, []).unwrap(), 1);

    let error = repository.get_detail(PLUGIN, &own("mine")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    assert_eq!(get(&*repository, &own("theirs")).await.as_deref(), Some(SECRET));
}

#[tokio::test]
async fn a_given_key_needs_no_file() {
    let directory = temporary();
    let given = || KeySource::Given([1; 32].into());
    let store = Store::open_with_key(directory.path(), given()).unwrap();
    set(&*store.repository(), own("key"), SECRET).await.unwrap();
    drop(store);
    assert!(!directory.path().join("secret.key").exists());
    let store = Store::open_with_key(directory.path(), given()).unwrap();
    assert_eq!(get(&*store.repository(), &own("key")).await.as_deref(), Some(SECRET));
}

#[test]
fn a_wrong_key_is_refused() {
    let directory = temporary();
    let key = |byte: u8| KeySource::Given([byte; 32].into());
    drop(Store::open_with_key(directory.path(), key(1)).unwrap());
    let error = refusal_with(directory.path(), key(2));
    assert!(matches!(error, OpenError::WrongKey { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with("the secret key of the environment is not the one"), "{text}");
    drop(Store::open_with_key(directory.path(), key(1)).unwrap());
}

#[test]
fn a_missing_key_is_not_replaced_while_secrets_need_it() {
    let directory = temporary();
    drop(Store::open(directory.path()).unwrap());
    let path = directory.path().join("secret.key");
    let key = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let error = refusal(directory.path());
    assert!(matches!(error, OpenError::MissingKey { .. }), "{error:?}");
    assert!(!path.exists());

    fs::write(&path, &key).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    drop(Store::open(directory.path()).unwrap());
}

#[test]
fn a_key_that_others_can_see_is_refused() {
    let directory = temporary();
    drop(Store::open(directory.path()).unwrap());
    let path = directory.path().join("secret.key");
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = refusal(directory.path());
        assert!(matches!(error, OpenError::ExposedKey { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("(mode {mode:04o})")), "{error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    drop(Store::open(directory.path()).unwrap());
}

#[test]
fn a_file_that_is_no_key_is_refused() {
    let directory = temporary();
    drop(Store::open(directory.path()).unwrap());
    let path = directory.path().join("secret.key");
    for text in [&b""[..], b"short", &[b'f'; 5000], &[0xff; 64]] {
        fs::write(&path, text).unwrap();
        let error = refusal(directory.path());
        assert!(matches!(error, OpenError::MalformedKey { .. }), "{error:?}");
    }
}

#[test]
fn the_files_are_their_owners_alone() {
    let directory = temporary();
    let path = directory.path().join("data");
    let _store = Store::open(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for entry in fs::read_dir(&path).unwrap() {
        let file = entry.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}
