//! The `[storage]` table: what an operator decides about pools and volumes.
//!
//! **Invariant:** [`StorageSection::default`] is the one place of the defaults; the shipped
//! `plugins.toml` repeats them for people, and a test holds the two together.

use std::time::Duration;

use serde_json::Value;

use super::keys::{Key, Section, key};
use super::{host, plugin, values};

/// What an operator decides about storage.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageSection {
    /// A pool takes no new volumes when more than this part of its space is used. Default 0.95.
    pub used_threshold: f64,
    /// A pool takes no new volumes when more than this part of what it may promise is promised.
    /// Default 0.85.
    pub promised_threshold: f64,
    /// An image store takes nothing new when more than this part of its space is used. Default 0.9.
    pub image_store_threshold: f64,
    /// An image cache gives up what was used longest ago when more than this part of its space is
    /// used. Default 0.9.
    pub image_cache_high_watermark: f64,
    /// It goes on with that until no more than this part is used. Default 0.7.
    pub image_cache_low_watermark: f64,
    /// How long an image cache keeps what nobody uses. Default 30 days.
    pub image_cache_max_age: Duration,
    /// How many times the space of a pool may be promised. Default 2.
    pub overprovision_factor: f64,
    /// How long a destroyed volume can be recovered. Default a day.
    pub expunge_delay: Duration,
    /// How often destroyed volumes are looked for whose time has come. Default a day.
    pub expunge_interval: Duration,
    /// The provider of a pool that names none. Default `Filesystem`.
    pub default_primary_provider: String,
    /// The private networks, addresses and hosts that templates may be downloaded from. Default
    /// none.
    pub download_allow: Vec<String>,
    /// The directories that `file:` URLs of templates may lie in. Default none.
    pub download_directories: Vec<String>,
    /// The proxy of downloads, `http://host:port`. Default none. A name that this host cannot
    /// resolve is refused behind it, unless `download_allow` has the name.
    pub download_proxy: String,
    /// The most bytes of a download or an upload. Default 50 GiB.
    pub max_image_bytes: u64,
    /// The most bytes of a disk in an image. Default 2 TiB.
    pub max_virtual_bytes: u64,
}

/// The keys of `[storage]`. Each has a twin in the environment, as those of `[host]` have.
pub(super) const SECTION: Section<StorageSection> = Section {
    keys: KEYS,
    nested: &[],
    elsewhere: |name| {
        let host = host::SECTION.knows(name).then_some("[host]");
        host.or_else(|| plugin::SECTION.knows(name).then_some("[[plugin]]"))
    },
};

const KEYS: &[Key<StorageSection>] = &[
    key!(used_threshold: values::part),
    key!(promised_threshold: values::part),
    key!(image_store_threshold: values::part),
    key!(image_cache_high_watermark: values::part),
    key!(image_cache_low_watermark: values::part),
    key!(image_cache_max_age: values::delay),
    key!(overprovision_factor: values::factor),
    key!(expunge_delay: values::delay),
    key!(expunge_interval: values::timeout),
    key!(default_primary_provider: values::provider_name),
    key!(download_allow: values::sources),
    key!(download_directories: values::directories),
    key!(download_proxy: values::proxy),
    key!(max_image_bytes: values::bytes),
    key!(max_virtual_bytes: values::bytes),
];

impl Default for StorageSection {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            used_threshold: 0.95,
            promised_threshold: 0.85,
            image_store_threshold: 0.9,
            image_cache_high_watermark: 0.9,
            image_cache_low_watermark: 0.7,
            image_cache_max_age: 30 * DAY,
            overprovision_factor: 2.0,
            expunge_delay: DAY,
            expunge_interval: DAY,
            default_primary_provider: "Filesystem".to_owned(),
            download_allow: Vec::new(),
            download_directories: Vec::new(),
            download_proxy: String::new(),
            max_image_bytes: 50 << 30,
            max_virtual_bytes: 2 << 40,
        }
    }
}

impl StorageSection {
    /// Returns the effective values under their keys.
    pub(super) fn to_json(&self) -> Value {
        Value::Object(SECTION.show(self))
    }
}
