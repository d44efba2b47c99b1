//! `createVolume`: a blank volume, or one from a snapshot.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::model::{DiskOffering, Snapshot, StoragePool, Template, Volume, Zone};
use crate::orchestration::volume::{CreateVolume, VolumeSource};

pub(super) const COMMAND: Command = Command {
    name: "createVolume",
    description: "Creates a disk volume from a disk offering, a snapshot or another volume. Its \
                  bytes are there when the job is done.",
    since: None,
    is_async: true,
    begins: true,
    params: Params::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "name"           name: Option<String>      => "the name of the disk volume";
        "zoneid"         zone: Option<Id>          => "the ID of the availability zone";
        "diskofferingid" disk_offering: Option<Id> => "the ID of the disk offering";
        "size"           size: Option<i64>         => "the size of the volume in GiB";
        "sizebytes"      size_bytes: Option<i64>
            => "the size of the volume in bytes, instead of size (an extension of this host)";
        "snapshotid"     snapshot: Option<Id>      => "the snapshot ID for the disk volume";
        "sourcevolumeid" source_volume: Option<Id>
            => "the volume that it is to be a clone of (an extension of this host)";
        "templateid"     template: Option<Id>
            => "the template that its bytes are to be (an extension of this host)";
        "storageid"      storage: Option<Id>       => "the storage pool to create the volume on";
    }
}

async fn run(call: Call, params: Params) -> Result<Reply, ApiError> {
    let snapshot = call.uuid_of::<Snapshot>("snapshotid", params.snapshot).await?;
    let volume = call.uuid_of::<Volume>("sourcevolumeid", params.source_volume).await?;
    let template = call.uuid_of::<Template>("templateid", params.template).await?;
    let source = match (snapshot, volume, template) {
        (None, None, None) => None,
        (Some(snapshot), None, None) => Some(VolumeSource::Snapshot(snapshot)),
        (None, Some(volume), None) => Some(VolumeSource::Volume(volume)),
        (None, None, Some(template)) => Some(VolumeSource::Template(template)),
        _ => {
            return Err(ApiError::invalid_parameter(
                "a volume is made from a snapshot, a volume or a template: give only one of \
                 snapshotid, sourcevolumeid and templateid",
            ));
        }
    };
    let wish = CreateVolume {
        name: params.name,
        zone: call.uuid_of::<Zone>("zoneid", params.zone).await?,
        disk_offering: call.uuid_of::<DiskOffering>("diskofferingid", params.disk_offering).await?,
        size_bytes: size(params.size, params.size_bytes)?,
        source,
        pool: call.uuid_of::<StoragePool>("storageid", params.storage).await?,
        tags: Vec::new(),
    };
    let begun = call.services.orchestration.volumes.create(&call.request(), wish).await?;
    Ok(Reply::job(begun.operation, Some(begun.object)))
}

/// A size in GiB or bytes, in bytes.
pub(super) fn size(gib: Option<i64>, bytes: Option<i64>) -> Result<Option<u64>, ApiError> {
    const GIB: u64 = 1 << 30;
    let positive = |name: &str, value: i64| match u64::try_from(value) {
        Ok(value) if value > 0 => Ok(value),
        _ => Err(ApiError::invalid_parameter(format!(
            "Invalid value for parameter {name}: {value} is not a size"
        ))),
    };
    match (gib, bytes) {
        (Some(_), Some(_)) => {
            Err(ApiError::invalid_parameter("give only one of size and sizebytes"))
        }
        (Some(gib), None) => {
            let bytes = positive("size", gib)?.checked_mul(GIB);
            let too_large = || ApiError::invalid_parameter("size is larger than any volume");
            bytes.ok_or_else(too_large).map(Some)
        }
        (None, bytes) => bytes.map(|bytes| positive("sizebytes", bytes)).transpose(),
    }
}
