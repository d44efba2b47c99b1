//! What a driver can do, and within which limits.

use super::data_object::ImageFormat;
use serde::{Deserialize, Serialize};

/// What a driver can do on one store (CloudStack's `DataStoreCapabilities`, and what its drivers
/// answer with `can…` and `is…` methods).
///
/// Everything defaults to "no". The host asks again before each decision and never caches the
/// answer for long, so a driver may decide by a setting. The conformance kit builds its list of
/// cases from this record: what is declared is tested, what is not is tested to be refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DataStoreCapabilities {
    /// The formats whose bytes the driver stores as they are. A primary driver must take raw.
    pub formats: Vec<ImageFormat>,
    /// [`resize`](crate::DataStoreDriver::resize) grows a volume.
    pub resize: bool,
    /// [`resize`](crate::DataStoreDriver::resize) shrinks a volume as well.
    pub shrink: bool,
    /// [`open_reader`](crate::DataStoreDriver::open_reader) works.
    pub read: bool,
    /// [`open_writer`](crate::DataStoreDriver::open_writer) works.
    pub write: bool,
    /// A writer's checkpoint tokens survive a restart of the host.
    pub resume_write: bool,
    /// Holes stay holes: written as such they take no space, and readers report them.
    pub sparse: bool,
    /// [`extents`](crate::DataStoreDriver::extents) tells data from holes.
    pub extents: bool,
    /// [`extents`](crate::DataStoreDriver::extents) tells what changed since a snapshot.
    pub changed_extents: bool,
    /// A writer begins with the bytes of another object of the store, where it is told to: what is
    /// written is what differs ([`OpenWriterRequest::base`](crate::OpenWriterRequest)). Of image
    /// stores; a backup then moves what changed since the one before it.
    pub write_over: bool,
    /// [`list_objects`](crate::DataStoreDriver::list_objects) works.
    pub list_objects: bool,
    /// [`describe`](crate::DataStoreDriver::describe) reports space used as stored.
    pub thin_usage: bool,
    /// Snapshots are taken on the storage itself (`STORAGE_SYSTEM_SNAPSHOT`).
    pub storage_system_snapshot: bool,
    /// A snapshot can be taken with the guest quiesced (`VOLUME_SNAPSHOT_QUIESCEVM`).
    pub volume_snapshot_quiesce_vm: bool,
    /// A volume can be made from a snapshot (`CAN_CREATE_VOLUME_FROM_SNAPSHOT`).
    pub can_create_volume_from_snapshot: bool,
    /// A volume can be cloned from a volume or a template (`CAN_CREATE_VOLUME_FROM_VOLUME`).
    pub can_create_volume_from_volume: bool,
    /// A clone takes the same time and space whatever its size.
    pub constant_time_clone: bool,
    /// A volume can be put back in place (`CAN_REVERT_VOLUME_TO_SNAPSHOT`).
    pub can_revert_volume_to_snapshot: bool,
    /// Snapshots can be copied between zones on the storage (`CAN_COPY_SNAPSHOT_BETWEEN_ZONES`).
    pub can_copy_snapshot_between_zones: bool,
    /// The primary copy stays after a backup (`KEEP_SNAPSHOT_ON_PRIMARY_AND_BACKUP`).
    pub keep_snapshot_on_primary_and_backup: bool,
    /// A template can be made from a snapshot (`CAN_CREATE_TEMPLATE_FROM_SNAPSHOT`).
    pub can_create_template_from_snapshot: bool,
    /// A volume with snapshots can be deleted and its snapshots stay usable.
    pub snapshots_outlive_volume: bool,
    /// A host must be granted access before it uses a volume
    /// (`volumesRequireGrantAccessWhenUsed`).
    pub requires_grant_access: bool,
    /// The source host of a migration must be granted access too (`requiresAccessForMigration`).
    pub requires_access_for_migration: bool,
    /// A host can start its storage client on demand (`canHostPrepareStoragePoolAccess`).
    pub can_host_prepare_access: bool,
    /// [`get_storage_stats`](crate::PrimaryDataStoreDriver::get_storage_stats), or
    /// [`get_image_store_stats`](crate::ImageStoreDriver::get_image_store_stats) of an image store,
    /// works (`canProvideStorageStats`).
    pub storage_stats: bool,
    /// [`get_custom_storage_stats`](crate::PrimaryDataStoreDriver::get_custom_storage_stats) works.
    pub custom_storage_stats: bool,
    /// [`get_volume_stats`](crate::PrimaryDataStoreDriver::get_volume_stats) works
    /// (`canProvideVolumeStats`).
    pub volume_stats: bool,
    /// Limits of the offerings are enforced by the storage.
    pub quality_of_service: bool,
    /// [`provide_vm_info`](crate::PrimaryDataStoreDriver::provide_vm_info) is wanted.
    pub vm_info_needed: bool,
    /// [`provide_vm_tags`](crate::PrimaryDataStoreDriver::provide_vm_tags) is wanted for these tag
    /// keys.
    pub vm_tags_needed: Vec<String>,
    /// Host high availability may use this storage for its heartbeat (`isStorageSupportHA`).
    pub supports_ha: bool,
    /// Zone-wide volumes move between clusters without copying
    /// (`zoneWideVolumesAvailableWithoutClusterMotion`).
    pub zone_wide_without_cluster_motion: bool,
    /// Existing back-end volumes can be adopted
    /// ([`validate_volume_for_import`](crate::PrimaryDataStoreDriver::validate_volume_for_import)).
    pub import_volume: bool,
    /// Volumes can be replicated ([`replicate`](crate::PrimaryDataStoreDriver::replicate)).
    pub replication: bool,
    /// Links for download can be made
    /// ([`create_entity_extract_url`](crate::ImageStoreDriver::create_entity_extract_url)).
    pub extract_url: bool,
    /// Multi-disk appliances can be taken apart
    /// ([`get_data_disk_templates`](crate::ImageStoreDriver::get_data_disk_templates)).
    pub data_disk_templates: bool,
    /// Whether pool details may be shown by the list API (`canDisplayDetails`); secrets never are.
    pub can_display_details: bool,
    /// What the storage bears.
    pub limits: DriverLimits,
}

impl DataStoreCapabilities {
    /// Nothing but raw bytes; abilities are added one by one.
    pub fn raw_only() -> Self {
        Self { formats: vec![ImageFormat::Raw], can_display_details: true, ..Self::default() }
    }

    /// Whether bytes of this format are stored as they are.
    pub fn takes(&self, format: ImageFormat) -> bool {
        self.formats.contains(&format)
    }
}

/// The limits of a driver. The host keeps to them; the driver refuses what goes beyond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DriverLimits {
    /// How many calls may be under way at once on one store.
    pub concurrent_calls: u32,
    /// How long the name of a back-end object may be, in bytes.
    pub name_bytes: u32,
    /// The characters a back-end name may hold besides ASCII letters and digits.
    pub name_extra_characters: String,
    /// Sizes are multiples of this many bytes; the host rounds up.
    pub size_granularity_bytes: u64,
    /// The smallest volume.
    pub min_size_bytes: u64,
    /// The largest volume.
    pub max_size_bytes: u64,
    /// How many snapshots one volume may have; `None`: no limit known.
    pub snapshots_per_volume: Option<u32>,
}

impl Default for DriverLimits {
    fn default() -> Self {
        Self {
            concurrent_calls: 16,
            name_bytes: 255,
            name_extra_characters: "-_.".to_owned(),
            size_granularity_bytes: 512,
            min_size_bytes: 512,
            max_size_bytes: 1 << 60,
            snapshots_per_volume: None,
        }
    }
}

impl DriverLimits {
    /// A size rounded up to the granularity, and at least the minimum; `None` above the maximum.
    ///
    /// For the host, which rounds before it asks. A driver refuses what it is asked for outside
    /// its limits.
    pub fn round_up(&self, size_bytes: u64) -> Option<u64> {
        let granularity = self.size_granularity_bytes.max(1);
        let rounded = size_bytes.max(self.min_size_bytes).checked_next_multiple_of(granularity)?;
        (rounded <= self.max_size_bytes).then_some(rounded)
    }
}
