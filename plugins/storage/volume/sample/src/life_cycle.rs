//! The life of a store: validated, attached, in maintenance, removed.

use crate::PoolFields;
use crate::place::directory;
use std::os::unix::fs::MetadataExt;
use storage_plugin_api::files::blocking;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result, StoreContext as Pool};

/// The scheme of the stores of this plugin, by which the strategy in `snapshots.rs` knows them.
pub(crate) const SCHEME: &str = concat!(env!("CARGO_PKG_NAME"), ":");

/// The life cycle.
pub(crate) struct SampleLifeCycle;

#[async_trait]
impl DataStoreLifeCycle for SampleLifeCycle {
    // Checks what the operator entered against the real back end, and leaves nothing there. The
    // host checked the fields against the schema; only we can see whether the directory is there.
    // The host writes its row from what is returned.
    async fn initialize(&self, _: &Call, request: InitializeRequest) -> Result<InitializedStore> {
        let PoolFields { path } = request.details.parse()?;
        blocking(move || {
            if !path.is_absolute() {
                let why = format!("path {path:?} is not absolute; write it from the root, /…");
                return Err(PluginError::invalid_config(why));
            }
            let found = std::fs::metadata(&path)
                .map_err(|error| PluginError::from_io(format!("path {path:?}"), &error))?;
            if !found.is_dir() {
                let why = format!("path {path:?} is not a directory");
                return Err(PluginError::invalid_config(why));
            }
            let mut store = InitializedStore::new();
            store.url = Some(format!("{SCHEME}{}", path.display()));
            // The same directory under another name is still the same: it is added only once.
            store.back_end_identity = Some(format!("{}:{}", found.dev(), found.ino()));
            Ok(store)
        })
        .await
    }

    // One of `attach_host`, `attach_cluster` and `attach_zone` for each scope that the provider
    // supports. An array would map itself to hosts here. `true` says that we had a part in it; the
    // defaults answer `false`, "does not apply", and the host goes on: so do those of the other
    // two, of `maintain` and of `cancel_maintain`, for which there is nothing to do here.
    async fn attach_zone(&self, _: &Call, _: &Pool, _: AttachZoneRequest) -> Result<bool> {
        Ok(true)
    }

    // Removes what is ours and empty; the operator's directory stays.
    async fn delete_data_store(&self, _: &Call, store: &Pool) -> Result<bool> {
        let directory = directory(store)?;
        blocking(move || Ok(std::fs::remove_dir(directory).is_ok())).await
    }
}

// Limits, enabling and disabling are the host's own affair: the defaults agree to everything.
impl PrimaryDataStoreLifeCycle for SampleLifeCycle {}
