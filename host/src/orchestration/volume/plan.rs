//! What a new volume will be: a wish that was checked, and its record on a pool.
//!
//! What it is not: the flow; that is `create.rs`. Nothing changes here.

use super::create::{CreateVolume, VolumeSource};
use super::pool_of;
use crate::model::{DiskOffering, Failure, Snapshot, StoragePool, Stored, Volume, VolumeState};
use crate::orchestration::allocation::Wanted;
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::rooms::Rooms;
use crate::store::Change;
use storage_plugin_api::{
    CallContext, Details, ImageFormat, ProvisioningType, QualityOfService, VolumeType,
};
use uuid::Uuid;

/// A wish that was checked.
pub(super) struct Plan {
    uuid: Uuid,
    name: String,
    pub(super) wanted: Wanted,
    offering: Option<Stored<DiskOffering>>,
    pub(super) source: Option<VolumeSource>,
    pub(super) source_pool: Option<Uuid>,
    source_format: Option<ImageFormat>,
    source_volume: Option<Stored<Volume>>,
}

/// What comes to be on a pool.
pub(super) struct Planned {
    /// The record, its size as the pool's driver makes it.
    pub(super) volume: Volume,
    /// Where the host has to move the bytes: what is asked, together with the beginning, of where
    /// they come from.
    pub(super) by_stream: Option<Vec<Change>>,
}

impl Plan {
    pub(super) async fn of(rooms: &Rooms, wish: CreateVolume) -> Result<Self, Failure> {
        let uuid = Uuid::new_v4();
        let offering = match wish.disk_offering {
            Some(offering) => Some(rooms.find_disk_offering(offering).await?),
            None => None,
        };
        let source = match wish.source {
            Some(source) => Some(Source::find(rooms, source).await?),
            None => None,
        };
        let zone = match (wish.zone, source.as_ref().and_then(|source| source.zone)) {
            (Some(zone), _) | (None, Some(zone)) => zone,
            (None, None) if source.is_some() => {
                return Err(Failure::invalid("a volume from a template needs a zone (zoneid)"));
            }
            (None, None) => return Err(Failure::invalid("a blank volume needs a zone (zoneid)")),
        };
        let size_bytes = size(
            wish.size_bytes,
            offering.as_deref(),
            source.as_ref().map(|source| source.size_bytes),
        )?;
        let mut tags = wish.tags;
        tags.extend(offering.iter().flat_map(|offering| offering.tags.iter().cloned()));
        let pool = match (&source, wish.pool) {
            // Where its driver can make a clone of it, if that is in the zone.
            (Some(source), None) if source.zone == Some(zone) => source.pool,
            (_, pool) => pool,
        };
        let source_pool = source.as_ref().and_then(|source| source.pool);
        let source_format = source.as_ref().map(|source| source.format);
        Ok(Self {
            uuid,
            name: wish.name.unwrap_or_else(|| format!("volume-{uuid}")),
            wanted: Wanted { zone, size_bytes, tags, pool },
            offering,
            source: wish.source,
            source_pool,
            source_format,
            source_volume: source.and_then(|source| source.volume),
        })
    }

    /// Where the host has to move the bytes, for the source is on another pool, or the driver cannot
    /// make a clone: what is asked of the source together with the beginning.
    async fn by_stream(
        &self,
        rooms: &Rooms,
        call: &CallContext,
        access: &PoolAccess<'_>,
        can_clone: bool,
    ) -> Result<Option<Vec<Change>>, Failure> {
        let Some(source_pool) = self.source_pool else {
            return match self.source {
                // From the template that is cached on the same pool.
                Some(VolumeSource::Template(_)) if !can_clone => {
                    rooms.expect_streams(call, access, access).await?;
                    Ok(Some(Vec::new()))
                }
                // From an image store, for its pool has it no more.
                Some(VolumeSource::Snapshot(uuid)) => {
                    let snapshot = rooms.find_snapshot(uuid).await?;
                    let zone = access.pool.zone;
                    let one = rooms.snapshot_in_store(&snapshot, zone).await?.ok_or_else(|| {
                        Failure::not_found(format!("snapshot {:?} is nowhere", snapshot.name))
                    })?;
                    let from = rooms.store_access(one.store).await?;
                    rooms.expect_streams(call, &from, access).await?;
                    Ok(Some(Vec::new()))
                }
                _ => Ok(None),
            };
        };
        if can_clone && source_pool == access.pool.uuid {
            return Ok(None);
        }
        let changes = match &self.source_volume {
            Some(volume) => {
                let way_out = "its bytes can be copied while it is stopped only, or make a \
                               snapshot first";
                rooms.at_rest(volume, way_out).await?
            }
            None => Vec::new(),
        };
        let from = rooms.access(source_pool).await?;
        rooms.expect_streams(call, &from, access).await?;
        Ok(Some(changes))
    }

    /// What comes to be on a pool.
    ///
    /// # Errors
    /// Why the pool does not take it.
    pub(super) async fn on(
        &self,
        rooms: &Rooms,
        pool: &Stored<StoragePool>,
    ) -> Result<Planned, Failure> {
        let access = rooms.access(pool.uuid).await?;
        let call = CallContext::new(self.uuid);
        let capabilities = access.capabilities(&call).await?;
        let limits = &capabilities.limits;
        let size_bytes = limits.round_up(self.wanted.size_bytes).ok_or_else(|| {
            Failure::invalid(format!(
                "a volume of {} bytes is larger than storage pool {:?} makes: at most {}; ask for \
                 less, or take another pool",
                self.wanted.size_bytes, pool.name, limits.max_size_bytes
            ))
        })?;
        let can_clone = match self.source {
            None => true,
            Some(VolumeSource::Snapshot(_)) => capabilities.can_create_volume_from_snapshot,
            Some(VolumeSource::Volume(_) | VolumeSource::Template(_)) => {
                capabilities.can_create_volume_from_volume
            }
        };
        let by_stream = self.by_stream(rooms, &call, &access, can_clone).await?;
        // Bytes that are moved stay as they are.
        let format = self.source_format.filter(|_| by_stream.is_some()).unwrap_or(ImageFormat::Raw);
        if by_stream.is_some() && !capabilities.takes(format) {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} does not store {format} bytes, as the source \
                 has them; take a pool whose provider does",
                pool.provider, pool.name
            )));
        }
        Ok(Planned { volume: self.record(pool.uuid, size_bytes, format), by_stream })
    }

    fn record(&self, pool: Uuid, size_bytes: u64, format: ImageFormat) -> Volume {
        let offering = self.offering.as_ref();
        let (snapshot, template) = match self.source {
            Some(VolumeSource::Snapshot(uuid)) => (Some(uuid), None),
            Some(VolumeSource::Template(uuid)) => (None, Some(uuid)),
            Some(VolumeSource::Volume(_)) | None => (None, None),
        };
        Volume {
            uuid: self.uuid,
            name: self.name.clone(),
            state: VolumeState::Creating,
            note: None,
            zone: self.wanted.zone,
            pool: Some(pool),
            disk_offering: offering.map(|offering| offering.uuid),
            snapshot,
            template,
            size_bytes,
            physical_size_bytes: None,
            path: String::new(),
            details: Details::new(),
            volume_type: VolumeType::DataDisk,
            format,
            provisioning_type: offering
                .map_or(ProvisioningType::Thin, |offering| offering.provisioning_type),
            quality_of_service: offering
                .map_or_else(QualityOfService::default, |offering| offering.quality_of_service),
            instance: None,
            device_id: None,
            destroyed_us: None,
            released: false,
            checkpoint: None,
        }
    }
}

/// The size that wish, offering and source agree on.
pub(super) fn size(
    wished: Option<u64>,
    offering: Option<&DiskOffering>,
    of_source: Option<u64>,
) -> Result<u64, Failure> {
    let size = match (offering.and_then(|offering| offering.size_bytes), wished, of_source) {
        (Some(fixed), Some(wished), _) if fixed != wished => {
            return Err(Failure::invalid(format!(
                "the disk offering has a size of its own, {fixed} bytes; leave size away, or take \
                 an offering without one"
            )));
        }
        (Some(fixed), _, _) => fixed,
        (None, Some(wished), _) => wished,
        (None, None, Some(of_source)) => of_source,
        (None, None, None) => {
            return Err(Failure::invalid(
                "a blank volume needs a size, or a disk offering that has one",
            ));
        }
    };
    if size == 0 {
        return Err(Failure::invalid("a volume needs a size of more than 0 bytes"));
    }
    match of_source {
        Some(of_source) if size < of_source => Err(Failure::invalid(format!(
            "the source has {of_source} bytes, which do not fit into {size}; ask for at least as many"
        ))),
        _ => Ok(size),
    }
}

/// What the source of a volume says of it.
struct Source {
    /// The zone it is in; `None` of a template, which may be in many.
    zone: Option<Uuid>,
    /// The pool it is on; `None` of a template, which is brought to any.
    pool: Option<Uuid>,
    size_bytes: u64,
    format: ImageFormat,
    /// The source itself, where it is a volume.
    volume: Option<Stored<Volume>>,
}

impl Source {
    async fn find(rooms: &Rooms, source: VolumeSource) -> Result<Self, Failure> {
        match source {
            VolumeSource::Snapshot(uuid) => {
                let snapshot = rooms.find_snapshot(uuid).await?;
                Ok(Self {
                    zone: Some(snapshot.volume.zone),
                    pool: snapshot.on_primary.then_some(snapshot.pool),
                    size_bytes: snapshot.volume.size_bytes,
                    format: snapshot.volume.format,
                    volume: None,
                })
            }
            VolumeSource::Volume(uuid) => {
                let volume = rooms.find_volume(uuid).await?;
                let pool = pool_of(&volume)?;
                Ok(Self {
                    zone: Some(volume.zone),
                    pool: Some(pool),
                    size_bytes: volume.size_bytes,
                    format: volume.format,
                    volume: Some(volume),
                })
            }
            VolumeSource::Template(uuid) => {
                let template = rooms.find_template(uuid).await?;
                // Refused now rather than when its bytes are asked for.
                rooms.template_source(&template, Uuid::nil()).await?;
                Ok(Self {
                    zone: None,
                    pool: None,
                    size_bytes: template.size_bytes,
                    format: ImageFormat::Raw,
                    volume: None,
                })
            }
        }
    }
}

impl Rooms {
    pub(super) async fn find_disk_offering(
        &self,
        uuid: Uuid,
    ) -> Result<Stored<DiskOffering>, Failure> {
        let found = self.repository.find::<DiskOffering>(uuid).await?;
        let offering =
            found.ok_or_else(|| Failure::not_found(format!("there is no disk offering {uuid}")))?;
        if offering.active {
            Ok(offering)
        } else {
            Err(Failure::invalid(format!("disk offering {:?} is not active", offering.name)))
        }
    }

    /// A snapshot that was not removed.
    pub(in crate::orchestration) async fn find_snapshot(
        &self,
        uuid: Uuid,
    ) -> Result<Stored<Snapshot>, Failure> {
        let found = self.repository.find::<Snapshot>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no snapshot {uuid}")))
    }
}
