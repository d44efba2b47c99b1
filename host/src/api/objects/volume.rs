//! A volume, as `listVolumes` shows it.

use super::{Names, Shown};
use crate::api::error::ApiError;
use crate::api::field::response;
use crate::api::timestamp::format_us;
use crate::model::{ADMIN, DiskOffering, Instance, ROOT_DOMAIN, StoragePool, Stored, Volume, Zone};
use std::collections::BTreeMap;
use uuid::Uuid;

response! {
    pub(in crate::api) struct VolumeResponse {
        "id"               id: Uuid                   => "ID of the disk volume";
        "name"             name: String               => "name of the disk volume";
        "state"            state: &'static str        => "the state of the disk volume";
        "type"             kind: &'static str         => "type of the disk volume (ROOT or DATADISK)";
        "size"             size: u64                  => "size of the disk volume in bytes";
        "virtualsize"      virtual_size: u64          => "the bytes allocated";
        "physicalsize"     physical_size: Option<u64> => "the bytes actually consumed on disk";
        "provisioningtype" provisioning_type: &'static str => "provisioning type used to create volumes";
        "created"          created: String            => "the date the disk volume was created";
        "destroyed"        destroyed: bool            => "the boolean state of whether the volume is destroyed or not";
        "account"          account: &'static str      => "the account associated with the disk volume";
        "domain"           domain: &'static str       => "the domain associated with the disk volume";
        "zoneid"           zone_id: Uuid              => "ID of the availability zone";
        "zonename"         zone_name: Option<String>  => "name of the availability zone";
        "storageid"        storage_id: Option<Uuid>   => "id of the primary storage hosting the disk volume";
        "storage"          storage: Option<String>    => "name of the primary storage hosting the disk volume";
        "storagetype"      storage_type: &'static str => "shared or local storage";
        "path"             path: Option<String>       => "the path of the volume";
        "diskofferingid"   disk_offering_id: Option<Uuid> => "ID of the disk offering";
        "diskofferingname" disk_offering_name: Option<String> => "name of the disk offering";
        "diskofferingdisplaytext" disk_offering_text: Option<String> => "the display text of the disk offering";
        "miniops"          min_iops: Option<u64>      => "min iops of the disk volume";
        "maxiops"          max_iops: Option<u64>      => "max iops of the disk volume";
        "snapshotid"       snapshot_id: Option<Uuid>  => "ID of the snapshot from which this volume was created";
        "virtualmachineid" instance_id: Option<Uuid>  => "id of the virtual machine";
        "vmname"           instance_name: Option<String> => "name of the virtual machine";
        "vmdisplayname"    instance_display_name: Option<String> => "display name of the virtual machine";
        "vmstate"          instance_state: Option<&'static str> => "state of the virtual machine";
        "deviceid"         device_id: Option<u32>     => "the ID of the device on user vm the volume is attached to";
        "connection"       connection: Option<BTreeMap<String, String>> => "how the host of the virtual machine reaches the volume: in the answer of attachVolume only (an extension of this host)";
        "displayvolume"    display_volume: bool       => "an optional field whether to the display the volume to the end user or not";
        "isextractable"    is_extractable: bool       => "true if the volume is extractable, false otherwise";
        "note"             note: Option<String>       => "why the volume is in its state (an extension of this host)";
    }
}

impl Shown for Volume {
    const OBJECT_NAME: &'static str = "volume";
    type Response = VolumeResponse;

    async fn show(names: &mut Names, volume: &Stored<Self>) -> Result<VolumeResponse, ApiError> {
        let zone = names.find::<Zone>(Some(volume.zone)).await?;
        let pool = names.find::<StoragePool>(volume.pool).await?;
        let offering = names.find::<DiskOffering>(volume.disk_offering).await?;
        let instance = names.find::<Instance>(volume.instance).await?;
        let is_local = pool.as_ref().is_some_and(|pool| pool.scope.host_id.is_some());
        Ok(VolumeResponse {
            id: volume.uuid,
            name: volume.name.clone(),
            state: volume.state.as_str(),
            kind: volume.volume_type.as_str(),
            size: volume.size_bytes,
            virtual_size: volume.size_bytes,
            physical_size: volume.physical_size_bytes,
            provisioning_type: volume.provisioning_type.as_str(),
            created: format_us(volume.created_us),
            destroyed: volume.destroyed_us.is_some(),
            account: ADMIN,
            domain: ROOT_DOMAIN,
            zone_id: volume.zone,
            zone_name: zone.map(|zone| zone.name.clone()),
            storage_id: volume.pool,
            storage: pool.map(|pool| pool.name.clone()),
            storage_type: if is_local { "local" } else { "shared" },
            path: Some(volume.path.clone()).filter(|path| !path.is_empty()),
            disk_offering_id: volume.disk_offering,
            disk_offering_name: offering.as_ref().map(|one| one.name.clone()),
            disk_offering_text: offering.map(|one| one.display_text.clone()),
            min_iops: volume.quality_of_service.min_iops,
            max_iops: volume.quality_of_service.max_iops,
            snapshot_id: volume.snapshot,
            instance_id: volume.instance,
            instance_name: instance.as_ref().map(|one| one.name.clone()),
            instance_display_name: instance.as_ref().map(|one| one.name.clone()),
            instance_state: instance.map(|one| one.state.as_str()),
            device_id: volume.device_id,
            // Never here: it may hold secrets, and this is what lists show.
            connection: None,
            display_volume: true,
            is_extractable: true,
            note: volume.note.clone(),
        })
    }
}
