//! Where a store lies and how it is used: what the operator entered, checked.
//!
//! What it is not: a look at the directory. Nothing here touches a file.

use crate::address::{Address, Export};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::files::Site;
use storage_plugin_api::prelude::*;

/// An image store, or an image cache.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde", deny_unknown_fields)]
#[schemars(crate = "storage_plugin_api::schemars")]
pub(crate) struct StoreFields {
    /// Where the export of the URL is mounted on this machine: an absolute path. It may be left out
    /// where the plugin's setting "mounts" says it, and for file:///directory, which says it itself.
    #[schemars(title = "Mounted at", example = "/mnt/secondary", extend("x-order" = 1))]
    pub(crate) mount_path: Option<PathBuf>,
    /// The version of NFS that hypervisor hosts are to mount the export with.
    #[schemars(title = "NFS version", extend("x-order" = 2))]
    pub(crate) nfsversion: Option<NfsVersion>,
    /// How many bytes all templates, volumes and snapshots may take here. Without it the file
    /// system is the limit.
    #[schemars(title = "Capacity in bytes", extend("x-order" = 3))]
    pub(crate) capacity_bytes: Option<u64>,
}

/// The versions of NFS that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde")]
#[schemars(crate = "storage_plugin_api::schemars", inline)]
pub(crate) enum NfsVersion {
    #[serde(rename = "3")]
    V3,
    #[serde(rename = "4")]
    V4,
    #[serde(rename = "4.0")]
    V4_0,
    #[serde(rename = "4.1")]
    V4_1,
    #[serde(rename = "4.2")]
    V4_2,
}

impl NfsVersion {
    /// As a mount option and the API spell it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V3 => "3",
            Self::V4 => "4",
            Self::V4_0 => "4.0",
            Self::V4_1 => "4.1",
            Self::V4_2 => "4.2",
        }
    }
}

/// What the plugin is told for all its stores.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde", deny_unknown_fields)]
#[schemars(crate = "storage_plugin_api::schemars")]
pub(crate) struct NfsSettings {
    /// Where exports are mounted on this machine: the URL of each, and its directory. A store below
    /// an export lies below its directory.
    #[serde(default)]
    #[schemars(title = "Mounts", extend("x-order" = 1))]
    pub(crate) mounts: BTreeMap<String, PathBuf>,
}

/// Where exports are mounted, as the plugin's settings say.
#[derive(Debug, Default)]
pub(crate) struct Mounts(Vec<(Export, PathBuf)>);

impl Mounts {
    /// Checks the settings.
    ///
    /// # Errors
    /// `InvalidConfig` naming the entry.
    pub(crate) fn of(settings: &NfsSettings) -> Result<Self> {
        let mut mounts = Vec::new();
        for (url, path) in &settings.mounts {
            let Address::Export(export) = Address::of(url).map_err(|error| {
                PluginError::invalid_config(format!("mounts: {}", error.message()))
            })?
            else {
                let why = format!("mounts: {url:?} is no export; write \"nfs://host/path\"");
                return Err(PluginError::invalid_config(why));
            };
            if !path.is_absolute() {
                let why = format!(
                    "mounts: {path:?}, where {url} is mounted, is not absolute; write it from the \
                     root, /…"
                );
                return Err(PluginError::invalid_config(why));
            }
            if mounts.iter().any(|(known, _)| *known == export) {
                let why = format!("mounts: {url} is named twice; leave one of them out");
                return Err(PluginError::invalid_config(why));
            }
            mounts.push((export, path.clone()));
        }
        Ok(Self(mounts))
    }

    /// Where an export is mounted, or one that it lies below; the nearest one counts.
    fn find(&self, export: &Export) -> Option<PathBuf> {
        let fits = self.0.iter().filter_map(|(known, at)| Some((export.below(known)?, at)));
        let (below, at) = fits.min_by_key(|(below, _)| below.as_os_str().len())?;
        // `join` of nothing would end the path with a slash.
        Some(if below.as_os_str().is_empty() { at.clone() } else { at.join(below) })
    }
}

/// A store as a call sees it: where it lies, whose it is, how it is used.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) site: Site,
    pub(crate) address: Address,
    pub(crate) role: DataStoreRole,
    pub(crate) nfs_version: Option<NfsVersion>,
    pub(crate) limit: Option<u64>,
    /// The directory follows from the plugin's settings alone.
    pub(crate) is_of_settings: bool,
}

impl Deref for Place {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Place {
    /// The place of a store.
    ///
    /// # Errors
    /// `InvalidConfig` naming the field.
    pub(crate) fn of(mounts: &Mounts, store: &DataStore) -> Result<Self> {
        let fields: StoreFields = store.details.parse()?;
        let address = Address::of(&store.url)?;
        let (path, is_of_settings) = path(mounts, &address, fields.mount_path.as_deref())?;
        Ok(Self {
            site: Site::of(store, path)?,
            address,
            role: store.role,
            nfs_version: fields.nfsversion,
            limit: fields.capacity_bytes,
            is_of_settings,
        })
    }

    /// The store as it is described to whoever moves bytes.
    pub(crate) fn to(&self) -> NfsTo {
        let mut to = NfsTo::new(self.store, self.address.to_string(), self.role);
        to.nfs_version = self.nfs_version.map(|version| version.as_str().to_owned());
        to
    }
}

/// The directory, and whether the settings alone say it.
fn path(mounts: &Mounts, address: &Address, detail: Option<&Path>) -> Result<(PathBuf, bool)> {
    if let Some(detail) = detail.filter(|detail| !detail.is_absolute()) {
        let why = format!("mount_path {detail:?} is not absolute; write it from the root, /…");
        return Err(PluginError::invalid_config(why));
    }
    match (address, detail) {
        (Address::Directory(path), Some(detail)) if detail != path => {
            Err(PluginError::invalid_config(format!(
                "mount_path {detail:?} is not the directory of the URL, {path:?}; leave it out"
            )))
        }
        (Address::Directory(path), _) => Ok((path.clone(), false)),
        (Address::Export(_), Some(detail)) => Ok((detail.to_owned(), false)),
        (Address::Export(export), None) => match mounts.find(export) {
            Some(path) => Ok((path, true)),
            None => Err(PluginError::invalid_config(format!(
                "mount_path: missing; nothing says where {address} is mounted on this machine, and \
                 this plugin mounts nothing: mount it, and enter its directory as mount_path, or \
                 under mounts in the plugin's settings"
            ))),
        },
    }
}

/// The details of a store as they are stored.
pub(crate) fn stored(place: &Place) -> Details {
    let mut details = Details::new();
    // Of a directory the URL says it, and what the settings say may change.
    if matches!(place.address, Address::Export(_)) && !place.is_of_settings {
        details.insert("mount_path", place.path.to_string_lossy());
    }
    if let Some(version) = place.nfs_version {
        details.insert("nfsversion", version.as_str());
    }
    if let Some(limit) = place.limit {
        details.insert("capacity_bytes", limit.to_string());
    }
    details
}
