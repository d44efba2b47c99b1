//! The files of the data directory: credentials and endpoint.

use crate::api::credentials::{self, CredentialsError};
use crate::api::endpoint;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::tempdir;

#[test]
fn credentials_are_made_once_and_kept_private() {
    let dir = tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let made = credentials::load_or_create(&data_dir).unwrap();
    assert_eq!(made.username, "admin");
    assert_eq!(made.password.expose().len(), 24);
    assert_eq!((made.apikey.len(), made.secretkey.expose().len()), (86, 86));
    assert_eq!(credentials::load_or_create(&data_dir).unwrap(), made);
    assert_eq!(credentials::load(&data_dir).unwrap(), made);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(data_dir.join("credentials.json")), 0o600);
    assert_eq!(mode(data_dir.clone()), 0o700);
    let names: Vec<_> =
        fs::read_dir(&data_dir).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["credentials.json"]);
    let other = credentials::load_or_create(&dir.path().join("other")).unwrap();
    assert_ne!(other.secretkey, made.secretkey);
}

#[test]
fn debug_of_credentials_hides_the_secrets() {
    let dir = tempdir().unwrap();
    let made = credentials::load_or_create(dir.path()).unwrap();
    let shown = format!("{made:?}");
    assert!(!shown.contains(made.password.expose()), "{shown}");
    assert!(!shown.contains(made.secretkey.expose()), "{shown}");
}

#[test]
fn credentials_that_others_may_read_are_refused() {
    let dir = tempdir().unwrap();
    credentials::load_or_create(dir.path()).unwrap();
    let path = dir.path().join("credentials.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = credentials::load_or_create(dir.path()).unwrap_err();
    assert!(matches!(error, CredentialsError::OpenToOthers { mode: 0o640, .. }));
    let text = error.to_string();
    assert!(text.contains("chmod 600") && text.contains("credentials.json"), "{text}");
}

#[test]
fn damaged_credentials_are_refused_and_not_shown() {
    let dir = tempdir().unwrap();
    credentials::load_or_create(dir.path()).unwrap();
    fs::write(dir.path().join("credentials.json"), "{\"username\": \"hunter2\"").unwrap();
    let error = credentials::load_or_create(dir.path()).unwrap_err().to_string();
    assert!(
        error.contains("holds no credentials (line 1)") && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn endpoint_is_there_while_its_process_serves() {
    let dir = tempdir().unwrap();
    assert!(endpoint::read(dir.path()).unwrap_err().is_not_found());
    let written = endpoint::write(dir.path(), "0.0.0.0:8250".parse().unwrap()).unwrap();
    assert_eq!(written.api, "http://127.0.0.1:8250/client/api");
    assert_eq!(written.console, "http://127.0.0.1:8250/");
    assert_eq!(written.pid, std::process::id());
    assert_eq!(endpoint::read(dir.path()).unwrap(), written);
    endpoint::remove(dir.path()).unwrap();
    endpoint::remove(dir.path()).unwrap();
    assert!(endpoint::read(dir.path()).unwrap_err().is_not_found());
    let six = endpoint::write(dir.path(), "[::]:1".parse().unwrap()).unwrap();
    assert_eq!(six.api, "http://[::1]:1/client/api");
}

#[test]
fn endpoint_of_another_process_is_left_alone() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("endpoint.json");
    let other =
        r#"{"api":"http://127.0.0.1:1/client/api","console":"http://127.0.0.1:1/","pid":1}"#;
    fs::write(&path, other).unwrap();
    endpoint::remove(dir.path()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), other);
}
