//! Tests of the store. Here is what they share.

mod durability;
mod engines;
mod kill;
mod opening;
mod secrecy;
#[macro_use]
mod suite;

use std::path::Path;

use storage_plugin_api::{DetailKey, DetailOwner, Secret, SetDetailRequest};
use uuid::Uuid;

use super::{DetailRepository, KeySource, OpenError, Store, StoreError};

/// The plugin that most tests are about.
const PLUGIN: &str = "sample";

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A detail of the plugin itself.
fn own(key: &str) -> DetailKey {
    DetailKey::new(DetailOwner::Plugin, Uuid::nil(), key)
}

async fn set(
    repository: &(impl DetailRepository + ?Sized),
    at: DetailKey,
    value: &str,
) -> Result<(), StoreError> {
    let request = SetDetailRequest::new(at, Secret::new(value));
    repository.set_detail(PLUGIN, &request).await
}

async fn get(repository: &(impl DetailRepository + ?Sized), at: &DetailKey) -> Option<String> {
    let value = repository.get_detail(PLUGIN, at).await.unwrap();
    value.map(|value| value.expose().to_owned())
}

/// Why a directory does not open.
#[track_caller]
fn refusal(directory: &Path) -> OpenError {
    refusal_with(directory, KeySource::File)
}

#[track_caller]
fn refusal_with(directory: &Path, key: KeySource) -> OpenError {
    match Store::open_with_key(directory, key) {
        Err(StoreError::Open(error)) => error,
        other => panic!("no refusal: {other:?}"),
    }
}
