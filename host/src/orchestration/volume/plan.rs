//! What a new volume will be: a wish that was checked, and its record on a pool.
//!
//! What it is not: the flow; that is `create.rs`. Nothing changes here.

use super::create::{CreateVolume, VolumeSource};
use super::pool_of;
use crate::model::{DiskOffering, Failure, Snapshot, StoragePool, Stored, Volume, VolumeState};
use crate::orchestration::allocation::Wanted;
use crate::orchestration::pool_access::PoolAccess;
use crate::orchestration::rooms::Rooms;
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
    pub(super) source_volume: Option<Stored<Volume>>,
    pub(super) instance: Option<Uuid>,
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
        let source_volume = source.and_then(|source| source.volume);
        Ok(Self {
            uuid,
            name: wish.name.unwrap_or_else(|| format!("volume-{uuid}")),
            wanted: Wanted { zone, size_bytes, tags, pool },
            offering,
            source: wish.source,
            source_pool,
            source_format,
            instance: source_volume.as_ref().and_then(|volume| volume.instance),
            source_volume,
        })
    }

    /// Whether the host has to move the bytes: the source is on another pool, or the driver cannot
    /// make a clone.
    async fn by_stream(
        &self,
        rooms: &Rooms,
        call: &CallContext,
        access: &PoolAccess<'_>,
        can_clone: bool,
    ) -> Result<bool, Failure> {
        let Some(source_pool) = self.source_pool else {
            return match self.source {
                // From the template that is cached on the same pool.
                Some(VolumeSource::Template(_)) if !can_clone => {
                    rooms.expect_streams(call, access, access).await?;
                    Ok(true)
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
                    Ok(true)
                }
                _ => Ok(false),
            };
        };
        if can_clone && source_pool == access.pool.uuid {
            return Ok(false);
        }
        if let Some(volume) = &self.source_volume
            && let Some(instance) = rooms.running_instance(volume).await?
        {
            return Err(Failure::in_use(format!(
                "volume {:?} is attached to instance {:?}, which is {}; its bytes can be copied \
                 while it is stopped only, or make a snapshot first",
                volume.name, instance.name, instance.state
            )));
        }
        let from = rooms.access(source_pool).await?;
        rooms.expect_streams(call, &from, access).await?;
        Ok(true)
    }

    /// The record of the volume on a pool, its size as the pool's driver makes it; and whether the
    /// host has to move its bytes.
    pub(super) async fn volume(
        &self,
        rooms: &Rooms,
        pool: &Stored<StoragePool>,
    ) -> Result<(Volume, bool), Failure> {
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
        let format = self.source_format.filter(|_| by_stream).unwrap_or(ImageFormat::Raw);
        if by_stream && !capabilities.takes(format) {
            return Err(Failure::unsupported(format!(
                "provider {:?} of storage pool {:?} does not store {format} bytes, as the source \
                 has them; take a pool whose provider does",
                pool.provider, pool.name
            )));
        }
        let offering = self.offering.as_ref();
        let volume = Volume {
            uuid: self.uuid,
            name: self.name.clone(),
            state: VolumeState::Creating,
            note: None,
            zone: self.wanted.zone,
            pool: Some(pool.uuid),
            disk_offering: offering.map(|offering| offering.uuid),
            snapshot: match self.source {
                Some(VolumeSource::Snapshot(snapshot)) => Some(snapshot),
                _ => None,
            },
            template: match self.source {
                Some(VolumeSource::Template(template)) => Some(template),
                _ => None,
            },
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
        };
        Ok((volume, by_stream))
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
