//! The first storage pool of an installation: a directory beside the host's own state, so that
//! volumes can be made out of the box.
//!
//! **Invariant:** it is made only where there never was a pool. An operator who removed it does
//! not get it back, and a start does not wait for it.

use crate::model::{Failure, Zone};
use crate::orchestration::storage_pool::CreateStoragePool;
use crate::orchestration::{Orchestration, RequestContext};
use crate::registry::DataStoreProviderManager;
use crate::store::Filter;
use std::path::Path;
use storage_plugin_api::{DataStoreProviderType, Details, Scope};

/// Begins to make it, where there was never a pool and the default provider serves.
///
/// # Errors
/// The store cannot be read. That the pool itself cannot be made is logged only.
pub(super) async fn begin(
    orchestration: &Orchestration,
    registry: &DataStoreProviderManager,
    data_dir: &Path,
) -> Result<(), Failure> {
    let provider = orchestration.rooms().policy.default_primary_provider.clone();
    let is_there = registry.providers_of(DataStoreProviderType::Primary).contains(&provider);
    let ever = Filter { removed: true, ..Filter::default() };
    if !is_there || !orchestration.storage_pools.list(&ever).await?.is_empty() {
        return Ok(());
    }
    let zones = orchestration.zones.list::<Zone>(&Filter::default()).await?;
    let Some(zone) = zones.first().filter(|zone| zone.enabled) else {
        return Ok(());
    };
    let directory = match make(data_dir) {
        Ok(directory) => directory,
        Err(error) => {
            log::warn!("the first storage pool is not made in {data_dir:?}: {error}");
            return Ok(());
        }
    };
    let wish = CreateStoragePool {
        name: "primary".to_owned(),
        url: format!("file://{directory}"),
        scope: Scope::zone(zone.uuid),
        zone: zone.uuid,
        hypervisor: None,
        provider: Some(provider),
        details: Details::new(),
        tags: Vec::new(),
        capacity_bytes: None,
        capacity_iops: None,
    };
    let request = RequestContext::system("first pool");
    match orchestration.storage_pools.create(&request, wish).await {
        Ok(begun) => log::info!(
            operation:% = begun.operation;
            "the first storage pool, \"primary\", is made in {directory}"
        ),
        Err(failure) => log::warn!("the first storage pool is not made: {failure}"),
    }
    Ok(())
}

/// The directory above the pool's own, which a provider makes; as a part of a URL.
fn make(data_dir: &Path) -> std::io::Result<String> {
    let pools = std::path::absolute(data_dir)?.join("pools");
    std::fs::create_dir_all(&pools)?;
    let path = pools.join("primary");
    let path = path.to_str().ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::InvalidFilename, "its path is not UTF-8")
    })?;
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#');
    Ok(percent_encoding::utf8_percent_encode(path, KEPT).to_string())
}
