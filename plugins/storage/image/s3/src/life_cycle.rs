//! The life of a store: tried out and marked, unmarked.
//!
//! Attaching and maintenance mean nothing to an image store: the host changes its own row.

use crate::details::Place;
use crate::layout::{Key, prefix};
use crate::mark::{Mark, key};
use crate::probe::probe;
use crate::s3::{Bucket, Listed};
use crate::stores::Stores;
use std::ops::ControlFlow;
use storage_plugin_api::install_path::KINDS;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Store};

/// The life cycle of all stores.
#[derive(Debug, Clone, Default)]
pub(crate) struct S3LifeCycle {
    pub(crate) stores: Arc<Stores>,
}

#[async_trait]
impl DataStoreLifeCycle for S3LifeCycle {
    async fn initialize(&self, _: &Call, request: InitializeRequest) -> Result<InitializedStore> {
        check_role(request.role)?;
        check_scope(&request.scope)?;
        let mut store = DataStore::new(request.uuid, request.role);
        store.details = request.details;
        store.installation_id = request.installation_id;
        let place = Place::of(&store)?;
        check_url(&request.url, &place)?;
        self.stores.set_unmade(place.store, true);
        let tried = probe(&place).await.map_err(told_at_once)?;
        let bucket = self.stores.bucket(&place).await?;
        let there = Mark::read(&bucket, &place).await.map_err(told_at_once)?;
        self.stores.set_unmade(place.store, false);
        let mark = match there {
            Some(mut mark) => {
                mark.check_owner(&place)?;
                mark.features = tried.features;
                mark.write(&bucket, &place, false).await?;
                mark
            }
            None => {
                let mut mark = Mark::new(&place, tried.features);
                mark.made_bucket = tried.made_bucket;
                mark.write_new(&bucket, &place).await?
            }
        };
        self.stores.remember(&place, mark);
        // Nobody goes on with what was left before the store was added.
        end_uploads(&bucket, &place).await?;
        let mut answer = InitializedStore::new();
        answer.url = Some(place.url());
        answer.details = Some(store.details.clone());
        answer.back_end_identity = Some(place.url());
        Ok(answer)
    }

    async fn delete_data_store(&self, _: &Call, store: &Store) -> Result<bool> {
        let place = Place::of(store)?;
        if self.stores.is_unmade(place.store) {
            self.stores.set_unmade(place.store, false);
            return Ok(true);
        }
        let bucket = self.stores.bucket(&place).await?;
        let mark = Mark::read(&bucket, &place).await;
        self.stores.forget(place.store);
        let mark = match mark {
            // A bucket that is gone bears nothing of ours.
            Err(error) if error.kind() == PluginErrorKind::NotFound => None,
            mark => mark?,
        };
        let Some(mark) = mark.filter(|mark| mark.is_of(&place)) else {
            return Ok(true);
        };
        mark.check_epoch(&place)?;
        check_empty(&bucket, &place).await?;
        end_uploads(&bucket, &place).await?;
        bucket.delete(&key(&place.installation)).await?;
        if mark.made_bucket {
            remove_bucket(&bucket).await?;
        }
        Ok(true)
    }
}

/// Whoever adds a store waits for the answer: what the SDK tried again already is told at once.
fn told_at_once(error: PluginError) -> PluginError {
    if error.is_retryable() { error.retry(Retry::Exhausted) } else { error }
}

/// Removes a bucket that was made with a store; what somebody else keeps there keeps it.
async fn remove_bucket(bucket: &Bucket) -> Result<()> {
    match bucket.delete_bucket().await {
        Err(error)
            if matches!(error.kind(), PluginErrorKind::InUse | PluginErrorKind::NotFound) =>
        {
            Ok(())
        }
        removed => removed,
    }
}

/// Ends the uploads of this installation, and no others; where the server lists none, each was
/// ended with its object.
async fn end_uploads(bucket: &Bucket, place: &Place) -> Result<()> {
    for upload in bucket.unfinished("").await?.unwrap_or_default() {
        if Key::parse(&upload.key).is_of(&place.installation) {
            bucket.abort_upload(&upload).await?;
        }
    }
    Ok(())
}

/// Refuses a store that holds objects; records without an object go.
async fn check_empty(bucket: &Bucket, place: &Place) -> Result<()> {
    let mut records = Vec::new();
    for kind in KINDS {
        let look = |one: Listed| {
            match Key::parse(&one.key) {
                of if !of.is_of(&place.installation) => {}
                Key::Record(_) => records.push(one.key),
                _ => return ControlFlow::Break(one.key),
            }
            ControlFlow::Continue(())
        };
        if let Some(left) = bucket.walk(&prefix(kind), "", look).await? {
            return Err(PluginError::in_use(format!(
                "objects of ours are still in {}, one of them {left:?}; delete or migrate them first",
                place.url()
            )));
        }
    }
    for record in records {
        bucket.delete(&record).await?;
    }
    Ok(())
}

fn check_role(role: DataStoreRole) -> Result<()> {
    if role == DataStoreRole::Image {
        return Ok(());
    }
    Err(PluginError::invalid_argument(format!(
        "role {role}: this provider serves image stores; a bucket needs no cache before it"
    )))
}

fn check_scope(scope: &Scope) -> Result<()> {
    if scope.scope_type == ScopeType::Region {
        return Ok(());
    }
    Err(PluginError::invalid_config(format!(
        "scope {}: a bucket serves all zones of the region; leave the zone out",
        scope.scope_type
    )))
}

/// The details say it all; a URL may say the same.
fn check_url(url: &str, place: &Place) -> Result<()> {
    let (endpoint, url) = (place.connection.endpoint.to_string(), url.trim_end_matches('/'));
    if url.is_empty() || url == place.url() || url == endpoint {
        return Ok(());
    }
    let shown = url.rsplit('@').next().unwrap_or_default();
    Err(PluginError::invalid_config(format!(
        "url {shown:?} is neither the endpoint {endpoint} nor {}; leave it out, the details say \
         where the bucket is",
        place.url()
    )))
}
