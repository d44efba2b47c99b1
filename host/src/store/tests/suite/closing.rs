//! A repository that was closed.

use storage_plugin_api::{DetailOwner, ListDetailsRequest};
use uuid::Uuid;

use super::{PLUGIN, get, own, rows::zone, set};
use crate::{
    model::{Record, RecordKind, Zone},
    store::{Change, EventFilter, Filter, Key, OperationFilter, Refused, Repository, StoreError},
};

pub(crate) async fn a_closed_repository_refuses_every_call(repository: &dyn Repository) {
    set(repository, own("key"), "value").await.unwrap();
    assert_eq!(get(repository, &own("key")).await.as_deref(), Some("value"));
    repository.close();
    repository.close();
    let request = ListDetailsRequest::new(DetailOwner::Plugin, Uuid::nil());
    let refused = repository.transact(vec![Change::insert(&zone("a"))]).await;
    let Err(Refused::Store(transaction)) = refused else { panic!("{refused:?}") };
    let refusals = [
        set(repository, own("key"), "value").await.err(),
        repository.get_detail(PLUGIN, &own("key")).await.err(),
        repository.remove_detail(PLUGIN, &own("key")).await.err(),
        repository.list_details(PLUGIN, &request).await.err(),
        Some(transaction),
        repository.find_row(RecordKind::Zone, Key::Id(1)).await.err(),
        repository.list_rows(Zone::KIND, &Filter::default()).await.err(),
        repository.find_claim("name").await.err(),
        repository.list_claims().await.err(),
        repository.capacity(Uuid::nil()).await.err(),
        repository.reservations(Uuid::nil()).await.err(),
        repository.find_operation(Uuid::nil()).await.err(),
        repository.unfinished_operations().await.err(),
        repository.list_operations(&OperationFilter::default()).await.err(),
        repository.list_events(&EventFilter::default()).await.err(),
        repository.raise_epoch_above(1).await.err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Some(StoreError::Closed)), "{refusal:?}");
    }
}
