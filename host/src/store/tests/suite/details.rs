//! Plugin details: what every engine does with them.

use std::thread;

use storage_plugin_api::{DetailKey, DetailOwner, ListDetailsRequest, Secret, SetDetailRequest};
use uuid::Uuid;

use super::{PLUGIN, block_on, get, own, set};
use crate::store::{InstallationId, MAX_KEY_BYTES, MAX_VALUE_BYTES, Repository, StoreError};

pub(crate) async fn a_kept_value_is_returned(repository: &dyn Repository) {
    for value in ["", "secret", "two\nlines", "zero \0 byte", "ünïcode ∞"] {
        set(repository, own("key"), value).await.unwrap();
        assert_eq!(get(repository, &own("key")).await.as_deref(), Some(value));
    }
}

pub(crate) async fn a_value_replaces_the_one_before(repository: &dyn Repository) {
    for value in ["first", "second", "third"] {
        set(repository, own("key"), value).await.unwrap();
    }
    assert_eq!(get(repository, &own("key")).await.as_deref(), Some("third"));
    assert_eq!(list(repository, PLUGIN, DetailOwner::Plugin, Uuid::nil()).await.len(), 1);
}

pub(crate) async fn what_was_never_kept_is_not_there(repository: &dyn Repository) {
    assert_eq!(get(repository, &own("key")).await, None);
    assert_eq!(list(repository, PLUGIN, DetailOwner::Plugin, Uuid::nil()).await, []);
}

pub(crate) async fn a_removed_value_is_gone(repository: &dyn Repository) {
    set(repository, own("a"), "1").await.unwrap();
    set(repository, own("b"), "2").await.unwrap();
    repository.remove_detail(PLUGIN, &own("a")).await.unwrap();
    assert_eq!(get(repository, &own("a")).await, None);
    assert_eq!(get(repository, &own("b")).await.as_deref(), Some("2"));
    set(repository, own("a"), "3").await.unwrap();
    assert_eq!(get(repository, &own("a")).await.as_deref(), Some("3"));
}

pub(crate) async fn removing_what_is_not_there_succeeds(repository: &dyn Repository) {
    repository.remove_detail(PLUGIN, &own("a")).await.unwrap();
    repository.remove_detail(PLUGIN, &own("a")).await.unwrap();
}

pub(crate) async fn a_list_has_the_values_of_its_owner_only(repository: &dyn Repository) {
    let (volume, other) = (Uuid::new_v4(), Uuid::new_v4());
    for (owner, key, value) in [(volume, "b", "2"), (volume, "a", "1"), (other, "a", "3")] {
        let at = DetailKey::new(DetailOwner::Volume, owner, key);
        set(repository, at, value).await.unwrap();
    }
    assert_eq!(
        list(repository, PLUGIN, DetailOwner::Volume, volume).await,
        [("a", "1"), ("b", "2")].map(|(key, value)| (key.to_owned(), value.to_owned()))
    );
}

pub(crate) async fn a_plugin_sees_its_own_values_only(repository: &dyn Repository) {
    set(repository, own("key"), "mine").await.unwrap();
    let theirs = SetDetailRequest::new(own("key"), Secret::new("theirs"));
    repository.set_detail("other", &theirs).await.unwrap();
    repository.remove_detail("third", &own("key")).await.unwrap();
    assert_eq!(get(repository, &own("key")).await.as_deref(), Some("mine"));
    let seen = list(repository, "other", DetailOwner::Plugin, Uuid::nil()).await;
    assert_eq!(seen, [("key".to_owned(), "theirs".to_owned())]);
}

pub(crate) async fn every_kind_of_owner_has_its_own_values(repository: &dyn Repository) {
    let uuid = Uuid::new_v4();
    for owner in DetailOwner::ALL {
        let at = DetailKey::new(*owner, uuid, "key");
        set(repository, at, owner.as_str()).await.unwrap();
    }
    for owner in DetailOwner::ALL {
        let at = DetailKey::new(*owner, uuid, "key");
        assert_eq!(get(repository, &at).await.as_deref(), Some(owner.as_str()));
    }
}

pub(crate) async fn a_value_at_the_limit_is_kept_and_a_larger_one_refused(
    repository: &dyn Repository,
) {
    let largest = "x".repeat(MAX_VALUE_BYTES);
    set(repository, own("key"), &largest).await.unwrap();
    let refused = set(repository, own("key"), &format!("{largest}y")).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "cannot keep detail \"key\" of plugin \"sample\": it has 65537 bytes, and 65536 are the limit"
    );
    assert_eq!(get(repository, &own("key")).await, Some(largest));
}

pub(crate) async fn any_text_is_a_key(repository: &dyn Repository) {
    let long = "k".repeat(MAX_KEY_BYTES);
    let keys = ["'; DROP TABLE meta; --", "%", "A", "a", " ", "ключ", "a/b\\c\"", &long];
    for key in keys {
        set(repository, own(key), key).await.unwrap();
    }
    for key in keys {
        assert_eq!(get(repository, &own(key)).await.as_deref(), Some(key));
    }
}

pub(crate) async fn what_is_no_key_is_refused(repository: &dyn Repository) {
    for at in [own(""), own("a\0b"), DetailKey::new(DetailOwner::Unknown, Uuid::nil(), "a")] {
        let refused = repository.get_detail(PLUGIN, &at).await;
        assert!(matches!(refused, Err(StoreError::InvalidAddress { .. })), "{refused:?}");
        let refused = set(repository, at, "value").await;
        assert!(matches!(refused, Err(StoreError::InvalidAddress { .. })), "{refused:?}");
    }
    let refused = set(repository, own(&"k".repeat(MAX_KEY_BYTES + 1)), "value").await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    let refused = repository.remove_detail("", &own("a")).await;
    assert!(matches!(refused, Err(StoreError::InvalidAddress { .. })), "{refused:?}");
}

pub(crate) async fn changes_made_at_once_all_last(repository: &dyn Repository) {
    thread::scope(|scope| {
        for writer in 0..8 {
            scope.spawn(move || {
                for number in 0..25 {
                    let text = format!("{writer}-{number}");
                    block_on(set(repository, own(&text), &text)).unwrap();
                    assert_eq!(block_on(get(repository, &own(&text))), Some(text));
                }
            });
        }
    });
    let all = list(repository, PLUGIN, DetailOwner::Plugin, Uuid::nil()).await;
    assert_eq!(all.len(), 200);
    assert!(all.iter().all(|(key, value)| key == value));
}

pub(crate) async fn calls_need_no_runtime(repository: &dyn Repository) {
    let outside = || {
        assert!(tokio::runtime::Handle::try_current().is_err());
        block_on(set(repository, own("key"), "value")).unwrap();
        block_on(get(repository, &own("key")))
    };
    let value = thread::scope(|scope| scope.spawn(outside).join().unwrap());
    assert_eq!(value.as_deref(), Some("value"));
}

pub(crate) async fn the_installation_has_an_id(repository: &dyn Repository) {
    let id = repository.installation_id();
    assert_eq!(InstallationId::parse(id.as_str()).as_ref(), Some(id));
}

async fn list(
    repository: &dyn Repository,
    plugin: &str,
    owner: DetailOwner,
    uuid: Uuid,
) -> Vec<(String, String)> {
    let request = ListDetailsRequest::new(owner, uuid);
    let details = repository.list_details(plugin, &request).await.unwrap();
    let pairs = details.iter();
    pairs.map(|(key, value)| (key.clone(), value.clone())).collect()
}
