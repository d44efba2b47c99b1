//! Where the objects of a store lie: `<path>/<installation id>/<uuid>.volume` and `….snapshot`.

use crate::PoolFields;
use std::path::PathBuf;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{PluginResult as Result, StoreContext as Pool};

/// The directory of one installation in one store.
pub(crate) fn directory(store: &Pool) -> Result<PathBuf> {
    let PoolFields { path } = store.details.parse()?;
    let name = &store.installation_id;
    if name.is_empty() || !name.chars().all(|one| one.is_ascii_alphanumeric() || one == '-') {
        let why = format!("installation id {name:?} is not of letters, digits and hyphens");
        return Err(PluginError::invalid_argument(why));
    }
    Ok(path.join(name))
}

/// The file of an object, whether it is there or not. Its name comes from the object's id, never
/// from a path that a caller gives: nothing leads out of the directory.
pub(crate) fn file(store: &Pool, object: &DataObject) -> Result<PathBuf> {
    let kind = match object.object_type() {
        DataObjectType::Volume => "volume",
        DataObjectType::Snapshot => "snapshot",
        other => return Err(PluginError::unsupported(format!("this storage holds no {other}"))),
    };
    Ok(directory(store)?.join(format!("{}.{kind}", object.uuid())))
}

/// An object by its file; nothing for files that are none, as those that are not finished.
pub(crate) fn listed(file: PathBuf, installation: &str) -> Option<ListedObject> {
    let mut object = ListedObject::new(file.to_string_lossy());
    object.object_type = match file.extension()?.to_str()? {
        "volume" => Some(DataObjectType::Volume),
        "snapshot" => Some(DataObjectType::Snapshot),
        _ => return None,
    };
    object.uuid = Some(Uuid::parse_str(file.file_stem()?.to_str()?).ok()?);
    object.size_bytes = file.metadata().ok().map(|found| found.len());
    object.installation_id = Some(installation.to_owned());
    Some(object)
}
