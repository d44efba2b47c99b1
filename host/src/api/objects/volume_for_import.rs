//! A volume that lies on a pool and belongs to nobody here, as `listVolumesForImport` shows it.

use crate::api::field::response;
use crate::model::{StoragePool, Stored};
use storage_plugin_api::ListedObject;
use uuid::Uuid;

response! {
    pub(in crate::api) struct VolumeForImportResponse {
        "name"        name: String              => "the name of the volume";
        "path"        path: String              => "the path of the volume";
        "fullpath"    full_path: String         => "the full path of the volume";
        "size"        size: Option<u64>         => "the size of the volume, as far as the back end lists it";
        "virtualsize" virtual_size: Option<u64> => "the virtual size of the volume";
        "storageid"   storage_id: Uuid          => "id of the primary storage hosting the volume";
        "storage"     storage: String           => "name of the primary storage hosting the volume";
        "storagetype" storage_type: &'static str => "type of the primary storage hosting the volume";
    }
}

impl VolumeForImportResponse {
    /// An object on a pool.
    pub(in crate::api) fn of(pool: &Stored<StoragePool>, object: &ListedObject) -> Self {
        let name = object.path.rsplit('/').next().unwrap_or(&object.path).to_owned();
        Self {
            name,
            path: object.path.clone(),
            full_path: object.path.clone(),
            size: object.size_bytes,
            virtual_size: object.size_bytes,
            storage_id: pool.uuid,
            storage: pool.name.clone(),
            storage_type: pool.reached_by.as_ref().map_or("Filesystem", |to| to.pool_type.as_str()),
        }
    }
}
