//! Which uploads are under way, for servers that do not list them: the host keeps it with the
//! object.
//!
//! Where a server lists its uploads that is the truth, and nothing is kept.

use crate::layout::Name;
use crate::s3::Unfinished;
use crate::stores::{Opened, Stores};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{
    DetailKey, DetailOwner, ListDetailsRequest, PluginResult as Result, SetDetailRequest,
};

/// Keeps an upload that has just begun.
pub(crate) async fn keep(
    stores: &Stores,
    opened: &Opened,
    name: &Name,
    upload: &Unfinished,
) -> Result<()> {
    match keeper(stores, opened) {
        Some(host) => {
            let at = key(opened, name, &upload.id);
            host.set_detail(SetDetailRequest::new(at, Secret::new(upload.key.as_str()))).await
        }
        None => Ok(()),
    }
}

/// The uploads that were kept of an object.
pub(crate) async fn kept(stores: &Stores, opened: &Opened, name: &Name) -> Result<Vec<Unfinished>> {
    let Some(host) = keeper(stores, opened) else {
        return Ok(Vec::new());
    };
    let all = host.list_details(ListDetailsRequest::new(owner(name), name.name.uuid)).await?;
    let prefix = prefix(opened);
    let ids = all.iter().filter_map(|(name, key)| {
        Some(Unfinished { key: key.to_owned(), id: name.strip_prefix(&prefix)?.to_owned() })
    });
    Ok(ids.collect())
}

/// Forgets an upload that has ended.
pub(crate) async fn forget(
    stores: &Stores,
    opened: &Opened,
    name: &Name,
    upload: &Unfinished,
) -> Result<()> {
    match keeper(stores, opened) {
        Some(host) => host.remove_detail(key(opened, name, &upload.id)).await,
        None => Ok(()),
    }
}

/// The host, where the server leaves it to us.
fn keeper<'a>(stores: &'a Stores, opened: &Opened) -> Option<&'a Arc<dyn HostServices>> {
    stores.host().filter(|_| !opened.features.lists_uploads)
}

fn key(opened: &Opened, name: &Name, id: &str) -> DetailKey {
    DetailKey::new(owner(name), name.name.uuid, format!("{}{id}", prefix(opened)))
}

fn prefix(opened: &Opened) -> String {
    format!("upload.{}.", opened.place.store.simple())
}

const fn owner(name: &Name) -> DetailOwner {
    match name.folder.kind {
        DataObjectType::Template => DetailOwner::Template,
        DataObjectType::Snapshot => DetailOwner::Snapshot,
        _ => DetailOwner::Volume,
    }
}
