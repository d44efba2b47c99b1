//! The first storage pool and the first image store of an installation: directories beside the
//! host's own state, so that volumes and templates can be made out of the box.
//!
//! **Invariant:** each is made only where there never was one. An operator who removed it does not
//! get it back, and a start does not wait for it.

use crate::model::{Failure, Zone};
use crate::orchestration::image_store::{AddImageStore, DEFAULT_IMAGE_PROVIDER};
use crate::orchestration::storage_pool::CreateStoragePool;
use crate::orchestration::{Orchestration, RequestContext};
use crate::registry::DataStoreProviderManager;
use crate::store::Filter;
use std::path::Path;
use storage_plugin_api::{DataStoreProviderType, DataStoreRole, Details, Scope};
use uuid::Uuid;

/// Begins to make them, where there was never one and the default provider serves.
///
/// # Errors
/// The store cannot be read. That one itself cannot be made is logged only.
pub(super) async fn begin(
    orchestration: &Orchestration,
    registry: &DataStoreProviderManager,
    data_dir: &Path,
) -> Result<(), Failure> {
    pool(orchestration, registry, data_dir).await?;
    image_store(orchestration, registry, data_dir).await
}

async fn image_store(
    orchestration: &Orchestration,
    registry: &DataStoreProviderManager,
    data_dir: &Path,
) -> Result<(), Failure> {
    let known = registry.providers_of(DataStoreProviderType::Image);
    let is_there = known.iter().any(|one| one == DEFAULT_IMAGE_PROVIDER);
    let ever = Filter { removed: true, ..Filter::default() };
    if !is_there || !orchestration.image_stores.list(&ever).await?.is_empty() {
        return Ok(());
    }
    let Some(zone) = first_zone(orchestration).await? else {
        return Ok(());
    };
    let directory = match make(data_dir, "images") {
        Ok(directory) => directory,
        Err(error) => {
            log::warn!("the first image store is not made in {data_dir:?}: {error}");
            return Ok(());
        }
    };
    let wish = AddImageStore {
        name: Some("secondary".to_owned()),
        url: Some(format!("file://{directory}")),
        provider: Some(DEFAULT_IMAGE_PROVIDER.to_owned()),
        zone: Some(zone),
        role: DataStoreRole::Image,
        details: Details::new(),
        capacity_bytes: None,
        read_only: false,
        weight: None,
    };
    let request = RequestContext::system("first image store");
    match orchestration.image_stores.add(&request, wish).await {
        Ok(begun) => log::info!(
            operation:% = begun.operation;
            "the first image store, \"secondary\", is made in {directory}"
        ),
        Err(failure) => log::warn!("the first image store is not made: {failure}"),
    }
    Ok(())
}

/// The first zone, if it is enabled.
async fn first_zone(orchestration: &Orchestration) -> Result<Option<Uuid>, Failure> {
    let zones = orchestration.zones.list::<Zone>(&Filter::default()).await?;
    Ok(zones.first().filter(|zone| zone.enabled).map(|zone| zone.uuid))
}

async fn pool(
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
    let Some(zone) = first_zone(orchestration).await? else {
        return Ok(());
    };
    let directory = match make(data_dir, "pools/primary") {
        Ok(directory) => directory,
        Err(error) => {
            log::warn!("the first storage pool is not made in {data_dir:?}: {error}");
            return Ok(());
        }
    };
    let wish = CreateStoragePool {
        name: "primary".to_owned(),
        url: format!("file://{directory}"),
        scope: Scope::zone(zone),
        zone,
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

/// The directory above the store's own, which a provider makes; as a part of a URL.
fn make(data_dir: &Path, below: &str) -> std::io::Result<String> {
    let path = std::path::absolute(data_dir)?.join(below);
    std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
    let path = path.to_str().ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::InvalidFilename, "its path is not UTF-8")
    })?;
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#');
    Ok(percent_encoding::utf8_percent_encode(path, KEPT).to_string())
}
