//! Which directories are refused, and how the operator learns why.

use std::{
    fs::{self, Permissions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process,
};

use rusqlite::Connection;

use super::{own, refusal, set, temporary};
use crate::store::{OpenError, Store, schema::STEPS};

fn database(directory: &Path) -> Connection {
    Connection::open(directory.join("store.db")).unwrap()
}

#[test]
fn a_second_host_is_refused_by_the_pid_of_the_first() {
    let directory = temporary();
    let first = Store::open(directory.path()).unwrap();
    let error = refusal(directory.path());
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("(pid {})", process::id())), "{error}");
    drop(first);
    drop(Store::open(directory.path()).unwrap());
}

#[test]
fn a_repository_that_is_still_held_keeps_the_directory() {
    let directory = temporary();
    let repository = Store::open(directory.path()).unwrap().repository();
    assert!(matches!(refusal(directory.path()), OpenError::InUse { .. }));
    drop(repository);
    drop(Store::open(directory.path()).unwrap());
}

#[test]
fn a_newer_database_is_refused_by_both_versions() {
    let directory = temporary();
    drop(Store::open(directory.path()).unwrap());
    let record = "INSERT INTO schema_steps VALUES (99, 'future', 'x', 0)";
    database(directory.path()).execute(record, []).unwrap();
    let text = refusal(directory.path()).to_string();
    let versions = format!(
        "has schema version 99, and this storage-host knows versions up to {}",
        STEPS.len()
    );
    assert!(text.contains(&versions), "{text}");
}

#[test]
fn a_database_of_other_steps_is_refused() {
    let directory = temporary();
    drop(Store::open(directory.path()).unwrap());
    let change = "UPDATE schema_steps SET checksum = 'x' WHERE version = 2";
    database(directory.path()).execute(change, []).unwrap();
    let error = refusal(directory.path());
    assert!(matches!(error, OpenError::OtherSchema { version: 2, .. }), "{error:?}");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let directory = temporary();
    let other = database(directory.path());
    other.execute_batch("CREATE TABLE guests (name TEXT)").unwrap();
    drop(other);
    let before = fs::read(directory.path().join("store.db")).unwrap();
    let error = refusal(directory.path());
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    assert_eq!(fs::read(directory.path().join("store.db")).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let directory = temporary();
    let text = "somebody's notes\n".repeat(100);
    fs::write(directory.path().join("store.db"), &text).unwrap();
    let error = refusal(directory.path());
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    let kept = fs::read_to_string(directory.path().join("store.db")).unwrap();
    assert_eq!(kept, text);
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let directory = temporary();
    let store = Store::open(directory.path()).unwrap();
    for number in 0..50 {
        let key = format!("key-{number}");
        set(&*store.repository(), own(&key), &"x".repeat(500)).await.unwrap();
    }
    drop(store);
    let path = directory.path().join("store.db");
    let sound = fs::read(&path).unwrap();
    let last_page = sound.len() - 4096;

    let mut file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(last_page as u64)).unwrap();
    let mut page = [0; 4096];
    file.read_exact(&mut page).unwrap();
    file.seek(SeekFrom::Start(last_page as u64)).unwrap();
    file.write_all(&page.map(|byte| !byte)).unwrap();
    let error = refusal(directory.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("is damaged ("), "{error}");

    fs::write(&path, &sound[..last_page - 4096]).unwrap();
    let error = refusal(directory.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");

    fs::write(&path, &sound).unwrap();
    drop(Store::open(directory.path()).unwrap());
}

#[test]
fn a_damaged_record_is_refused() {
    for name in ["installation_id", "key_proof", "epoch"] {
        let directory = temporary();
        drop(Store::open(directory.path()).unwrap());
        let change = "UPDATE meta SET value = 'x' WHERE name = $1";
        database(directory.path()).execute(change, [name]).unwrap();
        let error = refusal(directory.path());
        let text = error.to_string();
        assert!(text.contains(&format!("damaged record {name:?}")), "{text}");
    }
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let directory = temporary();
    for mode in [0o770, 0o702] {
        fs::set_permissions(directory.path(), Permissions::from_mode(mode)).unwrap();
        let text = refusal(directory.path()).to_string();
        assert!(text.contains(&format!("(mode {mode:04o})")), "{text}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    drop(Store::open(directory.path()).unwrap());
}

#[test]
fn a_path_that_is_no_directory_is_refused() {
    let directory = temporary();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    let text = refusal(&path).to_string();
    assert_eq!(text, format!("cannot create data directory {path:?}"));
}
