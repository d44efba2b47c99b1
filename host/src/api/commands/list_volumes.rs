//! `listVolumes`.

use crate::api::call::Call;
use crate::api::command::{Command, handler};
use crate::api::error::ApiError;
use crate::api::objects::VolumeResponse;
use crate::api::page::Listing;
use crate::api::param::{Inputs, params};
use crate::api::reply::Reply;
use crate::api::values::Id;
use crate::api::word::Word;
use crate::model::{DiskOffering, Instance, StoragePool, VolumeState, Zone};
use crate::store::Filter;

pub(super) const COMMAND: Command = Command {
    name: "listVolumes",
    description: "Lists all volumes.",
    since: None,
    is_async: false,
    begins: false,
    params: Listing::<Params>::PARAMS,
    response: VolumeResponse::FIELDS,
    run: handler!(run),
};

params! {
    struct Params {
        "id"               id: Option<Id>             => "the ID of the disk volume";
        "ids"              ids: Option<Vec<Id>>       => "the IDs of the volumes, mutually exclusive with id";
        "name"             name: Option<String>       => "the name of the disk volume";
        "state"            state: Option<Word<VolumeState>> => "state of the volume";
        "type"             kind: Option<String>       => "the type of disk volume";
        "zoneid"           zone: Option<Id>           => "the ID of the availability zone";
        "storageid"        storage: Option<Id>        => "the ID of the storage pool";
        "diskofferingid"   offering: Option<Id>       => "list volumes by disk offering";
        "virtualmachineid" instance: Option<Id>       => "the ID of the virtual machine";
    }
}

async fn run(call: Call, list: Listing<Params>) -> Result<Reply, ApiError> {
    let own = &list.own;
    let filter = Filter {
        name: own.name.clone(),
        owner: call.filter_uuid::<StoragePool>("storageid", own.storage).await?,
        zone: call.filter_uuid::<Zone>("zoneid", own.zone).await?,
        ..Filter::default()
    };
    let offering = call.filter_uuid::<DiskOffering>("diskofferingid", own.offering).await?;
    let instance = call.filter_uuid::<Instance>("virtualmachineid", own.instance).await?;
    let is = |wanted: &Option<String>, word: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(word))
    };
    let mut volumes = call.services.orchestration.volumes.list(&filter).await?;
    volumes.retain(|volume| {
        list.matches(&volume.name)
            && Id::is_wanted(own.id, own.ids.as_deref(), volume.uuid, volume.id)
            && offering.is_none_or(|offering| volume.disk_offering == Some(offering))
            && instance.is_none_or(|instance| volume.instance == Some(instance))
            && own.state.is_none_or(|Word(state)| state == volume.state)
            && is(&own.kind, volume.volume_type.as_str())
    });
    list.reply_shown(&call, &volumes).await
}
