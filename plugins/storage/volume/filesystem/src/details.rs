//! Where a store lies and how it is used: what the operator entered, checked.
//!
//! What it is not: a look at the directory. Nothing here touches a file.

use crate::names::Format;
use crate::pace::Pace;
use percent_encoding::percent_decode_str;
use std::ffi::OsString;
use std::ops::Deref;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use storage_plugin_api::files::Site;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{PluginResult as Result, serde_json};

/// The schemes of a pool's URL: an ordinary file URL, or the name of CloudStack's pool type.
const SCHEMES: [&str; 2] = ["file", "filesystem"];

/// A storage pool in a directory.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde", deny_unknown_fields)]
#[schemars(crate = "storage_plugin_api::schemars")]
pub(crate) struct PoolFields {
    /// An absolute path. It may be left out where the URL says it: file:///srv/pool. A directory
    /// that is not there is made, if its parent is.
    #[schemars(title = "Directory", example = "/srv/pool", extend("x-order" = 1))]
    pub(crate) path: Option<PathBuf>,
    /// How many bytes all volumes, snapshots and templates together may have, counted by their
    /// virtual sizes. Without it the file system is the limit.
    #[schemars(title = "Capacity in bytes", extend("x-order" = 2))]
    pub(crate) capacity_bytes: Option<u64>,
    /// What happens to volumes of a "fat" offering: "off" leaves them sparse, "falloc" sets their
    /// space aside when they are made.
    #[serde(default)]
    #[schemars(title = "Preallocation of fat volumes", extend("x-order" = 3))]
    pub(crate) preallocation: Preallocation,
    /// Whether snapshots and clones share blocks with what they are made of: "auto" shares where
    /// the file system can (XFS, Btrfs) and copies elsewhere, "always" refuses to copy, "never"
    /// always copies.
    #[serde(default)]
    #[schemars(title = "Shared blocks", extend("x-order" = 4))]
    pub(crate) reflink: Reflink,
    /// How fast each copy may be where blocks are not shared, so that it leaves the disk to the
    /// volumes in use. Without it nothing holds a copy up.
    #[schemars(title = "Bytes per second of a copy", range(min = 1_048_576), extend("x-order" = 5))]
    pub(crate) copy_bytes_per_second: Option<u64>,
    /// What new volumes are: "raw" files, or "qcow2" images, which are made of a template in no
    /// time on any file system: what they do not change is read from it. Who attaches a volume has
    /// to know which it is. "auto" is raw where blocks are shared and qcow2 elsewhere; it is settled
    /// when the pool is added.
    #[serde(default)]
    #[schemars(title = "Format of volumes", extend("x-order" = 6))]
    pub(crate) volume_format: VolumeFormat,
}

/// What new volumes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde", rename_all = "lowercase")]
#[schemars(crate = "storage_plugin_api::schemars", inline)]
pub(crate) enum VolumeFormat {
    Auto,
    // A pool of before this detail was known has raw volumes, and consumers that expect those.
    #[default]
    Raw,
    Qcow2,
}

impl VolumeFormat {
    /// The format of new volumes, and why it is that one.
    pub(crate) fn settle(self, shares: impl FnOnce() -> bool) -> (Format, &'static str) {
        match self {
            Self::Raw => (Format::Raw, "the pool's detail volume_format says so, or is left out"),
            Self::Qcow2 => (Format::Qcow2, "the pool's detail volume_format says so"),
            Self::Auto if shares() => (
                Format::Raw,
                "auto: the file system shares blocks, so clones of raw files are quick",
            ),
            Self::Auto => (
                Format::Qcow2,
                "auto: blocks are not shared here, so each clone of a raw file would be a copy",
            ),
        }
    }
}

/// What happens to volumes of a fat offering.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde", rename_all = "lowercase")]
#[schemars(crate = "storage_plugin_api::schemars", inline)]
pub(crate) enum Preallocation {
    #[default]
    Off,
    Falloc,
}

/// Whether clones share blocks with their source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde", rename_all = "lowercase")]
#[schemars(crate = "storage_plugin_api::schemars", inline)]
pub(crate) enum Reflink {
    #[default]
    Auto,
    Always,
    Never,
}

/// A store as a call sees it: where it lies, whose it is, how it is used.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) site: Site,
    pub(crate) preallocation: Preallocation,
    pub(crate) reflink: Reflink,
    pub(crate) pace: Pace,
    pub(crate) volume_format: VolumeFormat,
}

impl Deref for Place {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Place {
    /// The place of a store.
    pub(crate) fn of(store: &DataStore) -> Result<Self> {
        let fields: PoolFields = store.details.parse()?;
        let path = path(fields.path.as_deref(), &store.url)?;
        Ok(Self {
            site: Site::of(store, path)?,
            preallocation: fields.preallocation,
            reflink: fields.reflink,
            pace: Pace::new(fields.copy_bytes_per_second)?,
            volume_format: fields.volume_format,
        })
    }

    /// Whether the space of an object is set aside when it is made.
    pub(crate) fn allocates(&self, object: &DataObject) -> bool {
        let is_fat = matches!(object, DataObject::Volume(volume)
            if volume.provisioning_type == ProvisioningType::Fat);
        is_fat && self.preallocation == Preallocation::Falloc
    }
}

/// The directory, from the details or the URL. Where both say it, they must agree.
fn path(detail: Option<&Path>, url: &str) -> Result<PathBuf> {
    let of_url = if url.is_empty() { None } else { Some(path_of_url(url)?) };
    let path = match (detail, of_url) {
        (None, None) => {
            let why = "path: missing; enter a directory, or the URL file:///srv/pool";
            return Err(PluginError::invalid_config(why));
        }
        (Some(detail), Some(url)) if detail != url => {
            let why = format!("path {detail:?} is not that of the URL, {url:?}; enter one of them");
            return Err(PluginError::invalid_config(why));
        }
        (Some(path), _) => path.to_owned(),
        (None, Some(path)) => path,
    };
    if !path.is_absolute() {
        let why = format!("path {path:?} is not absolute; write it from the root, /…");
        return Err(PluginError::invalid_config(why));
    }
    Ok(path)
}

fn path_of_url(url: &str) -> Result<PathBuf> {
    let wrong = || {
        let why = format!("url {url:?} names no directory of this machine; write file:///srv/pool");
        PluginError::invalid_config(why)
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let known = SCHEMES.iter().any(|one| scheme.eq_ignore_ascii_case(one));
    let (host, path) = rest.split_at(rest.find('/').ok_or_else(wrong)?);
    if !known || !["", "localhost"].contains(&host) {
        return Err(wrong());
    }
    Ok(PathBuf::from(OsString::from_vec(percent_decode_str(path).collect())))
}

/// The URL of a directory, as it is stored with the pool.
pub(crate) fn url(path: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const NOT_IN_A_PATH: &AsciiSet =
        &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`');
    format!("file://{}", utf8_percent_encode(path, NOT_IN_A_PATH))
}

/// The details of a pool as they are stored: nothing is left to the URL, nor to a file system that
/// the directory may be moved to.
pub(crate) fn stored(place: &Place, path: &str, format: Format) -> Details {
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut details = Details::new();
    details.insert("path", path);
    details.insert("preallocation", word(&serde_json::json!(place.preallocation)));
    details.insert("reflink", word(&serde_json::json!(place.reflink)));
    details.insert("volume_format", format.word());
    if let Some(limit) = place.pace.limit() {
        details.insert("copy_bytes_per_second", limit.to_string());
    }
    details
}
